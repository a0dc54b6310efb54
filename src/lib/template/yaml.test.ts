import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderTemplate } from './index.ts';

const texts = [
  '',
  ' ',
  'a',
  ' a',
  'a ',
  '\n',
  '\n\n',
  'a\n',
  'a\n\n',
  'a\nb',
  ' a\nb',
  'a\n b\n',
  '\na',
  'a\n\nb\n',
  'a\tb',
  '\ta',
  'a\t\nb',
  'a \nb',
  'null',
  'Null',
  '~',
  'yes',
  'NO',
  'on',
  'y',
  '1',
  '-1',
  '+1',
  '1.5',
  '.5',
  '1e3',
  '0x1f',
  '0o17',
  '017',
  '1_000',
  '.inf',
  '-.Inf',
  '.nan',
  '12:30',
  '2026-01-01',
  '2026-01-01T10:00:00Z',
  'a: b',
  'a:',
  ':a',
  ': a',
  'a #b',
  'a#b',
  '#a',
  '- a',
  '-',
  '-a',
  '--- a',
  '---',
  '...',
  '? a',
  '?a',
  '!x',
  '&x',
  '*x',
  '@x',
  '`x`',
  '%x',
  '|',
  '>',
  '{a}',
  '[a]',
  'a, b',
  "it's",
  "'a'",
  '"a"',
  'a"b',
  'back\\slash',
  '=',
  '<<',
  'é日本',
  '😀',
  '\u0085',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\u0000\u0001\u001b\u007f',
  'a\r\nb',
  '\r',
  'x'.repeat(300),
  `${'word '.repeat(60)}end`,
  'key: |\n  - [',
];

it.each(texts)('toYaml %j reads back the same', (text) => {
  const document = {
    value: text,
    list: [text, [text, { [text]: text }]],
    map: { [text]: { inner: text } },
    empty: [{}, []],
  };
  const yaml = renderTemplate('{{ toYaml . }}', document);
  expect(parse(yaml)).toEqual(document);
  expect(parse(yaml, { version: '1.1' })).toEqual(document);
});

// A document cannot keep the newline that ends it.
it.each(texts.filter((text) => !text.endsWith('\n')))('toYaml of the text %j alone reads back the same', (text) => {
  expect(parse(renderTemplate('{{ toYaml . }}', text))).toBe(text);
});

it('toYaml writes other values as YAML has them', () => {
  const data = { f: 2.5, big: 1e21, i: 7, t: true, n: null, when: new Date('2026-03-01T10:15:07Z') };
  expect(renderTemplate('{{ toYaml . }}', data)).toBe(
    'big: 1e+21\nf: 2.5\ni: 7\n"n": null\nt: true\nwhen: "2026-03-01T10:15:07Z"',
  );
});
