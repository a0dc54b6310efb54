import { z } from 'zod';
import { defineSink } from './define.ts';

export const prometheus = defineSink({
  type: 'prometheus',
  description: 'Metrics about a run, pushed to a Pushgateway.',
  example: { pushgateway: 'http://pushgateway.monitoring:9091', job: 'fist' },
  config: z.object({
    pushgateway: z
      .string()
      .max(2048)
      .regex(/^https?:\/\/[^\s/]+/, 'must begin with http:// or https://')
      .meta({ description: 'Address of the Pushgateway.' }),
    job: z.string().max(255).optional().meta({ description: 'Job label of the pushed metrics.' }),
    metrics: z.record(z.string(), z.string()).default({}).meta({ description: 'Value templates by metric name.' }),
  }),
});
