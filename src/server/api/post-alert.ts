import { z } from 'zod';
import { matchLabels, severities } from '../../core/alert.ts';
import type { AlertItem } from '../../core/alert.ts';
import type { Catalog, CatalogSource } from '../../core/catalog.ts';
import { AppError } from '../../core/errors.ts';
import type { IntakeAnswer } from '../../core/event.ts';
import type { Intake } from '../../core/ports.ts';
import { parseRfc3339 } from '../../core/rfc3339.ts';
import type { ListReader } from '../../core/store.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { alertFingerprint } from '../../lib/hash.ts';
import { readBody } from './body.ts';

const text = z.string().max(64 * 1024);
const labels = z.record(z.string().min(1).max(1024), text).default({});
const time = z
  .string()
  .nullish()
  .transform((value, context): Timestamp | null => {
    const parsed = parseRfc3339(value ?? '');
    if (parsed === undefined) context.addIssue({ code: 'custom', message: 'is not a time as 2026-01-31T12:00:00Z' });
    return parsed ?? null;
  });

/** The contract's body of `POST /alerts`, with `source` added. Unknown fields are left alone. */
const alertBody = z.object({
  external_id: text.nullish(),
  alert_name: z.string().trim().min(1).max(1024),
  severity: z.enum(severities),
  summary: text.nullish(),
  description: text.nullish(),
  labels,
  annotations: labels,
  starts_at: time,
  ends_at: time,
  source: z.string().max(600).nullish(),
});

export interface PostAlertOptions {
  readonly catalog: { current(): Catalog | null };
  readonly intake: Intake;
  readonly lists: ListReader;
  readonly nowMs: () => number;
}

/** An alert made by hand: what came, its text, and the sender's key if it has one. */
export interface PostedAlert {
  readonly body: unknown;
  readonly idempotencyKey: string | null;
}

/**
 * Design 3.3: to the named Source, else to the first webhook or api Source (by namespace/name) whose filters accept,
 * else stored under Source `api` with nothing triggered. Answers after the commit. Throws InvalidInput, NotFound for
 * an unknown Source, Draining while the catalog is not read, and what the intake throws.
 */
export async function postAlert(
  options: PostAlertOptions,
  posted: PostedAlert,
): Promise<{ readonly id: string; readonly message: string }> {
  const catalog = options.catalog.current();
  if (catalog === null)
    throw new AppError('Draining', 'the server has not read its Sources yet', { next: 'send it again' });
  const body = readBody(alertBody, posted.body);
  const item = itemOf(body, toTimestamp(options.nowMs()));
  const source = body.source == null ? (firstAccepting(catalog, item) ?? apiSource) : named(catalog, body.source, item);
  const answer = await options.intake.accept(source, {
    items: [item],
    bad: [],
    groupKey: null,
    receiver: null,
    truncatedAlerts: 0,
    deliveryKey: posted.idempotencyKey,
    body: JSON.stringify(posted.body),
  });
  const alert = await options.lists.alertByIdentity(source.namespace, source.name, item.fingerprint);
  if (alert === undefined)
    throw new AppError('Conflict', 'this Idempotency-Key was used for another alert', { next: 'send another key' });
  return { id: alert.id, message: messageOf(source, answer) };
}

function itemOf(body: z.output<typeof alertBody>, now: Timestamp): AlertItem {
  return {
    status: body.ends_at !== null && body.ends_at <= now ? 'resolved' : 'firing',
    name: body.alert_name,
    severity: body.severity,
    fingerprint: alertFingerprint(body.alert_name, body.labels),
    externalId: body.external_id ?? null,
    labels: body.labels,
    annotations: body.annotations,
    summary: body.summary ?? null,
    description: body.description ?? null,
    generatorUrl: null,
    startsAt: body.starts_at,
    endsAt: body.ends_at,
    skewed: false,
  };
}

const takesAlerts: ReadonlySet<string> = new Set(['webhook', 'api']);

function firstAccepting(catalog: Catalog, item: AlertItem): CatalogSource | undefined {
  const offered = matchLabels(item);
  return catalog.sources
    .filter((source) => source.ready && takesAlerts.has(source.type))
    .sort((left, right) => (`${left.namespace}/${left.name}` < `${right.namespace}/${right.name}` ? -1 : 1))
    .find((source) => source.accepts(offered) === null);
}

function named(catalog: Catalog, reference: string, item: AlertItem): CatalogSource {
  const slash = reference.indexOf('/');
  const [namespace, name] =
    slash < 0 ? ['default', reference] : [reference.slice(0, slash), reference.slice(slash + 1)];
  const source = catalog.source(namespace, name);
  if (source === undefined) {
    throw new AppError('NotFound', `there is no Source ${namespace}/${name}`, {
      field: 'source',
      next: 'fist get sources',
    });
  }
  const refusal = source.accepts(matchLabels(item));
  if (refusal === null) return source;
  throw new AppError('InvalidInput', `Source ${namespace}/${name} refuses this alert: ${refusal.message}`, {
    field: 'labels',
    next: 'change the labels, or leave source out',
  });
}

/** Stands for a Source where none accepts: keeps the alert, triggers nothing. */
const apiSource: CatalogSource = {
  namespace: 'default',
  name: 'api',
  type: 'api',
  ready: true,
  conditions: [],
  origin: '',
  config: {},
  path: null,
  authentication: null,
  accepts: () => null,
  triggerWorkflow: '',
  context: {},
  expireAfterMs: 24 * 3_600_000,
  cooldownMs: 0,
  flapCapPerHour: 0,
  stormCapPerMinute: 0,
  suspend: true,
};

function messageOf(source: CatalogSource, answer: IntakeAnswer): string {
  const what =
    answer.opened > 0
      ? 'Alert created'
      : answer.repeated > 0
        ? 'Alert was open already and is counted'
        : answer.resolved > 0
          ? 'Alert resolved'
          : 'Alert counted';
  if (source === apiSource) return `${what}; no Source accepts it, so nothing was triggered`;
  const run = answer.runs > 0 ? `Workflow ${source.triggerWorkflow} was triggered` : 'nothing was triggered';
  return `${what} under Source ${source.namespace}/${source.name}; ${run}`;
}
