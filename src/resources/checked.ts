import { isBlocking } from './problem.ts';
import type { Issue } from './problem.ts';

/** What a check made of a `spec`: null where an issue keeps it from being used. */
export interface Checked<Accepted> {
  readonly accepted: Accepted | null;
  readonly issues: readonly Issue[];
}

/** The result of a check whose parts have been read. */
export function checked<Accepted>(accepted: Accepted | null, issues: readonly Issue[]): Checked<Accepted> {
  return { accepted: issues.some(isBlocking) ? null : accepted, issues };
}

/** Fields that the resource's type does not use: allowed by the common schema, and probably a mistake. */
export function unusedFields(
  given: Readonly<Record<string, unknown>>,
  used: readonly string[],
  base: readonly (string | number)[],
  what: string,
): readonly Issue[] {
  return Object.keys(given)
    .filter((name) => given[name] !== undefined && !used.includes(name))
    .map((name) => ({
      path: [...base, name],
      atKey: true,
      severity: 'warning',
      message: `${name} is not used by ${what}`,
      next: 'remove it, or change the type',
    }));
}
