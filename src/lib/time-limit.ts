import { createContext, Script } from 'node:vm';

const script = new Script('work()');
const context: { work: (() => void) | null } = { work: null };
createContext(context);

/** Does work in one go, and answers undefined where that takes longer: it is broken off wherever it is. Costs half a millisecond. */
export function withinTime<Result>(milliseconds: number, work: () => Result): Result | undefined {
  let result: Result | undefined;
  context.work = () => {
    result = work();
  };
  try {
    script.runInContext(context, { timeout: milliseconds });
    return result;
  } catch (thrown) {
    if (Reflect.get(thrown as object, 'code') === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw thrown;
  } finally {
    context.work = null;
  }
}
