import type { JsonObject } from '../../core/json.ts';
import { mostWaiting } from '../../core/lists.ts';
import type { ListPage, ResourceActivity, RunSummary, SourceActivity } from '../../core/lists.ts';
import type { ResourceRecord } from '../../core/resource.ts';
import type { Timestamp } from '../../core/time.ts';
import { AppError } from '../../core/errors.ts';
import { defineRoute } from '../define-route.ts';
import type { RouteContext } from '../define-route.ts';
import type { ServerReader } from '../options.ts';
import { refusalMinutes } from '../refusals.ts';
import type { RefusedBySource } from '../refusals.ts';
import { resource } from './resource-fields.ts';
import type { Condition, ResourceView } from './resource-fields.ts';
import { found, lazily, pageOf, pageParameters, textParameter } from './fields.ts';

/** What the views are made of. */
type Parts = Pick<RouteContext, 'reader' | 'refusals' | 'catalog' | 'modelChecks' | 'knownData'>;

type Kind = ResourceRecord['kind'];

/** What the list of a kind is, but its path. */
function resourceList(kind: Kind) {
  return {
    name: `list${kind}s`,
    method: 'GET',
    access: 'token',
    summary: `${kind}s with spec and status, by namespace and name.`,
    query: { ...pageParameters, namespace: textParameter('Only in this namespace.', 'default').optional() },
    answer: lazily(() => pageOf(resource(kind)(), 'By namespace and name.')),
    handler: (context: RouteContext, { query }: { readonly query: ListQuery }) => listOf(context, kind, query),
  } as const;
}

/** What one of a kind is, but its path. */
function resourceItem(kind: Kind) {
  return {
    method: 'GET',
    access: 'token',
    errors: ['NotFound'],
    answer: resource(kind),
    handler: (context: RouteContext, { params }: { readonly params: ItemParams }) => itemOf(context, kind, params),
  } as const;
}

interface ListQuery {
  readonly limit: number;
  readonly cursor?: string;
  readonly namespace?: string;
}

interface ItemParams {
  /** Absent: it stands before a slash in the name, or is `default`. */
  readonly namespace?: string;
  readonly name: string;
}

const nameParams = { name: 'Its name.' } as const;
const namespacedParams = { namespace: 'Its namespace.', ...nameParams } as const;

export const listSources = defineRoute({ ...resourceList('Source'), path: '/api/v1/sources' });
export const getSource = defineRoute({
  ...resourceItem('Source'),
  name: 'getSource',
  path: '/api/v1/sources/:namespace/:name',
  summary: 'One Source.',
  params: namespacedParams,
});
export const getDefaultSource = defineRoute({
  ...resourceItem('Source'),
  name: 'getDefaultSource',
  path: '/api/v1/sources/:name',
  summary: 'One Source of the namespace default.',
  params: nameParams,
});

export const listWorkflows = defineRoute({ ...resourceList('Workflow'), path: '/api/v1/workflows' });
export const getWorkflow = defineRoute({
  ...resourceItem('Workflow'),
  name: 'getWorkflow',
  path: '/api/v1/workflows/:namespace/:name',
  summary: 'One Workflow.',
  params: namespacedParams,
});
export const getDefaultWorkflow = defineRoute({
  ...resourceItem('Workflow'),
  name: 'getDefaultWorkflow',
  path: '/api/v1/workflows/:name',
  summary: 'One Workflow of the namespace default.',
  params: nameParams,
});

export const listSinks = defineRoute({ ...resourceList('Sink'), path: '/api/v1/sinks' });
export const getSink = defineRoute({
  ...resourceItem('Sink'),
  name: 'getSink',
  path: '/api/v1/sinks/:namespace/:name',
  summary: 'One Sink.',
  params: namespacedParams,
});
export const getDefaultSink = defineRoute({
  ...resourceItem('Sink'),
  name: 'getDefaultSink',
  path: '/api/v1/sinks/:name',
  summary: 'One Sink of the namespace default.',
  params: nameParams,
});

async function listOf(
  parts: Parts,
  kind: Kind,
  { limit, cursor, namespace }: ListQuery,
): Promise<ListPage<ResourceView>> {
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  const all = (await parts.reader.lists.resources(kind)).filter(
    (record) => namespace === undefined || record.namespace === namespace,
  );
  const start = after === undefined ? 0 : all.findIndex((record) => isAfter(record, after));
  const shown = start < 0 ? [] : all.slice(start, start + limit);
  const last = shown.at(-1);
  const hasMore = last !== undefined && start + shown.length < all.length;
  const activity = await parts.reader.lists.activity();
  const items = await Promise.all(shown.map((record) => viewOf(parts, record, activity)));
  return { items, nextCursor: hasMore ? encodeCursor(last) : null };
}

async function itemOf(parts: Parts, kind: Kind, params: ItemParams): Promise<ResourceView> {
  const slash = params.namespace === undefined ? params.name.indexOf('/') : -1;
  const name = params.name.slice(slash + 1);
  const namespace = params.namespace ?? (slash < 0 ? 'default' : params.name.slice(0, slash));
  const records = await parts.reader.lists.resources(kind);
  const record = found(
    records.find((candidate) => candidate.namespace === namespace && candidate.name === name),
    kind,
    `${namespace}/${name}`,
    `fist get ${kind.toLowerCase()}s`,
  );
  return viewOf(parts, record, await parts.reader.lists.activity());
}

