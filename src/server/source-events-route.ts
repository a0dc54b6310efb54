import { z } from 'zod';
import { runStatuses } from '../core/run.ts';
import { anyJson, lazily, text } from './api/fields.ts';
import { defineRoute } from './define-route.ts';
import { waitPattern } from './source-events.ts';

/** Described here; source-events.ts serves it, and decides all that the headers tell before it reads the body. */
export const receiveSourceEvent = defineRoute({
  name: 'receiveSourceEvent',
  method: 'POST',
  path: '/api/v1/sources/:namespace/:name/events',
  access: 'source',
  summary: 'Starts a run of the Workflow of a Source of type api; answers 2xx only after the commit.',
  description:
    'The body is `.source.data` of the templates, and must fit the `schema` of the Source. It wants what `authentication` of the Source says, else the token of the API. 503 says to send it again.',
  params: { namespace: 'Namespace of the Source.', name: 'Name of the Source.' },
  query: {
    wait: z
      .string()
      .regex(waitPattern)
      .optional()
      .meta({
        description: 'Waits so long for the end of the run, 60s at most: 30s. Answered at once where 32 wait already.',
        examples: ['0s'],
      }),
  },
  headers: {
    'Idempotency-Key': z.string().max(255).describe('The same key with the same body starts one run.').optional(),
  },
  body: z.looseObject({}),
  errors: ['NotFound', 'Conflict', 'RateLimited'],
  example: { query: '?wait=30s', body: { deployment: 'checkout', reason: 'rolled out' } },
  answer: lazily(() =>
    z
      .strictObject({
        runs: z
          .array(
            z.strictObject({
              id: text('The id.'),
              status: z.enum(runStatuses).describe('The last three are final.'),
              outputs: anyJson('Outputs of the Workflow, once it has ended; of one in another namespace, none.'),
              error: text('Why it failed; null for a Workflow in another namespace.').nullable(),
            }),
          )
          .describe('The run that was made, or that the same request made before.'),
        reason: text('Why there is none, `Suspended`.').nullable(),
      })
      .meta({ id: 'SourceEventAnswer', description: 'What became of a request for a run.' }),
  ),
  handler: null,
});
