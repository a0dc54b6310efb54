import type { KubernetesObject } from '../../core/cluster.ts';
import type { Pieces } from '../../lib/turns.ts';
import { itemsOf, parseListItems } from './list-items.ts';
import type { ListType } from './yaml-parts.ts';

/** A file that is neither JSON nor YAML, or has no objects. The message is for people. */
export class NoObjects extends Error {
  readonly format: 'JSON' | 'YAML';

  constructor(format: 'JSON' | 'YAML', message: string) {
    super(message);
    this.format = format;
  }
}

/** Parsed in one go; what is larger is a list, because no cluster stores an object of this size. Bytes. */
const smallBytes = 512 * 1024;

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

/** The objects of a List, an array or a single object, in pieces. Throws NoObjects. */
export function* parseJson(bytes: Buffer): Pieces<ParsedObjects<unknown>> {
  try {
    const small: unknown = bytes.length <= smallBytes ? JSON.parse(bytes.toString('utf8')) : undefined;
    if (isObject(small) && small['items'] === undefined) return { listed: [], single: [small] };
    const items = Array.isArray(small) ? (small as readonly unknown[]) : itemsOf(small);
    const objects = small === undefined ? yield* parseListItems(asList(bytes)) : items;
    const type = typeOfList(bytes);
    if (objects !== null) return { listed: objects.map((object) => withTypeOf(type, object)), single: [] };
  } catch (error) {
    throw new NoObjects('JSON', `is not JSON (${(error as Error).message})`);
  }
  throw new NoObjects('JSON', 'is no List: it has no items');
}

function asList(bytes: Buffer): Buffer {
  const isArray = /^\s*\[/.test(bytes.toString('latin1', 0, 4096));
  return isArray ? Buffer.concat([Buffer.from('{"items":'), bytes, Buffer.from('}')]) : bytes;
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
export function withTypeOf(list: ListType | null, object: unknown): unknown {
  const kind = /^(\w+)List$/.exec(list?.kind ?? '')?.[1];
  if (list === null || kind === undefined || !isObject(object) || object.kind !== undefined) return object;
  return { apiVersion: list.apiVersion, kind, ...object };
}

/** Whether it is an object of Kubernetes: whatever has no `metadata.name` is none. */
export function isObject(item: unknown): item is KubernetesObject {
  const metadata = (item as { metadata?: { name?: unknown } } | null)?.metadata;
  return typeof metadata?.name === 'string';
}
