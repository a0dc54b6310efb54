import type { JsonObject } from '../../core/json.ts';
import { mostWaiting } from '../../core/lists.ts';
import type { ListPage, ResourceActivity, RunSummary } from '../../core/lists.ts';
import type { ResourceRecord } from '../../core/resource.ts';
import { AppError } from '../../core/errors.ts';
import type { ServerReader } from '../options.ts';
import { readPage } from '../query.ts';
import { refusalMinutes } from '../refusals.ts';
import type { Refusals, RefusedBySource } from '../refusals.ts';
import type { Handler, Handlers } from '../routes.ts';
import { found, idOf, queryOf } from './request.ts';

type Plural = 'sources' | 'workflows' | 'sinks';
type Routes = `GET /api/v1/${Plural}` | `GET /api/v1/${Plural}/*`;

/** A Source, Workflow or Sink in the shape of the Kubernetes API. */
export interface ResourceView {
  readonly apiVersion: string;
  readonly kind: ResourceRecord['kind'];
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: JsonObject;
  readonly status: JsonObject;
}

/** What the views are made of. */
interface Parts {
  readonly reader: ServerReader;
  readonly refusals: Refusals;
}

export function resourceHandlers(reader: ServerReader, refusals: Refusals): Handlers<Routes> {
  const parts: Parts = { reader, refusals };
  const list =
    (kind: ResourceRecord['kind']): Handler =>
    (request) =>
      listOf(parts, kind, queryOf(request));
  const item =
    (kind: ResourceRecord['kind']): Handler =>
    (request) => {
      queryOf(request).end();
      return itemOf(parts, kind, idOf(request));
    };
  return {
    'GET /api/v1/sources': list('Source'),
    'GET /api/v1/sources/*': item('Source'),
    'GET /api/v1/workflows': list('Workflow'),
    'GET /api/v1/workflows/*': item('Workflow'),
    'GET /api/v1/sinks': list('Sink'),
    'GET /api/v1/sinks/*': item('Sink'),
  };
}

async function listOf(
  parts: Parts,
  kind: ResourceRecord['kind'],
  query: ReturnType<typeof queryOf>,
): Promise<ListPage<ResourceView>> {
  const { limit, cursor } = readPage(query);
  const namespace = query.text('namespace');
  query.end();
  const after = cursor === undefined ? undefined : decodeCursor(cursor);
  const all = (await parts.reader.lists.resources(kind)).filter(
    (record) => namespace === undefined || record.namespace === namespace,
  );
  const start = after === undefined ? 0 : all.findIndex((record) => isAfter(record, after));
  const shown = start < 0 ? [] : all.slice(start, start + limit);
  const last = shown.at(-1);
  const hasMore = last !== undefined && start + shown.length < all.length;
  return { items: await Promise.all(await viewsOf(parts, shown)), nextCursor: hasMore ? encodeCursor(last) : null };
}

async function itemOf(parts: Parts, kind: ResourceRecord['kind'], id: string): Promise<ResourceView> {
  const slash = id.indexOf('/');
  const [namespace, name] = slash < 0 ? ['default', id] : [id.slice(0, slash), id.slice(slash + 1)];
  const records = await parts.reader.lists.resources(kind);
  const record = found(
    records.find((candidate) => candidate.namespace === namespace && candidate.name === name),
    kind,
    `${namespace}/${name}`,
    `fist get ${kind.toLowerCase()}s`,
  );
  const [view] = await viewsOf(parts, [record]);
  return found(await view, kind, id, '');
}

async function viewsOf(parts: Parts, records: readonly ResourceRecord[]): Promise<Promise<ResourceView>[]> {
  const activity = await parts.reader.lists.activity();
  return records.map(async (record) => ({
    apiVersion: record.apiVersion,
    kind: record.kind,
    metadata: { namespace: record.namespace, name: record.name },
    spec: JSON.parse(record.spec) as JsonObject,
    status: await statusOf(record, activity, parts),
  }));
}

async function statusOf(record: ResourceRecord, activity: ResourceActivity, parts: Parts): Promise<JsonObject> {
  const declared = JSON.parse(record.status) as JsonObject;
  const status = { ...declared, ...(await counted[record.kind](record, activity, parts.reader)) };
  if (record.kind !== 'Source') return status;
  const seen = activity.sources.get(`${record.namespace}/${record.name}`);
  const refused = parts.refusals.of(record.namespace, record.name);
  return {
    ...status,
    refused: refused?.count ?? 0,
    conditions: [
      ...(declared['conditions'] as JsonObject[]),
      ...(seen === undefined || seen.lastProblem === null ? [] : [degraded(seen)]),
      ...(seen === undefined || seen.waiting === 0 ? [] : [storm(seen)]),
      ...(refused === null ? [] : [refusing(refused)]),
    ],
  };
}

/** The condition of a Source whose senders were not let in lately, by the process that answers. */
function refusing({ count, reasons, lastTime }: RefusedBySource): JsonObject {
  const each = reasons.map(([reason, times]) => `${reason} ${times}`).join(', ');
  const message = `${count} requests were refused in the last ${refusalMinutes} minutes: ${each}`;
  return { type: 'Refusing', status: 'True', reason: reasons[0]?.[0] ?? '', message, lastTransitionTime: lastTime };
}

/** The condition of a Source that may not begin more runs in this minute. */
function storm({ waiting, lastEventTime }: { waiting: number; lastEventTime: string }): JsonObject {
  const message = `${waiting}${waiting >= mostWaiting ? ' or more' : ''} alerts wait for their run, because the Source has begun as many as stormCapPerMinute allows`;
  return { type: 'StormGuard', status: 'True', reason: 'StormGuard', message, lastTransitionTime: lastEventTime };
}

/** The condition of a Source whose last notification had a trouble that was not its own, `TruncatedAlerts: ...`. */
function degraded({ lastProblem, lastEventTime }: { lastProblem: string | null; lastEventTime: string }): JsonObject {
  const [reason = '', ...words] = (lastProblem ?? '').split(': ');
  return { type: 'Degraded', status: 'True', reason, message: words.join(': '), lastTransitionTime: lastEventTime };
}

type Counted = (
  record: ResourceRecord,
  activity: ResourceActivity,
  reader: ServerReader,
) => JsonObject | Promise<JsonObject>;

/** The fields of a status that are counted and not declared; names of the contract. */
const counted: Readonly<Record<ResourceRecord['kind'], Counted>> = {
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

function lastRun({ id, status, createdAt, startedAt, completedAt, error }: RunSummary): JsonObject {
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
