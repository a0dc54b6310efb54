import { z } from 'zod';
import { parseDuration } from './duration.ts';
import { atMost, rule } from './rule.ts';
import type { DeclaredCheck } from './rule.ts';

/** A schema without what makes it optional. */
export function bare(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable)
    inner = inner.unwrap() as z.ZodType;
  return inner;
}

/** Name of a namespace (RFC 1123 label). */
export const namespaceName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be the name of a namespace');

const subdomain = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';

/** Name of a Kubernetes object (RFC 1123 subdomain). */
export const objectName = z
  .string()
  .max(253)
  .regex(new RegExp(`^${subdomain}$`), 'must be a DNS name: lower case letters, digits, - and .');

/** What names an object: in the same namespace, or in another one that grants it. */
export const objectReference = z
  .string()
  .max(317)
  .regex(
    new RegExp(`^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?${subdomain}$`),
    'must be the name of an object, or NAMESPACE/NAME of one in another namespace',
  );

/** So many digits of each unit that all of them together are below the longest duration that there is (240 years). */
const durationForm =
  /^(0|([0-9]{1,2}y)?([0-9]{1,3}w)?([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?([0-9]{1,12}ms)?)$/;

/** A Prometheus duration, `90s`, `1h30m`, `0`. */
export const duration = z
  .string()
  .max(64)
  .regex(durationForm, 'must be a duration such as 30s, 5m, 1h30m or 1d')
  .min(1);

/** Milliseconds of a text that `duration` takes; null = it is told of by its own rule. */
export function durationMs(text: string): number | null {
  return text !== '' && durationForm.test(text) ? parseDuration(text) : null;
}

const unitsMs = { y: 365 * 86_400_000, w: 7 * 86_400_000, d: 86_400_000, h: 3_600_000, s: 1000, ms: 1 } as const;

/** CEL for the milliseconds of a text that `duration` takes. `of`: an expression, `self.timeout`. */
export function celMilliseconds(of: string): string {
  const parts = Object.entries(unitsMs).map(([unit, unitMs]) => part(of, unit, unitMs));
  return [...parts, part(`${of}.replace('ms', '')`, 'm', 60_000)].join(' + ');
}

function part(of: string, unit: string, unitMs: number): string {
  return `int('0' + ${of}.find('[0-9]+${unit}').replace('${unit}', '')) * ${unitMs}`;
}

/** The bounds of a duration, for `.check()`: `1m`, `7d`. */
export function between(least: string, most: string): DeclaredCheck<string> {
  const [leastMs, mostMs] = [parseDuration(least), parseDuration(most)];
  const cel = `[${celMilliseconds('self')}].all(ms, ms >= ${leastMs} && ms <= ${mostMs})`;
  return rule(cel, `must be from ${least} to ${most}`, (text) => {
    const milliseconds = durationMs(text);
    return milliseconds === null || (milliseconds >= leastMs && milliseconds <= mostMs);
  });
}

/** The least of a duration, for `.check()`. */
export function atLeast(least: string): DeclaredCheck<string> {
  const leastMs = parseDuration(least);
  return rule(`${celMilliseconds('self')} >= ${leastMs}`, `must be ${least} at least`, (text) => {
    return (durationMs(text) ?? leastMs) >= leastMs;
  });
}

/** A map with a bound, which zod has none for. */
export function map<Name extends z.ZodString, Value extends z.ZodType>(
  names: Name,
  values: Value,
  mostMembers: number,
): z.ZodRecord<Name, Value> {
  return z.record(names, values).check(atMost(mostMembers));
}
