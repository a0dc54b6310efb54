import { z } from 'zod';

export const apiVersion = 'punchingfist.io/v1alpha1';

/** Of a Workflow or a Sink. */
export const accessFrom = z
  .strictObject({
    namespaces: z
      .array(
        z
          .string()
          .max(63)
          .regex(/^(\*|[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/, 'must be the name of a namespace, or *'),
      )
      .min(1)
      .max(500)
      .meta({ description: 'Their names; * is every namespace, also those that are still to come.' }),
  })
  .optional();

/** A template whose text says yes or no. */
export const condition = z.string().min(1).max(65_536);

/** Large enough for any report, small enough for the API server. */
export const templateText = z.string().max(65_536);
