import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { alertStatuses, severities } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import type { CatalogSource } from '../../core/catalog.ts';
import { AppError } from '../../core/errors.ts';
import { toTimestamp } from '../../core/time.ts';
import { defineRoute } from '../define-route.ts';
import type { RouteContext } from '../define-route.ts';
import { flag, found, jsonObject, lazily, text, texts, time } from './fields.ts';
import { offsetParameters, pageAtOffset } from './offset.ts';
import { postAlert } from './post-alert.ts';

// Alerts in the routes of the first version, with its column names.

const alertRow = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      external_id: text("The sender's own fingerprint or id.").nullable(),
      fingerprint: text('SHA-256 over name and sorted labels.'),
      status: z.enum(alertStatuses).describe('received = open, resolved = closed.'),
      severity: z.enum(severities).describe('Its severity.'),
      alert_name: text('Its name.'),
      name: text('Its name.'),
      summary: text('Its summary.').nullable(),
      description: text('Its description.').nullable(),
      labels: texts('Its labels.'),
      annotations: texts('Its annotations.'),
      source_id: text('Id of the newest notification.').nullable(),
      workflow_id: text('Id of the newest run.').nullable(),
      ai_analysis: jsonObject('The last report.').nullable(),
      ai_confidence: z.number().nullable().describe('0 to 1.'),
      auto_resolved: flag('false.'),
      starts_at: time('When it began.').nullable(),
      ends_at: time('When it ended.').nullable(),
      received_at: time('When it came.'),
      triage_started_at: time('When its run started.').nullable(),
      triage_completed_at: time('When its run ended.').nullable(),
      resolved_at: time('When it was closed.').nullable(),
      created_at: time('When it first came.'),
      updated_at: time('When the row was last written.'),
    })
    .meta({ id: 'AlertRow', description: 'An alert in the shape of the first version.' }),
);

function alertRowOf(alert: AlertRecord) {
  return {
    id: alert.id,
    external_id: alert.externalId,
    fingerprint: alert.fingerprint,
    status: alert.status,
    severity: alert.severity,
    alert_name: alert.name,
    name: alert.name,
    summary: alert.summary,
    description: alert.description,
    labels: alert.labels,
    annotations: alert.annotations,
    source_id: alert.sourceId,
    workflow_id: alert.workflowId,
    ai_analysis: alert.aiAnalysis,
    ai_confidence: alert.aiConfidence,
    auto_resolved: alert.autoResolved,
    starts_at: alert.startsAt,
    ends_at: alert.endsAt,
    received_at: alert.receivedAt,
    triage_started_at: alert.triageStartedAt,
    triage_completed_at: alert.triageCompletedAt,
    resolved_at: alert.resolvedAt,
    created_at: alert.createdAt,
    updated_at: alert.updatedAt,
  };
}

export const createAlert = defineRoute({
  name: 'createAlert',
  method: 'POST',
  path: '/alerts',
  access: 'token',
  summary: 'Makes an alert by hand.',
  description:
    'It goes to `source`, else to the first webhook or api Source whose filters accept it; else it is stored and triggers nothing, and the answer says so.',
  headers: {
    'Idempotency-Key': z.string().min(1).max(255).describe('The same key with the same body counts once.').optional(),
  },
  readsBody: true,
  body: z.looseObject({
    alert_name: z.string().min(1).describe('Its name.'),
    severity: z.enum(severities).describe('Its severity.'),
    status: z.enum(['firing', 'resolved']).nullish().describe('firing, unless `ends_at` is over.'),
    source: z.string().nullish().describe('`namespace/name` of the Source, or its name in the namespace default.'),
    external_id: z.string().nullish().describe('Your own id.'),
    summary: z.string().nullish().describe('One line.'),
    description: z.string().nullish().describe('More.'),
    labels: z.record(z.string(), z.string()).nullish().describe('Labels; they and the name are its identity.'),
    annotations: z.record(z.string(), z.string()).nullish().describe('Annotations.'),
    starts_at: z.iso.datetime({ offset: true }).nullish().describe('RFC 3339.'),
    ends_at: z.iso.datetime({ offset: true }).nullish().describe('RFC 3339.'),
  }),
  status: 201,
  errors: ['NotFound', 'Conflict', 'RateLimited'],
  example: { body: { alert_name: 'TestAlert', severity: 'warning', labels: { namespace: 'shop', pod: 'web-1' } } },
  answer: lazily(() => z.strictObject({ id: text('Id of the alert.'), message: text('What became of it.') })),
  async handler(context, _input, http) {
    const { state, clock, reader } = context;
    const { request } = http;
    if (state() !== 'ready') throw new AppError('Draining', `the server is ${state()}`, { next: 'send it again' });
    const receivedAt = toTimestamp(clock.now());
    const notification = { body: request.bodyText, headers: request.headers, receivedAt };
    const countRequest = (source: CatalogSource): void => count(context, source, http);
    return postAlert({ ...context, lists: reader.lists, countRequest }, notification);
  },
});

/** As of the requests that come to the path of the Source. */
function count(
  { rates, refusals }: RouteContext,
  source: CatalogSource,
  { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
): void {
  const refusal = rates.refusal(source);
  if (refusal === null) return rates.take(source);
  refusals.note(source, '/alerts', request.ip, refusal);
  void reply.headers(refusal.headers ?? {});
  const { code, message, next } = refusal.body;
  throw new AppError(code, message, next === undefined ? {} : { next });
}

export const listAlertRows = defineRoute({
  name: 'listAlertRows',
  method: 'GET',
  path: '/alerts',
  access: 'token',
  summary: 'Alerts in the shape of the first version, newest first.',
  query: offsetParameters,
  answer: lazily(() => z.array(alertRow())),
  async handler({ reader: { lists } }, { query }) {
    const { items } = await lists.alerts(pageAtOffset(query));
    return (await lists.alertsOf(items.map(({ id }) => id))).map(alertRowOf);
  },
});

export const getAlertRow = defineRoute({
  name: 'getAlertRow',
  method: 'GET',
  path: '/alerts/:id',
  access: 'token',
  summary: 'One alert in the shape of the first version.',
  errors: ['NotFound'],
  answer: alertRow,
  async handler({ reader: { lists } }, { params: { id } }) {
    return alertRowOf(found(await lists.alert(id), 'alert', id, 'fist get alerts'));
  },
});
