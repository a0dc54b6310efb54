import type { EvidenceRecorder } from '../investigation/evidence.ts';
import { canonicalJson } from '../lib/hash.ts';
import type { ToolCall } from './message.ts';
import type { Called } from './contents.ts';
import { parseInput } from './tool-input.ts';
import type { ExecutedCall, ToolDefinition } from './tools/define.ts';

/** How a call ended, but for how long it took. */
export type Ended = Omit<ExecutedCall, 'durationMs'>;

/** Which calls were made before. */
export interface Repeats {
  /** The same for calls that ask for the same. */
  keyOf(call: ToolCall): string;
  /** Notes one; answers how often it was made, this time included. */
  count(key: string): number;
  /** Makes it, unless its answer is known. An error is no answer. */
  once(key: string, make: () => Promise<Ended>): Promise<Ended>;
}

/** Begins with what earlier attempts asked: their evidence keeps its ids. */
export function createRepeats(
  tools: ReadonlyMap<string, ToolDefinition>,
  earlier: readonly Called[],
  recorder: Pick<EvidenceRecorder, 'adopt'>,
): Repeats {
  const counts = new Map<string, number>();
  const answers = new Map<string, Promise<Ended>>();
  const repeats: Repeats = {
    keyOf({ name, input }) {
      const tool = tools.get(name);
      const parsed = tool === undefined ? null : parseInput(tool, input);
      return `${name} ${parsed !== null && 'value' in parsed ? canonicalJson(parsed.value) : input}`;
    },
    count(key) {
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return count;
    },
    async once(key, make) {
      const known = answers.get(key);
      if (known !== undefined) return { ...(await known), cached: true };
      const made = make();
      answers.set(key, made);
      const forget = (): void => void answers.delete(key);
      made.then(({ status }) => {
        if (status === 'error') forget();
      }, forget);
      return made;
    },
  };
  for (const { call, result } of earlier) {
    const key = repeats.keyOf(call);
    repeats.count(key);
    if (result.evidence !== null) recorder.adopt(result.evidence);
    if (result.status === 'ok' || result.status === 'no_data') answers.set(key, Promise.resolve(result));
  }
  return repeats;
}
