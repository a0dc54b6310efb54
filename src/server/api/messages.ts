import { z } from 'zod';
import { defineRoute } from '../define-route.ts';
import { callerName } from '../rights.ts';
import { lazily, text } from './fields.ts';
import { idOf } from './references.ts';

/** Characters of a question. */
const longestQuestion = 4000;

/** A question. */
export const questionBody = z.strictObject({
  question: z.string().trim().min(1).max(longestQuestion).describe('What to answer.'),
  by: z.string().trim().min(1).max(200).optional().describe('Who asks, for people.'),
});

export const askRun = defineRoute({
  name: 'askRun',
  method: 'POST',
  path: '/api/v1/runs/:id/messages',
  access: 'token',
  summary: 'Asks on about a conversation with a model.',
  description:
    'Makes a run that goes on with the conversation of this one, within what its budget has left; its report is the answer. It tells no Sink, and the run that is asked about, which must have ended, stays as it is.',
  body: questionBody,
  status: 201,
  errors: ['NotFound', 'Conflict'],
  example: { body: { question: 'Did the rollout before this one have the same limit?' } },
  answer: lazily(() =>
    z.strictObject({
      id: text('Id of the new run.'),
      followUpOf: text('Id of the run that it goes on from.'),
    }),
  ),
  async handler({ control, reader }, { params, body: { question, by = null } }, { request }) {
    const id = await idOf(reader, 'run', params.id);
    return { id: await control.ask({ runId: id, text: question, by: callerName(request, by) }), followUpOf: id };
  },
});
