import type { Matcher } from '../../src/core/alert.ts';

/** One matcher for each label, `name="value"`. */
export function equalities(labels: Readonly<Record<string, string>>): readonly Matcher[] {
  return Object.entries(labels).map(([name, value]) => ({ name, type: '=', value }));
}
