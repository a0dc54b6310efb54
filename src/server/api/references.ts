import { openStatuses } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { mostExamined } from '../../core/lists.ts';
import type { AlertQuery, IdKind } from '../../core/lists.ts';
import { oneLine } from '../../lib/printable.ts';
import { shortId } from '../../lib/short-id.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import { alertObject } from '../../investigation/labels.ts';
import type { ServerReader } from '../options.ts';

/** How people name an alert. */
export const referenceText =
  'Its id, a beginning of it or of its short form (4 characters or more), `@latest`, or its name: the open one that changed last.';

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Things that an ambiguous reference may mean are listed up to here. */
const mostCandidates = 5;

/** Where each kind is listed, for the next command. */
const listed: Readonly<Record<IdKind, string>> = {
  alert: 'fist get alerts --all',
  run: 'fist get runs',
  delivery: 'fist get deliveries',
  event: 'fist get events',
  'dead letter': 'fist get dead-letters',
};

/** The id that a reference names. Throws NotFound, and InvalidInput for one that fits several. */
export async function idOf(reader: ServerReader, kind: IdKind, reference: string): Promise<string> {
  const id = await resolve(reader, kind, reference);
  if (id !== undefined) return id;
  throw new AppError('NotFound', `there is no ${kind} ${reference.slice(0, 200)}`, { next: listed[kind] });
}

/**
 * The same for a filter: what names nothing is taken as it is, so that nothing passes. `within` null = rows of all namespaces; else those
 * of others have no names.
 */
export async function filterId(
  reader: ServerReader,
  kind: IdKind,
  reference: string,
  within: string | null,
): Promise<string> {
  return (await resolve(reader, kind, reference, within)) ?? reference;
}

/** A whole id is taken as it is. */
async function resolve(
  reader: ServerReader,
  kind: IdKind,
  reference: string,
  within: string | null = null,
): Promise<string | undefined> {
  const text = reference.toLowerCase();
  if (idPattern.test(text)) return text;
  if (text === '@latest') return latest(reader, kind, within);
  const like = await reader.lists.idsLike(kind, text, mostCandidates + 1);
  const namespaces = within === null ? [] : await Promise.all(like.map((id) => namespaceOfRow(reader, kind, id)));
  const ids = within === null ? like : like.filter((_id, place) => namespaces[place] === within);
  if (ids.length > 1) throw await ambiguous(reader, kind, reference, ids);
  return ids[0] ?? (kind === 'alert' ? alertNamed(reader, reference, within) : undefined);
}

/** Of the Source, the Workflow or the Sink; null = there is no such row. */
export async function namespaceOfRow(
  { lists, runs, deliveries }: ServerReader,
  kind: IdKind,
  id: string,
): Promise<string | null> {
  const read: Readonly<Record<IdKind, () => Promise<{ readonly namespace: string } | undefined>>> = {
    alert: () => lists.alert(id),
    run: () => runs.find(id),
    delivery: () => deliveries.find(id),
    event: () => lists.event(id),
    'dead letter': () => lists.deadLetter(id),
  };
  return (await read[kind]())?.namespace ?? null;
}

/** The newest; of alerts, what changed last. */
async function latest({ lists }: ServerReader, kind: IdKind, within: string | null): Promise<string | undefined> {
  const page = { limit: 1, ...(within === null ? {} : { namespace: within }) };
  const read = {
    alert: () => lists.alerts(page),
    run: () => lists.runs(page),
    delivery: () => lists.deliveries(page),
    event: () => lists.events(page),
    'dead letter': () => lists.deadLetters(page),
  };
  return (await read[kind]()).items[0]?.id;
}

/** The open one that changed last, else the last one. */
async function alertNamed(reader: ServerReader, name: string, within: string | null): Promise<string | undefined> {
  const named = { name, ...(within === null ? {} : { namespace: within }) };
  return (await firstAlert(reader, { ...named, statuses: openStatuses })) ?? firstAlert(reader, named);
}

/** A name that many alerts have stands in no index with the times of changes: so many pages of alerts are looked at. */
const mostPages = 100;

/** A page that ends early may be empty: the next ones are read until one is found, or all were looked at. */
async function firstAlert(
  { lists }: ServerReader,
  query: Omit<AlertQuery, 'limit'> & { readonly name: string },
): Promise<string | undefined> {
  let cursor: string | undefined;
  for (let pages = 0; pages < mostPages; pages++) {
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    const { items, nextCursor } = await lists.alerts({
      ...query,
      limit: 1,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const id = items[0]?.id;
    if (id !== undefined || nextCursor === null) return id;
    cursor = nextCursor;
  }
  throw new AppError(
    'InvalidInput',
    `more than ${mostPages * mostExamined} alerts were looked at, and none of these has the name ${oneLine(query.name, 200)}`,
    { next: 'the id of the one that is meant (fist get alerts)' },
  );
}

async function ambiguous(
  reader: ServerReader,
  kind: IdKind,
  reference: string,
  ids: readonly string[],
): Promise<AppError> {
  const shown = ids.slice(0, mostCandidates);
  const names = await Promise.all(shown.map((id) => nameOf(reader, kind, id)));
  const candidates = shown.map((id, place) => oneLine(`${shortId(id, ids)} ${names[place] ?? ''}`, 120));
  const more = ids.length > mostCandidates ? ', and more' : '';
  return new AppError('InvalidInput', `${kind} ${reference} is not one but several: ${candidates.join(', ')}${more}`, {
    next: 'more characters of the one that is meant',
  });
}

/** What tells one from others, for people. */
async function nameOf({ lists, runs, deliveries }: ServerReader, kind: IdKind, id: string): Promise<string> {
  switch (kind) {
    case 'alert': {
      const alert = await lists.alert(id);
      return alert === undefined ? '' : `${alert.name} ${alertObject(alert.name, alert.labels) ?? ''}`.trim();
    }
    case 'run': {
      const run = await runs.find(id);
      return run === undefined ? '' : `${run.name} ${run.input.alert?.name ?? ''} ${run.createdAt}`;
    }
    case 'delivery': {
      const delivery = await deliveries.find(id);
      return delivery === undefined ? '' : `${delivery.event} to ${delivery.sinkName}`;
    }
    case 'event': {
      const event = await lists.event(id);
      return event === undefined ? '' : `of ${event.sourceName} ${event.receivedAt}`;
    }
    default: {
      const letter = await lists.deadLetter(id);
      return letter === undefined ? '' : `${letter.reason} of ${letter.sourceName}`;
    }
  }
}
