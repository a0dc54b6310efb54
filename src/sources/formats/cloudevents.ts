import { sha256Hex } from '../../lib/hash.ts';
import { jsonProblem } from '../../lib/json-bounds.ts';
import { bounds } from '../bounds.ts';
import type { SourceRequest } from '../define.ts';
import { isObject, refuse } from '../envelope.ts';
import type { ParsedBody, Refusal } from '../envelope.ts';
import type { MapItem } from '../mapping.ts';
import type { Wrong } from '../pairs.ts';
import type { Reading } from '../reading.ts';
import { readEvent } from './alertmanager-events.ts';
import { readAlert } from './alert.ts';
import { noCorrelation } from './define.ts';
import type { Correlation, Format, FormatContext, ReadAlert } from './define.ts';
import { memberAt } from './generic.ts';

type Fields = Readonly<Record<string, unknown>>;

const structured = 'application/cloudevents+json';
const batch = 'application/cloudevents-batch+json';
const defaultItems = ['alerts'];

/**
 * CloudEvents 1.0 over HTTP (github.com/cloudevents/spec: http-protocol-binding.md, json-format.md): one event in the body,
 * many in it, or one whose attributes are headers. Its data is what Alertmanager or a ruler sends, or goes through the mapping.
 */
export const cloudevents: Format = {
  name: 'cloudevents',
  description:
    'CloudEvents 1.0 in structured, batch and binary mode. Their data is what Alertmanager or a ruler sends, or anything with a `mapping`.',
  mediaTypes: [structured, batch, 'application/json'],
  subpaths: [],
  mapping: 'optional',
  isState: false,
  isMeant: (request) => isBinary(request) || request.mediaType === structured || request.mediaType === batch,
  list(settings, request) {
    const items = settings.mapping === null ? defaultItems : settings.items;
    if (isBinary(request)) return items;
    // Without a path the data is one item, which is not set apart.
    return items.length === 0 ? [] : ['data', ...items];
  },
  differs({ isList, first, isEmpty, value }, _settings, request) {
    if (isBinary(request)) return null;
    const event = isList ? first() : value;
    if (isList && isEmpty) return request.mediaType === batch ? null : { field: '', message: 'has no event' };
    const wrong = wrongAttribute(isObject(event) ? event : {});
    return wrong === null ? null : { field: isList ? `[0].${wrong.field}` : wrong.field, message: wrong.message };
  },
  async read(body, reading, context) {
    const { request, settings, turns } = context;
    const map = settings.mapping?.(request.receivedAt, turns) ?? null;
    const reader: EventReader = { reading, map, context };
    if (isBinary(request)) return readBinary(body, reader);
    return body.isList ? readBatch(body, reader) : readStructured(body, reader);
  },
};

interface EventReader {
  readonly reading: Reading;
  readonly map: MapItem | null;
  readonly context: FormatContext;
}

/** Attributes are headers where the body is not an event itself. */
function isBinary({ headers, mediaType }: SourceRequest): boolean {
  return headers['ce-specversion'] !== undefined && mediaType !== structured && mediaType !== batch;
}

async function readBinary(body: ParsedBody, reader: EventReader): Promise<Refusal | Correlation> {
  const event = Object.fromEntries(
    Object.entries(reader.context.request.headers).flatMap(([name, value]) =>
      name.startsWith('ce-') && typeof value === 'string' ? [[name.slice(3), decoded(value)] as const] : [],
    ),
  );
  const wrong = wrongAttribute(event);
  if (wrong !== null) return refuse(`ce-${wrong.field}`, wrong.message);
  const path = body.isList ? [] : listPath(reader);
  const refused = await readListed(body, reader, event, path.join('.'), body.value);
  return refused ?? { ...noCorrelation, deliveryKey: deliveryKeyOf(event) };
}

async function readStructured(body: ParsedBody, reader: EventReader): Promise<Refusal | Correlation> {
  const { data, data_base64: encoded, ...event } = body.value;
  const correlation = { ...noCorrelation, deliveryKey: deliveryKeyOf(event) };
  if (data === undefined && typeof encoded === 'string') {
    const read = await readData(reader, event, parseEncoded(encoded), 'data', 0, () =>
      encoded.slice(0, bounds.badBytes),
    );
    return read ?? correlation;
  }
  const refused = await readListed(body, reader, event, ['data', ...listPath(reader)].join('.'), data);
  return refused ?? correlation;
}

