import { z } from 'zod';
import { authentication, authenticationSecret } from '../lib/secret-reference.ts';
import { normalizeWebhookPath } from '../lib/webhook-path.ts';
import { receiveAlertmanager } from './alertmanager.ts';
import { defineSource } from './define.ts';
import { compileFilters, filters, matchers } from './filters.ts';

const path = z
  .string()
  .max(1024)
  .regex(/^[A-Za-z0-9/_.~-]+$/, 'may hold letters, digits and / _ . ~ -')
  .refine((value) => normalizeWebhookPath(value) !== '' && !value.split('/').includes('..'), 'must name a path')
  .meta({ description: 'Path below /webhook/. A leading / and one leading webhook/ make no difference.' });

/** Takes notifications by HTTP POST. */
export const webhook = defineSource({
  type: 'webhook',
  description: "Takes Alertmanager's webhook notifications (format 4) by HTTP POST.",
  config: z.strictObject({
    path,
    filters: filters.optional(),
    matchers: matchers.optional(),
    authentication: authentication.optional(),
  }),
  compile: (config) => ({
    path: normalizeWebhookPath(config.path),
    accepts: compileFilters(config.filters, config.matchers),
    authentication:
      config.authentication === undefined
        ? null
        : { type: 'bearer', secret: authenticationSecret(config.authentication) },
  }),
  receive: receiveAlertmanager,
});
