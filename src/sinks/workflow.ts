import { z } from 'zod';
import { defineSink } from './define.ts';
import type { SinkDelivery } from './define.ts';
import { conditional, context } from './fields.ts';
import { viewOf } from './payload.ts';

/**
 * One run for each delivery, however often it is sent. A Workflow that led here is not started again, and a line of Workflows has
 * an end: what would go on for ever fails, with the line in its message.
 */
export const workflow = defineSink({
  type: 'workflow',
  description: 'Starts another Workflow, with facts of the run that led to it.',
  example: { workflowName: 'follow-up' },
  config: z.object({
    workflowName: z.string().min(1).max(317).meta({
      description: 'The Workflow: its name, or NAMESPACE/NAME of one in another namespace that grants it (accessFrom).',
    }),
    triggerCondition: conditional
      .optional()
      .meta({ description: 'A condition over the payload; where it is false nothing is started.' }),
    context: context
      .default({})
      .meta({ description: 'Facts for the Workflow, as `.source.context`; values are templates over the payload.' }),
  }),
  async deliver(io, config, delivery) {
    if (config.triggerCondition === 'false') return { ok: true, reference: null };
    const reference = await io.startRun(config.workflowName, { parent: parentOf(delivery), ...config.context });
    return { ok: true, reference };
  },
});

/** `.source.context.parent` of the run. */
function parentOf({ event, sinkName, payload }: SinkDelivery) {
  const { run, workflow } = payload;
  const { summary, cause, confidence } = viewOf(payload);
  return { event, sink: sinkName, run: run ?? null, workflow: workflow ?? null, summary, cause, confidence };
}
