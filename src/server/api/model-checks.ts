import { Readable } from 'node:stream';
import { z } from 'zod';
import { modelFitness } from '../../core/model-check.ts';
import type { CheckedModel } from '../../core/model-check.ts';
import type { Clock } from '../../core/ports.ts';
import { toAppError } from '../../core/errors.ts';
import { defineRoute } from '../define-route.ts';
import { lazily, text, time } from './fields.ts';

/** A space comes so often, so that nobody on the way takes the connection for dead. */
const beatMs = 10_000;

const finding = lazily(() =>
  z.strictObject({
    about: z
      .enum(['settings', 'answer', 'tool call', 'form', 'both', 'window', 'price', 'cost'])
      .describe('What was tried, or is known.'),
    result: z.enum(['ok', 'failed', 'skipped']).describe('`skipped`: nobody can say.'),
    text: text('One line for people.'),
    next: text('What to do about it.').optional(),
  }),
);

export const checkWorkflowModels = defineRoute({
  name: 'checkWorkflowModels',
  method: 'POST',
  path: '/api/v1/workflows/:namespace/:name/model-check',
  access: 'token',
  summary:
    'Asks the models of a Workflow three short questions each, and keeps whether they can do what an investigation asks of them.',
  description:
    'What it finds is the condition `ModelsChecked` of every Workflow that asks the same model at the same address with the same key, on all replicas; a model that cannot is not asked again until a later check finds that it can. A check without an answer keeps nothing. It costs what the questions cost, and takes as long as they take: spaces come before the answer meanwhile. Who closes the connection ends it.',
  params: { namespace: 'Its namespace.', name: 'Its name.' },
  body: z.strictObject({
    timeoutMs: z.int().min(1000).max(600_000).default(120_000).describe('Of one question.'),
  }),
  isStream: true,
  errors: ['NotFound', 'WorkflowNotReady'],
  answer: lazily(() =>
    z
      .strictObject({
        models: z
          .array(
            z.strictObject({
              model: text('`anthropic/claude-sonnet-5-5`.'),
              endpoint: text('Where it was asked; null: at its provider.').nullable(),
              result: z
                .enum(modelFitness)
                .describe(
                  '`unfit`: it is not asked. `unanswered`: nothing is known of it, what was known before stays.',
                ),
              message: text('What it can or cannot do, in one line.'),
              checks: z.array(finding()).describe('One by one.'),
              at: time('When.'),
            }),
          )
          .describe('In the order in which they are asked; empty: the Workflow asks none.'),
        error: z
          .strictObject({ code: text('Of errors.md.'), message: text('What went wrong.') })
          .optional()
          .describe('Why the check could not be ended; absent: it was.'),
      })
      .meta({ id: 'ModelCheck', description: 'What came of a check of models.' }),
  ),
  async handler({ modelChecks, catalog, clock }, { params: { namespace, name }, body: { timeoutMs } }, { reply }) {
    const ended = new AbortController();
    reply.raw.once('close', () => ended.abort(new Error('the caller is gone')));
    const { signal } = ended;
    const work = modelChecks.check(namespace, name, { timeoutMs, signal });
    // What is wrong with the request is known at once, and answered as such.
    if (catalog.current()?.workflow(namespace, name)?.plan == null) return { models: await work };
    void reply.type('application/json; charset=utf-8');
    return reply.send(Readable.from(withBeats(work, clock, signal)));
  },
});

/** The answer as JSON, with a space before it now and then. */
async function* withBeats(
  work: Promise<readonly CheckedModel[]>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const answer = work.then(
    (models) => ({ models }),
    (thrown: unknown) => {
      const { code, message } = toAppError(thrown);
      return { models: [], error: { code, message } };
    },
  );
  for (;;) {
    const done = await Promise.race([answer, beat(clock, signal)]);
    if (done !== null) {
      yield JSON.stringify(done);
      return;
    }
    yield ' ';
  }
}

async function beat(clock: Clock, signal: AbortSignal): Promise<null> {
  await clock.sleep(beatMs, signal).catch(() => undefined);
  return null;
}