async function viewOf(parts: Parts, record: ResourceRecord, activity: ResourceActivity): Promise<ResourceView> {
  return {
    apiVersion: record.apiVersion,
    kind: record.kind,
    metadata: { namespace: record.namespace, name: record.name },
    spec: JSON.parse(record.spec) as JsonObject,
    status: await statusOf(record, activity, parts),
  };
}

async function statusOf(
  record: ResourceRecord,
  activity: ResourceActivity,
  parts: Parts,
): Promise<ResourceView['status']> {
  const declared = JSON.parse(record.status) as ResourceView['status'];
  const status = { ...declared, ...(await counted[record.kind](record, activity, parts.reader)) };
  if (record.kind === 'Workflow') return { ...status, ...(await learnedOf(declared.conditions, record, parts)) };
  if (record.kind !== 'Source') return status;
  const seen = activity.sources.get(`${record.namespace}/${record.name}`);
  const refused = parts.refusals.of(record.namespace, record.name);
  return {
    ...status,
    refused: refused?.count ?? 0,
    conditions: [
      ...declared.conditions,
      ...(seen === undefined || seen.lastProblem === null ? [] : [degraded(seen)]),
      ...(seen === undefined || seen.waiting === 0 ? [] : [storm(seen)]),
      ...(refused === null ? [] : [refusing(refused)]),
    ],
  };
}

/** What was learned is in the store: it may change while the Workflow does not. */
async function learnedOf(
  conditions: readonly Condition[],
  { namespace, name }: ResourceRecord,
  { catalog, modelChecks, knownData }: Parts,
): Promise<Pick<ResourceView['status'], 'conditions' | 'data'>> {
  const plan = catalog.current()?.workflow(namespace, name)?.plan ?? null;
  if (plan === null) return { conditions };
  const [checked, data] = await Promise.all([modelChecks.condition(plan), knownData.of(plan)]);
  return {
    conditions: checked === null ? conditions : [...conditions, checked],
    ...(data.length === 0 ? {} : { data }),
  };
}

/** The condition of a Source whose senders were not let in lately, by the process that answers. */
function refusing({ count, reasons, lastTime }: RefusedBySource): Condition {
  const each = reasons.map(([reason, times]) => `${reason} ${times}`).join(', ');
  const message = `${count} requests were refused in the last ${refusalMinutes} minutes: ${each}`;
  return { type: 'Refusing', status: 'True', reason: reasons[0]?.[0] ?? '', message, lastTransitionTime: lastTime };
}

/** The condition of a Source that may not begin more runs in this minute. */
function storm({ waiting, lastEventTime }: SourceActivity): Condition {
  const message = `${waiting}${waiting >= mostWaiting ? ' or more' : ''} alerts wait for their run, because the Source has begun as many as stormCapPerMinute allows`;
  return { type: 'StormGuard', status: 'True', reason: 'StormGuard', message, ...since(lastEventTime) };
}

/** The condition of a Source with a trouble: `TruncatedAlerts: ...` of its last notification, or that it cannot look for any. */
function degraded({ lastProblem, lastEventTime }: SourceActivity): Condition {
  const [reason = '', ...words] = (lastProblem ?? '').split(': ');
  return { type: 'Degraded', status: 'True', reason, message: words.join(': '), ...since(lastEventTime) };
}

function since(time: Timestamp | null): Pick<Condition, 'lastTransitionTime'> {
  return time === null ? {} : { lastTransitionTime: time };
}

type Counted = (
  record: ResourceRecord,
  activity: ResourceActivity,
  reader: ServerReader,
) => Partial<ResourceView['status']> | Promise<Partial<ResourceView['status']>>;

/** The fields of a status that are counted and not declared; names of the contract. */
const counted: Readonly<Record<Kind, Counted>> = {
  Source: (record, { sources }) => {
    const seen = sources.get(`${record.namespace}/${record.name}`);
    return { eventsProcessed: seen?.eventsProcessed ?? 0, lastEventTime: seen?.lastEventTime ?? null };
  },
  Sink: (record, { sinks }) => {
    const seen = sinks.get(`${record.namespace}/${record.name}`);
    return {
      messagesSent: seen?.messagesSent ?? 0,
      lastSentTime: seen?.lastSentTime ?? null,
      lastError: seen?.lastError ?? null,
    };
  },
  Workflow: async (record, _activity, reader) => {
    const { items } = await reader.lists.runs({ workflow: record.name, namespace: record.namespace, limit: 1 });
    return { lastRun: items[0] === undefined ? null : lastRun(items[0]) };
  },
};

function lastRun({ id, status, createdAt, startedAt, completedAt, error }: RunSummary) {
  return { id, status, createdAt, startedAt, completedAt, error };
}

function isAfter(record: ResourceRecord, [namespace, name]: readonly [string, string]): boolean {
  return record.namespace > namespace || (record.namespace === namespace && record.name > name);
}

function encodeCursor({ namespace, name }: ResourceRecord): string {
  return Buffer.from(`${namespace}/${name}`).toString('base64url');
}

function decodeCursor(cursor: string): readonly [string, string] {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const [namespace, name, ...rest] = text.split('/');
  const isOurs = Buffer.from(text).toString('base64url') === cursor && rest.length === 0;
  if (isOurs && namespace !== undefined && name !== undefined) return [namespace, name];
  throw new AppError('InvalidInput', 'cursor is not one that this server gave', {
    field: 'cursor',
    next: 'start again without cursor',
  });
}
