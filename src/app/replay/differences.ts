import type { AgentResult } from '../../core/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { canonicalJson } from '../../lib/hash.ts';

/** A field of a report that is another one. */
export interface Difference {
  /** `root_cause`, `model_use.dropped`. */
  readonly field: string;
  /** As JSON. */
  readonly before: string;
  readonly after: string;
}

/** What follows from the others, or from the moment and the clock. */
const ignored: ReadonlySet<string> = new Set(['report', 'conversation', 'model_use']);

/** Of what the model did: not what it cost, which the price of the day says. */
const compared = ['ended', 'requests', 'tool_calls', 'wasted_calls', 'dropped'] as const;

/** The fields in which two reports differ, in the order of their names. Pure. */
export function differencesOf(before: AgentResult, after: AgentResult): readonly Difference[] {
  return [...fieldsOf(before, after, ignored), ...useDifferences(before, after)];
}

function useDifferences({ model_use: before }: AgentResult, { model_use: after }: AgentResult): readonly Difference[] {
  return compared
    .map((name) => ({
      field: `model_use.${name}`,
      before: jsonOf(before?.[name]),
      after: jsonOf(after?.[name]),
    }))
    .filter((one) => one.before !== one.after);
}

function fieldsOf(before: AgentResult, after: AgentResult, without: ReadonlySet<string>): readonly Difference[] {
  const [one, other] = [before, after] as unknown as readonly [JsonObject, JsonObject];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => !without.has(name));
  return names
    .sort()
    .map((field) => ({ field, before: jsonOf(one[field]), after: jsonOf(other[field]) }))
    .filter((difference) => difference.before !== difference.after);
}

/** The same for the same value, in whatever order its members are. */
function jsonOf(value: unknown): string {
  return value === undefined ? 'absent' : canonicalJson(JSON.parse(JSON.stringify(value)));
}
