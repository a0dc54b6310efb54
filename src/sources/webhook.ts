import { z } from 'zod';
import { normalizeWebhookPath } from '../lib/webhook-path.ts';
import { authentication, compileAuthentication } from './authentication/index.ts';
import { defineSource } from './define.ts';
import { compileFilters, filters, matchers } from './filters.ts';
import { formats } from './formats/index.ts';
import { receiveNotification } from './notification.ts';

const path = z
  .string()
  .max(1024)
  .regex(/^[A-Za-z0-9/_.~-]+$/, 'may hold letters, digits and / _ . ~ -')
  .refine((value) => normalizeWebhookPath(value) !== '' && !value.split('/').includes('..'), 'must name a path')
  .meta({ description: 'Path below /webhook/. A leading / and one leading webhook/ make no difference.' });

const format = z
  .enum(formats.map(({ name }) => name))
  .meta({ description: 'What its bodies look like. Absent: each body tells which one it is.' });

/** Takes notifications by HTTP POST or PUT. */
export const webhook = defineSource({
  type: 'webhook',
  description: 'Takes notifications of Alertmanager, Grafana and others by HTTP.',
  config: z.strictObject({
    path,
    format: format.optional(),
    filters: filters.optional(),
    matchers: matchers.optional(),
    authentication: authentication.optional(),
  }),
  compile(config) {
    const taken = config.format === undefined ? formats : formats.filter(({ name }) => name === config.format);
    return {
      path: normalizeWebhookPath(config.path),
      accepts: compileFilters(config.filters, config.matchers),
      authentication: compileAuthentication(config.authentication),
      mediaTypes: [...new Set(taken.flatMap(({ mediaTypes }) => mediaTypes))],
      subpaths: [...new Set(taken.flatMap(({ subpaths }) => subpaths))],
      settings: taken,
    };
  },
  receive: (request, turns, taken) => receiveNotification(taken, request, turns),
});
