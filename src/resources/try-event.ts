import { matchLabels } from '../core/alert.ts';
import type { AlertItem } from '../core/alert.ts';
import type { BadItem } from '../core/event.ts';
import type { Timestamp } from '../core/time.ts';
import { noTurns } from '../lib/turns.ts';
import { checkSource } from './check-source.ts';
import type { Problem } from './problem.ts';
import { readResources } from './read.ts';
import type { LocatedObject } from './read.ts';

/** What one Source makes of a body. */
export interface TriedEvent {
  /** `shop/monitor`. */
  readonly source: string;
  /** Null: it is taken; else why not. */
  readonly refused: string | null;
  readonly alerts: readonly TriedAlert[];
  /** What is wrong with items of it, at the template where that is to blame. */
  readonly problems: readonly Problem[];
}

export interface TriedAlert {
  readonly alert: AlertItem;
  /** Why filters keep it out; null = they do not. */
  readonly filtered: string | null;
}

/**
 * Gives a body to every webhook Source of a folder, without a server and without effects. Throws InvalidInput where the path
 * cannot be read.
 */
export async function tryEvent(path: string, body: Buffer, receivedAt: Timestamp): Promise<readonly TriedEvent[]> {
  const tried: TriedEvent[] = [];
  for (const object of readResources(path).objects) {
    const one = object.kind === 'Source' ? await tryOn(object, body, receivedAt) : null;
    if (one !== null) tried.push(one);
  }
  return tried;
}

async function tryOn(object: LocatedObject, body: Buffer, receivedAt: Timestamp): Promise<TriedEvent | null> {
  const { accepted } = checkSource(object.spec);
  if (accepted === null) return null;
  const { compiled, definition } = accepted;
  if (compiled.path === null || definition.receive === null) return null;
  const mediaType = mediaTypeOf(body, compiled.mediaTypes);
  const request = { body, headers: { 'content-type': mediaType }, mediaType, receivedAt };
  const result = await definition.receive(request, noTurns, compiled.settings);
  const source = `${object.namespace}/${object.name}`;
  if (!result.ok) return { source, refused: result.message, alerts: [], problems: [] };
  const { items, bad } = result.notification;
  return {
    source,
    refused: null,
    alerts: items.map((alert) => ({ alert, filtered: compiled.accepts(matchLabels(alert))?.message ?? null })),
    problems: bad.map((item) => problemOf(object, item)),
  };
}

/** What the sender of such a body would say that it is. */
function mediaTypeOf(body: Buffer, known: readonly string[]): string {
  const start = body.subarray(0, 4096).toString('utf8');
  const wanted = !start.includes('"specversion"')
    ? 'application/json'
    : start.trimStart().startsWith('[')
      ? 'application/cloudevents-batch+json'
      : 'application/cloudevents+json';
  return known.includes(wanted) ? wanted : (known[0] ?? wanted);
}

/** `mapping.labels.pod: ...` is located in the Source; what else is wrong with an item is in the body alone. */
function problemOf({ document }: LocatedObject, { field, message }: BadItem): Problem {
  const names = /^mapping((?:\.[\w-]+)+)/.exec(message)?.[1]?.split('.').slice(1);
  const path = names === undefined ? ['spec', 'config'] : ['spec', 'config', 'mapping', ...names];
  return document.locate({ path, severity: 'error', message: `${field}: ${message}` });
}
