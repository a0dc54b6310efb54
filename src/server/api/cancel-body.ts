import { z } from 'zod';

/** Why a person wants something to stop. */
export const cancelBody = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(1)
    .max(1000)
    .default('cancelled by a person')
    .describe('Why, for those who read it later.'),
});
