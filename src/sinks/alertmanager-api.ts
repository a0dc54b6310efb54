import { z } from 'zod';
import type { Labels } from '../core/alert.ts';

// Lists of Alertmanager's API v2, as far as the sink reads them (prometheus/alertmanager: api/v2/openapi.yaml).

export const listedAlerts = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: z.string(),
    endsAt: z.string(),
    generatorURL: z.string().default(''),
  }),
);

export type ListedAlert = z.output<typeof listedAlerts>[number];

const matcher = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  isEqual: z.boolean().default(true),
});

export const listedSilences = z.array(
  z.object({
    id: z.string(),
    createdBy: z.string(),
    matchers: z.array(matcher),
    status: z.object({ state: z.string() }),
  }),
);

export type ListedSilence = z.output<typeof listedSilences>[number];

type Matcher = z.output<typeof matcher>;

/** Labels without a value are none (Alertmanager drops them). */
function present(labels: Labels): readonly (readonly [string, string])[] {
  return Object.entries(labels).filter(([, value]) => value !== '');
}

/** Whether two alerts are one to Alertmanager. */
export function isSameAlert(left: Labels, right: Labels): boolean {
  const [some, others] = [present(left), new Map(present(right))];
  return some.length === others.size && some.every(([name, value]) => others.get(name) === value);
}

/** What silences this alert and no other. */
export function matchersOf(labels: Labels): readonly Matcher[] {
  return present(labels).map(([name, value]) => ({ name, value, isRegex: false, isEqual: true }));
}

/** Whether a silence is for this alert and no other. */
export function silencesOnly({ matchers }: ListedSilence, labels: Labels): boolean {
  const isPlain = matchers.every(({ isRegex, isEqual }) => !isRegex && isEqual);
  return isPlain && isSameAlert(Object.fromEntries(matchers.map(({ name, value }) => [name, value])), labels);
}

/**
 * Keeps an answer small: `?filter=...` by the labels that all versions of the filter's parser read alike. What comes is
 * compared whole.
 */
export function filtersOf(labels: Labels): string {
  const plain = present(labels).filter(
    ([name, value]) => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && /^[\w ./:-]{1,200}$/.test(value),
  );
  return plain.map(([name, value]) => `filter=${encodeURIComponent(`${name}="${value}"`)}`).join('&');
}
