import type { Condition } from '../core/catalog.ts';
import { isBlocking } from './problem.ts';
import type { Issue, Problem } from './problem.ts';

/**
 * The conditions of an object: exactly one `Ready`, first, and the others behind it. What keeps a spec from being used
 * comes before everything else; several reasons are told by their first.
 */
export function conditions(
  title: string,
  issues: readonly Issue[],
  more: readonly Condition[],
  brokenEdit: Problem | undefined,
): readonly Condition[] {
  const blocking = issues.filter(isBlocking);
  const notReady = more.filter(({ type }) => type === 'Ready');
  const others = more.filter(({ type }) => type !== 'Ready');
  const [first] = blocking;
  const ready: Condition =
    first === undefined
      ? (notReady[0] ?? { type: 'Ready', status: 'True', reason: 'Accepted', message: `${title} is in use` })
      : { type: 'Ready', status: 'False', reason: 'InvalidSpec', message: summary(blocking, first) };
  return [ready, ...others, ...(brokenEdit === undefined ? [] : [stalled(brokenEdit)])];
}

/** The reason why it is not ready; null where it is. */
export function reasonOf(all: readonly Condition[]): string | null {
  const ready = all.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' ? null : (ready?.reason ?? 'Unknown');
}

function summary(blocking: readonly Issue[], first: Issue): string {
  const rest = blocking.length > 1 ? ` (and ${blocking.length - 1} more; see fist lint)` : '';
  return `${first.message}${first.next === undefined ? '' : `; ${first.next}`}${rest}`;
}

function stalled(problem: Problem): Condition {
  const { file, line, column, message } = problem;
  return {
    type: 'Stalled',
    status: 'True',
    reason: 'BrokenEdit',
    message: `${file}:${line}:${column}: ${message}; the last good version stays in use`,
  };
}
