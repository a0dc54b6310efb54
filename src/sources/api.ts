import { z } from 'zod';
import { severities } from '../core/alert.ts';
import type { AlertItem, Labels } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { parseRfc3339 } from '../core/rfc3339.ts';
import { celList, rule } from '../lib/rule.ts';
import type { BeyondKind } from '../lib/rule.ts';
import { atLeast, duration } from '../lib/schema.ts';
import type { Timestamp } from '../core/time.ts';
import { alertFingerprint } from '../lib/hash.ts';
import type { Turns } from '../lib/turns.ts';
import { authentication, compileAuthentication } from './authentication/index.ts';
import { defineSource } from './define.ts';
import type { EventResult, ReceiveResult, SourceRequest, UnusedField } from './define.ts';
import { compileJsonSchema } from './json-schema.ts';
import type { CheckValue } from './json-schema.ts';
import { deliveryKeyOf, parseBody, refuse } from './envelope.ts';
import { wrongLabels, wrongPairs } from './pairs.ts';
import { compileFilters, filters, matchers } from './filters.ts';
import { items, mapping } from './mapping.ts';
import { compilePolling, poll } from './polling.ts';
import type { Polling } from './polling.ts';
import { endpoint, postedTo } from './endpoint.ts';
import { formats } from './formats/index.ts';
import { format, readingRules, readingTemplates } from './webhook.ts';
import { textOrNull } from './formats/alert.ts';
import { receiveNotification } from './notification.ts';

const schema = z
  .record(z.string(), z.unknown())
  .meta({ description: 'JSON Schema (2020-12, or draft-07) that bodies of .../events must fit. Absent: any object.' });

/** A Source takes requests, or asks an endpoint. */
interface Settings {
  readonly check: CheckValue | null;
  readonly polling: Polling | null;
}

/** Any other endpoint is asked for alerts. */
const asks = `(has(self.endpoint) && self.endpoint != '${postedTo}')`;
const ofState = formats.flatMap(({ name, isState }) => (isState ? [name] : []));

function isAsked(given: string = postedTo): boolean {
  return given !== postedTo;
}

const config = z
  .strictObject({
    endpoint: endpoint.optional().meta({
      description: 'Where alerts are posted: /alerts. Or the URL of an endpoint that is asked for them.',
    }),
    method: z
      .enum(['GET', 'POST'])
      .optional()
      .meta({ description: 'Of /alerts POST; how a URL is asked, by default GET.' }),
    interval: duration
      .check(atLeast('10s'))
      .default('1m')
      .meta({ description: 'How often a URL is asked, 10s at least.' }),
    absent: z.enum(['keep', 'resolve']).default('keep').meta({
      description:
        'What becomes of an alert that a URL no longer answers. keep: it fires until its status says otherwise, or expireAfter. resolve: it is over, where each answer is the whole list of what fires.',
    }),
    format: format.optional(),
    mapping: mapping.optional(),
    items: items.optional(),
    filters: filters.optional(),
    matchers: matchers.optional(),
    schema: schema.optional(),
    authentication: authentication.optional(),
  })
  .check(
    rule(
      `${asks} || !has(self.method) || self.method == 'POST'`,
      'must be POST',
      ({ endpoint: address, method }) => isAsked(address) || method === undefined || method === 'POST',
      ['method'],
    ),
    rule(
      `!(${asks}) || !has(self.authentication) || self.authentication.type == 'bearer'`,
      'must be bearer: the token is sent to the endpoint',
      ({ endpoint: address, authentication: given }) =>
        !isAsked(address) || given === undefined || given.type === 'bearer',
      ['authentication', 'type'],
    ),
    rule(
      `!(${asks}) || !has(self.absent) || self.absent != 'resolve' || (has(self.format) && self.format in ${celList(ofState)})`,
      'needs the format of a list of all that fires, not of events',
      ({ endpoint: address, absent, format: name = '' }) =>
        !isAsked(address) || absent !== 'resolve' || ofState.includes(name),
      ['absent'],
    ),
    ...readingRules({ cel: `!(${asks})`, holds: ({ endpoint: address }) => !isAsked(address) }),
  );

/** Takes single alerts at `POST /alerts` of the API, and requests for runs at a path of its own. */
export const api = defineSource({
  type: 'api',
  description:
    'Takes single alerts by POST /alerts, with the token of the API, and starts a run for each body of POST /api/v1/sources/NAMESPACE/NAME/events; or asks an endpoint for alerts.',
  config,
  templates: readingTemplates,
  unused: ({ endpoint: address }) => (isAsked(address) ? unusedByAsking : unusedByAnswering),
  compile(given) {
    const { endpoint: address = postedTo } = given;
    const accepts = compileFilters(given.filters, given.matchers);
    if (isAsked(address)) return { accepts, settings: { check: null, polling: compilePolling(address, given) } };
    const check = given.schema === undefined ? null : compileSchema(given.schema as JsonObject);
    return {
      accepts,
      authentication: compileAuthentication(given.authentication),
      settings: { check, polling: null },
    };
  },
  receive(request, turns, settings: Settings) {
    // An alert that is posted to no Source has none.
    const polling = (settings as Settings | null)?.polling ?? null;
    return polling === null ? receiveAlert(request, turns) : receiveNotification(polling.reading, request, turns);
  },
  receiveEvent,
  run: ({ polling }: Settings, io) => (polling === null ? Promise.resolve() : poll(polling, io)),
  // A Source that does not fit its schema has none.
  runs: (settings: Settings | null) => settings?.polling != null,
  runsOn: 'one',
});

