import type { KubernetesObject } from '../core/cluster.ts';
import type { Pieces } from '../lib/turns.ts';
import { parseYaml } from '../lib/yaml.ts';
import { parseListItems } from './list-items.ts';
import { findYamlParts } from './yaml-parts.ts';
import type { ListType } from './yaml-parts.ts';

/** A file that is neither JSON nor YAML, or has no objects. The message is for people. */
export class NoObjects extends Error {
  readonly format: 'JSON' | 'YAML';

  constructor(format: 'JSON' | 'YAML', message: string) {
    super(message);
    this.format = format;
  }
}

/** What is larger is a list: no cluster stores an object of this size. Bytes. */
const largestSingle = 512 * 1024;
/** Of one document or item of YAML. */
const largestPart = 4 * 1024 * 1024;
/** More nodes than that through aliases is an attack, not an object. */
const maxAliasCount = 100;

/**
 * The objects of a List, an array, a single object, or (YAML) of several documents of these, in pieces. Whatever has no
 * `metadata.name` is left out. Throws NoObjects.
 */
export function* parseObjects(bytes: Buffer): Pieces<ParsedObjects> {
  const { listed, single } = isJson(bytes) ? yield* parseJson(bytes) : yield* parseDocuments(bytes);
  return { listed: listed.filter(isObject), single: single.filter(isObject) };
}

/** Those that came in a list, and those that stand alone. */
export interface ParsedObjects<T = KubernetesObject> {
  readonly listed: readonly T[];
  readonly single: readonly T[];
}

/** As UTF-8 without a mark: PowerShell writes what a command prints as UTF-16, and some editors begin with a mark. */
export function asUtf8(bytes: Buffer): Buffer {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return Buffer.from(bytes.toString('utf16le', 2));
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** Whether it begins as JSON does; YAML of objects does not. */
export function isJson(bytes: Buffer): boolean {
  return /^\s*(?:[{[]|null\s*$)/.test(bytes.toString('latin1', 0, 4096));
}

function* parseJson(bytes: Buffer): Pieces<ParsedObjects<unknown>> {
  try {
    const isArray = /^\s*\[/.test(bytes.toString('latin1', 0, 4096));
    const single = !isArray && bytes.length <= largestSingle ? singleOf(JSON.parse(bytes.toString('utf8'))) : null;
    if (single !== null) return { listed: [], single: [single] };
    const list = isArray ? Buffer.concat([Buffer.from('{"items":'), bytes, Buffer.from('}')]) : bytes;
    const objects = yield* parseListItems(list);
    const type = typeOfList(bytes);
    if (objects !== null) return { listed: objects.map((object) => withTypeOf(type, object)), single: [] };
  } catch (error) {
    throw new NoObjects('JSON', `is not JSON (${(error as Error).message})`);
  }
  throw new NoObjects('JSON', 'is no List: it has no items');
}

/** A list says its kind before its items, or behind them. */
function typeOfList(bytes: Buffer): ListType {
  const [head = ''] = bytes.toString('latin1', 0, 4096).split('"items"');
  const around = `${head}\n${
    bytes
      .toString('latin1', Math.max(head.length, bytes.length - 4096))
      .split(']')
      .at(-1) ?? ''
  }`;
  const field = (name: string): string => new RegExp(`"${name}"\\s*:\\s*"([\\w./-]+)"`).exec(around)?.[1] ?? '';
  return { kind: field('kind'), apiVersion: field('apiVersion') };
}

/** Items of a typed list (`PodList`) carry no type of their own. */
function withTypeOf(list: ListType | null, object: unknown): unknown {
  const kind = /^(\w+)List$/.exec(list?.kind ?? '')?.[1];
  if (list === null || kind === undefined || !isObject(object) || object.kind !== undefined) return object;
  return { apiVersion: list.apiVersion, kind, ...object };
}

/** The object itself where the value is one and no list. */
function singleOf(value: unknown): unknown {
  return isObject(value) && value['items'] === undefined ? value : null;
}

function* parseDocuments(bytes: Buffer): Pieces<ParsedObjects<unknown>> {
  const [listed, single]: [unknown[], unknown[]] = [[], []];
  for (const { from, to, indent, list } of yield* findYamlParts(bytes)) {
    if (to - from > largestPart) throw new NoObjects('YAML', `has a part of more than ${largestPart} bytes`);
    const text = `${' '.repeat(indent)}${bytes.toString('utf8', from, to)}`;
    const value = yield* parsePart(withoutManagedFields(text));
    const items = itemsIn(value);
    if (items !== null) for (const item of items) listed.push(item);
    else if (list === null) single.push(value);
    else listed.push(withTypeOf(list, value));
    yield;
  }
  return { listed, single };
}

/** Without who wrote which field: it is often half of an object, parsing it takes as long, and nothing reads it. */
function withoutManagedFields(text: string): string {
  const column = /^( *)[A-Za-z]/m.exec(text)?.[1] ?? '';
  // Of the object itself: what stands deeper may be text.
  const start = new RegExp(
    `^${column}metadata:[ \\t]*\\r?\\n(?=(${column} +)\\S)(?:${column} .*\\n)*?(?=\\1managedFields:[ \\t]*\\r?\\n)`,
    'm',
  ).exec(text);
  if (start === null) return text;
  const from = start.index + start[0].length;
  const rest = text.slice(text.indexOf('\n', from) + 1);
  const end = new RegExp(`^(?!${start[1] ?? ''}(?: |-)|[ \\t]*\\r?$)`, 'm').exec(rest);
  return text.slice(0, from) + (end === null ? '' : rest.slice(end.index));
}

/** The items of a List that was not taken apart; null for an object. */
function itemsIn(value: unknown): readonly unknown[] | null {
  if (value === null || typeof value !== 'object') throw new NoObjects('YAML', 'is neither JSON nor YAML of objects');
  const { items } = value as { items?: unknown };
  return Array.isArray(items) ? items : null;
}

function* parsePart(text: string): Pieces<unknown> {
  const [part] = yield* parseYaml(text);
  const problem = part?.errors[0]?.message.split('\n')[0];
  if (problem !== undefined) throw new NoObjects('YAML', `is no YAML (${problem})`);
  try {
    return part?.documents[0]?.toJS({ maxAliasCount }) ?? null;
  } catch (error) {
    throw new NoObjects('YAML', `is no YAML (${(error as Error).message})`);
  }
}

function isObject(item: unknown): item is KubernetesObject {
  const metadata = (item as { metadata?: { name?: unknown } } | null)?.metadata;
  return typeof metadata?.name === 'string';
}
