import { z } from 'zod';

/** A schema without what makes it optional. */
export function bare(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodNullable)
    inner = inner.unwrap() as z.ZodType;
  return inner;
}

/** A Prometheus duration, `90s`, `1h30m`, `0`. */
export const duration = z
  .string()
  .max(64)
  .regex(
    /^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$/,
    'must be a duration such as 30s, 5m, 1h30m or 1d',
  )
  .min(1);
