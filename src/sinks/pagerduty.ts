import { z } from 'zod';
import { defineSink } from './define.ts';
import { action, endpoint, template } from './fields.ts';

export const pagerduty = defineSink({
  type: 'pagerduty',
  description: 'An event for PagerDuty.',
  config: z
    .object({
      endpoint: endpoint.optional(),
      routingKey: z.string().min(1).max(255).meta({ description: 'Secret with the routing key: name, or name/key.' }),
      action: action.optional(),
      template: template.optional(),
    })
    .refine((config) => config.action === undefined || config.action === 'trigger' || config.action === 'resolve', {
      path: ['action'],
      error: 'must be trigger or resolve',
    }),
});
