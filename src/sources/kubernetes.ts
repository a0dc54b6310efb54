import { z } from 'zod';
import { defineSource } from './define.ts';

/** Starts workflows from changes in the cluster. */
export const kubernetes = defineSource({
  type: 'kubernetes',
  description: 'Starts a Workflow from changes of objects in the cluster.',
  notImplemented: 'kubernetes Sources are not part of this version; alert on the condition and use a webhook Source',
  config: z.strictObject({
    resource: z.string().min(1).meta({ description: 'Resource to watch, pods.' }),
    event: z.string().min(1).meta({ description: 'What happens to it, added, modified or deleted.' }),
    labelSelector: z.string().optional().meta({ description: 'Only objects with these labels, app=checkout.' }),
  }),
});
