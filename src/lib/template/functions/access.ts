import { FunctionError } from '../error.ts';
import { kindOf, member, typeName, wholeNumber } from '../values.ts';
import type { GoList, GoMap } from '../values.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';

/** Bytes of text as UTF-8: what Go counts and indexes. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** Part of a text by UTF-8 byte offsets; a cut character becomes U+FFFD. */
export function sliceBytes(text: string, start: number, end?: number): string {
  // A text without multi-byte characters, the usual case, needs no copy.
  if (byteLength(text) === text.length) return text.slice(start, end);
  return Buffer.from(text, 'utf8').subarray(start, end).toString('utf8');
}

function length(value: unknown): bigint {
  const kind = kindOf(value);
  if (kind === 'string') return BigInt(byteLength(value as string));
  if (kind === 'list') return BigInt((value as GoList).length);
  if (kind === 'map') return BigInt(Object.keys(value as GoMap).length);
  throw new FunctionError(`a value of type ${typeName(value)} has no length`);
}

function position(index: unknown, limit: number): number {
  const whole = wholeNumber(index);
  if (whole === undefined) throw new FunctionError(`a value of type ${typeName(index)} cannot be a list index`);
  if (whole < 0n || whole > BigInt(limit)) throw new FunctionError(`index ${whole} is out of range`);
  return Number(whole);
}

function indexOnce(value: unknown, index: unknown): unknown {
  const kind = kindOf(value);
  if (kind === 'map') {
    if (typeof index !== 'string') throw new FunctionError(`a map has text keys, not ${typeName(index)}`);
    // As in Go, a key that is absent gives nil, not a missing value: going deeper from it is an error.
    return member(value as GoMap, index) ?? null;
  }
  if (kind === 'list') return (value as GoList)[position(index, (value as GoList).length - 1)] ?? null;
  if (kind === 'string') {
    const bytes = Buffer.from(value as string, 'utf8');
    return BigInt(bytes[position(index, bytes.length - 1)] ?? 0);
  }
  throw new FunctionError(
    kind === 'nil' || kind === 'missing' ? 'index of nil' : `a value of type ${typeName(value)} cannot be indexed`,
  );
}

function slice(value: unknown, indexes: readonly unknown[]): unknown {
  const kind = kindOf(value);
  if (kind !== 'string' && kind !== 'list')
    throw new FunctionError(`a value of type ${typeName(value)} cannot be sliced`);
  if (indexes.length > 3) throw new FunctionError(`too many slice indexes: ${indexes.length}`);
  if (kind === 'string' && indexes.length === 3) throw new FunctionError('a text takes at most two slice indexes');
  const size = Number(length(value));
  const bounds = indexes.map((index) => position(index, size));
  const [start = 0, end = size, capacity = end] = bounds;
  if (start > end || end > capacity) throw new FunctionError(`invalid slice indexes: ${bounds.join(' > ')}`);
  return kind === 'string' ? sliceBytes(value as string, start, end) : (value as GoList).slice(start, end);
}

function notCallable(values: readonly unknown[]): never {
  const [value] = values;
  if (values.length === 0) throw new FunctionError('call needs at least 1 argument');
  throw new FunctionError(`a value of type ${typeName(value)} is not a function`);
}

/** Go's `len index slice call`. */
export const accessFunctions: FunctionTable = {
  len: fixed(['any'], (value) => length(value)),
  index: variadic(['any'], 'any', (value, indexes) => indexes.reduce<unknown>(indexOnce, value)),
  slice: variadic(['any'], 'any', slice),
  call: variadic([], 'any', notCallable),
};
