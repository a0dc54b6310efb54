import { z } from 'zod';
import { defineSink } from './define.ts';
import { action, endpoint, template } from './fields.ts';

export const alertmanager = defineSink({
  type: 'alertmanager',
  description: 'Resolves, annotates or silences the alert in Alertmanager.',
  example: { endpoint: 'http://alertmanager.monitoring:9093', action: 'annotate' },
  config: z
    .object({ endpoint, action: action.optional(), template: template.optional() })
    .refine((config) => config.action !== 'trigger', {
      path: ['action'],
      error: 'must be resolve, annotate or silence',
    }),
});
