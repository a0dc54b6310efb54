import { z } from 'zod';
import { defineSink } from './define.ts';
import { context } from './fields.ts';

export const workflow = defineSink({
  type: 'workflow',
  description: 'Starts another Workflow.',
  example: { workflowName: 'follow-up' },
  config: z.object({
    workflowName: z.string().min(1).max(253).meta({ description: 'Name of the Workflow in the same namespace.' }),
    triggerCondition: z.string().max(65_536).optional().meta({ description: 'A condition; false starts nothing.' }),
    context: context.default({}),
  }),
});
