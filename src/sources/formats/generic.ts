import type { ParsedBody } from '../envelope.ts';
import { isObject } from '../envelope.ts';
import { noCorrelation } from './define.ts';
import type { Format } from './define.ts';

/** Any JSON, by the mapping of the Source. */
export const generic: Format = {
  name: 'generic',
  description: 'Any JSON: `mapping` says with templates what an alert is, `items` where the list of them is.',
  mediaTypes: ['application/json'],
  subpaths: [],
  mapping: 'required',
  isState: true,
  list: ({ items }) => items,
  differs(body, { mapping, items: path }) {
    if (mapping === null) return { field: 'mapping', message: 'is missing' };
    return hasItems(body, path) ? null : { field: path.join('.'), message: 'must be a list' };
  },
  async read({ value, items, isList }, reading, { settings, request, turns }) {
    const { mapping, items: path } = settings;
    if (mapping === null) throw new TypeError('a generic Source has a mapping');
    const map = mapping(request.receivedAt, turns);
    const refused = await items(async (item, index) => {
      const read = item.ok ? await map({ item: item.value, body: value }) : { field: '', message: item.message };
      reading.took(read, index, `${path.join('.')}[${index}]`, item.text);
    });
    if (refused !== null) return refused;
    if (!isList && path.length === 0)
      reading.took(await map({ item: value, body: value }), 0, 'body', () => JSON.stringify(value));
    return noCorrelation;
  },
};

/** A body is one item, or a list of them, where no list was asked for. */
function hasItems({ value, isList }: ParsedBody, path: readonly string[]): boolean {
  if (path.length === 0) return true;
  return !isList && Array.isArray(memberAt(value, path));
}

/** What names lead to; own members only. */
export function memberAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) => (isObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );
}
