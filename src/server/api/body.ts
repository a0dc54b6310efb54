import { z } from 'zod';
import { AppError } from '../../core/errors.ts';

/** Why a person wants something to stop. */
export const cancelBody = z.strictObject({
  reason: z.string().trim().min(1).max(1000).default('cancelled by a person'),
});

/** What the schema accepted of a body; throws InvalidInput that names the first wrong field. */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map(String).join('.');
  const field = path.slice(0, 200);
  throw new AppError(
    'InvalidInput',
    `${field === '' ? 'the body' : field}: ${issue?.message ?? 'is not valid'}`,
    field === '' ? {} : { field },
  );
}