const unusedByAsking: readonly UnusedField[] = [['schema'], ['authentication', 'previousSecretRef']].map((path) => ({
  path,
  by: 'a Source that asks an endpoint',
  unless: 'let endpoint be /alerts',
}));
const unusedByAnswering: readonly UnusedField[] = ['interval', 'absent', 'format', 'mapping', 'items'].map((name) => ({
  path: [name],
  by: 'a Source that asks no endpoint',
  unless: 'let endpoint be a URL',
}));

function compileSchema(given: JsonObject): CheckValue {
  try {
    return compileJsonSchema(given);
  } catch (cause) {
    throw new AppError('InvalidResource', (cause as Error).message, {
      field: 'schema',
      cause,
      reason: 'JsonSchema' satisfies BeyondKind,
    });
  }
}

/** Reads the body of a request for a run: an object that fits the schema. */
async function receiveEvent(request: SourceRequest, turns: Turns, { check }: Settings): Promise<EventResult> {
  const parsed = await parseBody(request, turns);
  if (!parsed.ok) return parsed;
  if (parsed.isList) return refuse('', 'the body must be a JSON object');
  if (turns.isOver()) await turns.next();
  const wrong = check === null ? null : await check(parsed.value);
  if (wrong !== null) return refuse(wrong.field, wrong.field === '' ? `the body ${wrong.message}` : wrong.message);
  return { ok: true, data: parsed.value as JsonObject, key: request.signedId ?? deliveryKeyOf(request) };
}

/**
 * Reads the body of `POST /alerts` (contract 5.3): one alert. It fires, unless `status` says `resolved` or `ends_at` is
 * not in the future. The severity is a field, so it is no part of the fingerprint.
 */
async function receiveAlert(request: SourceRequest, turns: Turns): Promise<ReceiveResult> {
  const parsed = await parseBody(request, turns);
  if (!parsed.ok) return parsed;
  if (parsed.isList) return refuse('', 'the body must be a JSON object');
  const { text, value, contentHash } = parsed;
  const wrong = wrongField(value);
  if (wrong !== null) return wrong;
  const labels = (value['labels'] ?? {}) as Labels;
  const annotations = (value['annotations'] ?? {}) as Labels;
  const name = String(value['alert_name']);
  const startsAt = readTime(value['starts_at']);
  if (startsAt === undefined) return refuse('starts_at', 'must be an RFC 3339 time');
  const endsAt = readTime(value['ends_at']);
  if (endsAt === undefined) return refuse('ends_at', 'must be an RFC 3339 time');
  const hasEnded =
    value['status'] === 'resolved' || (value['status'] == null && endsAt !== null && endsAt <= request.receivedAt);
  const item: AlertItem = {
    status: hasEnded ? 'resolved' : 'firing',
    name,
    severity: value['severity'] as AlertItem['severity'],
    fingerprint: alertFingerprint(name, labels),
    externalId: textOrNull(value['external_id']),
    labels,
    annotations,
    summary: textOrNull(value['summary']) ?? textOrNull(annotations['summary']),
    description: textOrNull(value['description']) ?? textOrNull(annotations['description']),
    generatorUrl: null,
    startsAt,
    endsAt,
    skewed: false,
  };
  const correlation = { groupKey: null, receiver: null, truncatedAlerts: 0, moreBad: 0, unread: null };
  return {
    ok: true,
    notification: {
      items: [item],
      bad: [],
      ...correlation,
      deliveryKey: deliveryKeyOf(request),
      body: text,
      contentHash,
    },
  };
}

/** The first field that cannot be used, as a refusal. */
function wrongField(value: Readonly<Record<string, unknown>>): ReceiveResult | null {
  if (typeof value['alert_name'] !== 'string' || value['alert_name'] === '')
    return refuse('alert_name', 'is required, as text');
  const severity = value['severity'];
  if (!severities.some((known) => known === severity))
    return refuse('severity', `is required, one of ${severities.join(', ')}`);
  const status = value['status'];
  if (status != null && status !== 'firing' && status !== 'resolved')
    return refuse('status', 'must be firing or resolved');
  for (const field of ['external_id', 'summary', 'description']) {
    if (value[field] != null && typeof value[field] !== 'string') return refuse(field, 'must be text');
  }
  for (const [field, check] of [
    ['labels', wrongLabels],
    ['annotations', wrongPairs],
  ] as const) {
    const wrong = value[field] == null ? null : check(field, value[field]);
    if (wrong !== null) return refuse(wrong.field, wrong.message);
  }
  return null;
}

function readTime(value: unknown): Timestamp | null | undefined {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? parseRfc3339(value) : undefined;
}
