import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseObjects } from './objects.ts';

const parse = async (text: string) => {
  const { listed, single } = await parseObjects(Buffer.from(text));
  return [...listed, ...single];
};
const pod = (name: string, more: object = {}): object => ({ kind: 'Pod', metadata: { name }, ...more });
const odd = [
  pod('web-1', {
    spec: { args: ['- dash', 'items:\n- no item\n  metadata: x', '--- no mark', ' led', ''], empty: {} },
  }),
  pod('web-2', {
    data: { 'a.yaml': '---\nitems:\n- name: inner\n', long: 'word '.repeat(100), '1': true, none: null },
  }),
];
const list = (items: readonly object[]) => ({
  apiVersion: 'v1',
  items,
  kind: 'List',
  metadata: { resourceVersion: '' },
});

test.each([
  ['a List as JSON', JSON.stringify(list(odd))],
  ['an array', JSON.stringify(odd)],
  ['a List as YAML', stringify(list(odd), { indentSeq: false })],
  ['with deeper items and a mark', `---\n${stringify(list(odd), { indent: 4 })}`],
  ['with other line ends', stringify(list(odd), { indentSeq: false }).replaceAll('\n', '\r\n')],
  ['documents', odd.map((one) => stringify(one)).join('---\n')],
  [
    'documents of Lists, with comments between',
    odd.map((one) => `# one\n${stringify(list([one]), { indentSeq: false })}`).join('---\n'),
  ],
])('%s', async (name, text) => {
  const parsed = await parse(text);
  if (name === 'with other line ends') expect(parsed.map(({ metadata }) => metadata.name)).toEqual(['web-1', 'web-2']);
  else expect(parsed).toEqual(odd);
});

test('who wrote which field is left out of YAML, and of nothing else', async () => {
  const managedFields = [{ manager: 'kubectl', fieldsV1: { 'f:spec': { 'f:containers': {} } } }];
  const text = 'metadata:\n  managedFields:\n  - text\n';
  const own = (more: object) => ({
    kind: 'ConfigMap',
    metadata: { annotations: { text }, ...more, name: 'a' },
    data: { text },
  });
  const [given, expected] = [own({ managedFields }), own({})];
  for (const indentSeq of [false, true]) {
    expect(await parse(stringify(given, { indentSeq }))).toEqual([expected]);
    expect(await parse(stringify(list([given, structuredClone(given)]), { indentSeq }))).toEqual([expected, expected]);
  }
  // Where it is the last, and where it is all.
  expect(await parse('metadata:\n  name: a\n  managedFields:\n  - manager: x\n')).toEqual([
    { metadata: { name: 'a' } },
  ]);
  expect(await parse('metadata:\n  managedFields:\n  - manager: x\n  name: a\nspec: {}\n')).toEqual([
    { metadata: { name: 'a' }, spec: {} },
  ]);
});

test('a large array, one object, nothing', async () => {
  const many = Array.from({ length: 20_000 }, (_, at) => pod(`web-${at}`));
  expect(await parse(JSON.stringify(many))).toEqual(many);
  expect(await parse(JSON.stringify(odd[0]))).toEqual([odd[0]]);
  expect(await parse('null')).toEqual([]);
  expect(await parse('{"kind": "List", "items": null}')).toEqual([]);
  expect(await parse('kind: List\nitems: []\n')).toEqual([]);
});

test.each([
  ['{"items": [', 'is not JSON'],
  ['{"items": 1}', 'is no List: it has no items'],
  ['just words', 'is neither JSON nor YAML of objects'],
  ['', ''],
  ['a: [', 'is no YAML'],
  [`a: &a [x]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]\n`, 'is no YAML'],
])('%j is refused', async (text, reason) => {
  if (reason === '') expect(await parse(text)).toEqual([]);
  else await expect(parse(text)).rejects.toThrow(reason);
});