/** Many events are many deliveries, so none of their ids names this one. */
async function readBatch(body: ParsedBody, reader: EventReader): Promise<Refusal | Correlation> {
  let only: string | null = null;
  let count = 0;
  const refused = await body.items(async (item, index) => {
    const at = `[${index}]`;
    count += 1;
    const given = item.ok && isObject(item.value) ? item.value : null;
    if (given === null) {
      const message = item.ok ? 'must be an object' : item.message;
      return reader.reading.took({ field: '', message }, index, at, item.text);
    }
    const { data, data_base64: encoded, ...event } = given;
    const wrong = wrongAttribute(event);
    if (wrong !== null) return reader.reading.took({ ...wrong, field: `.${wrong.field}` }, index, at, item.text);
    only = deliveryKeyOf(event);
    const value = data === undefined && typeof encoded === 'string' ? parseEncoded(encoded) : data;
    const problem = await readData(reader, event, value, `${at}.data`, index, item.text);
    if (problem !== null) reader.reading.took({ field: '.data', message: problem.message }, index, at, item.text);
  });
  return refused ?? { ...noCorrelation, deliveryKey: count === 1 ? only : null };
}

function listPath({ map, context }: EventReader): readonly string[] {
  return map === null ? defaultItems : context.settings.items;
}

/** Data whose list was set apart when the body was parsed. `data` is what stands beside it. */
async function readListed(
  body: ParsedBody,
  reader: EventReader,
  event: Fields,
  at: string,
  data: unknown,
): Promise<Refusal | null> {
  const path = listPath(reader);
  const hasList = body.isList || (path.length > 0 && Array.isArray(memberAt(data, path)));
  if (!hasList || (!body.isList && body.path.join('.') !== at))
    return readData(reader, event, data, 'data', 0, () => JSON.stringify(data).slice(0, bounds.badBytes));
  return body.items(async (item, index) => {
    const read = item.ok
      ? await readOne(reader, { item: item.value, body: data, event })
      : { field: '', message: item.message };
    reader.reading.took(read, index, `${at}[${index}]`, item.text);
  });
}

/** Data that was parsed in one piece: a list of alerts in it, or one alert. */
async function readData(
  reader: EventReader,
  event: Fields,
  data: unknown,
  at: string,
  index: number,
  text: () => string,
): Promise<Refusal | null> {
  if (data === undefined) return refuse(at, 'must be JSON');
  const path = listPath(reader);
  const list = Array.isArray(data)
    ? (data as readonly unknown[])
    : path.length === 0
      ? undefined
      : memberAt(data, path);
  if (!Array.isArray(list)) {
    if (reader.map !== null && path.length > 0) return refuse(`${at}.${path.join('.')}`, 'must be a list');
    if (reader.map === null && !(isObject(data) && isObject(data['labels'])))
      return refuse(at, 'is no alert of Alertmanager or of a ruler; a mapping says what it is');
    reader.reading.took(await readOne(reader, { item: data, body: data, event }), index, at, text);
    return null;
  }
  for (const [place, item] of list.entries())
    reader.reading.took(await readOne(reader, { item, body: data, event }), index, `${at}[${place}]`, () =>
      JSON.stringify(item),
    );
  return null;
}

async function readOne(
  { map, context }: EventReader,
  data: { readonly item: unknown; readonly body: unknown; readonly event: Fields },
): Promise<ReadAlert | Wrong> {
  if (map !== null) return map(data);
  // Rulers say no status.
  const isNotified = isObject(data.item) && data.item['status'] !== undefined;
  return isNotified ? readAlert(data.item) : readEvent(data.item, context.request.receivedAt);
}

/** Attributes that every event has. */
function wrongAttribute(event: Fields): Wrong | null {
  const { specversion } = event;
  if (specversion === undefined) return { field: 'specversion', message: 'is missing' };
  if (specversion !== '1.0') return { field: 'specversion', message: 'must be "1.0"' };
  for (const name of ['id', 'source', 'type'])
    if (typeof event[name] !== 'string' || event[name] === '') return { field: name, message: 'must be text' };
  return null;
}

/** Source and id name an event (spec.md, id). */
function deliveryKeyOf({ source, id }: Fields): string {
  return `cloudevent:${sha256Hex(JSON.stringify([source, id]))}`;
}

/** Values of headers are percent-encoded (http-protocol-binding.md, 3.1.3.2). */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const encodedBounds = { values: bounds.envelopeParts, depth: bounds.depth };

/** JSON in `data_base64`; undefined where it is none, or beyond the bounds. */
function parseEncoded(text: string): unknown {
  const bytes = Buffer.from(text, 'base64');
  if (jsonProblem(bytes, encodedBounds) !== null) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
