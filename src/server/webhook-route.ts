import { z } from 'zod';
import { count, lazily } from './api/fields.ts';
import { defineRoute } from './define-route.ts';

/** Described here; webhooks.ts serves it, and decides all that the headers tell before it reads the body. */
export const receiveNotification = defineRoute({
  name: 'receiveNotification',
  method: 'POST',
  path: '/webhook/*',
  access: 'source',
  summary: 'Takes a notification for the Source with this path; answers 2xx only after the commit.',
  description:
    'The body is what the Source takes: of type webhook, a notification in one of its formats; gzip is unpacked, and PUT is the same as POST. It wants the token of that Source, not that of the API. 503 says to send it again.',
  params: { '*': '`spec.config.path` of the Source, or `@NAMESPACE/` and that.' },
  headers: {
    'Idempotency-Key': z.string().max(255).describe('The same key with the same body counts once.').optional(),
  },
  body: z.looseObject({
    alerts: z.array(z.looseObject({})).describe('As Alertmanager sends them (version 4).'),
  }),
  errors: ['NotFound', 'RateLimited'],
  example: { body: { alerts: [{ status: 'firing', labels: { alertname: 'TestAlert', severity: 'warning' } }] } },
  answer: lazily(() =>
    z
      .strictObject({
        received: count('Alerts in it.'),
        opened: count('Alerts that fire now and did not before.'),
        repeated: count('Alerts that fired already.'),
        resolved: count('Alerts that were closed.'),
        ignored: count('Alerts that filters refused, that came too late, or that could not be used.'),
        runs: count('Runs that were made.'),
      })
      .meta({ id: 'IntakeAnswer', description: 'What became of the alerts of a notification.' }),
  ),
  handler: null,
});
