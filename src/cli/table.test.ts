import { expect, test } from 'vitest';
import { textWidth } from '../lib/text-width.ts';
import { table } from './table.ts';
import type { Column } from './table.ts';

type Row = readonly [string, string, string];
const columns: readonly Column<Row>[] = [
  { heading: 'NAME', text: ([name]) => name, cut: 10 },
  { heading: 'STATE', text: ([, state]) => state },
  { heading: 'CAUSE', text: ([, , cause]) => cause, cut: 6 },
];
const rows: readonly Row[] = [
  ['checkout-7d9f', 'open', 'memory limit 256Mi reached since revision 41'],
  ['障害発生しています', 'resolved', 'x'],
];

const show = (width?: number) => table(rows, columns, { columns: width, colour: false });

test('without a terminal nothing is cut, and columns are aligned by what they show', () => {
  expect(show()).toBe(
    [
      'NAME                STATE     CAUSE',
      'checkout-7d9f       open      memory limit 256Mi reached since revision 41',
      '障害発生しています  resolved  x',
      '',
    ].join('\n'),
  );
});

test('the widest that may be cut gives first, down to what it keeps; then all give', () => {
  expect(show(60).split('\n')[1]).toBe('checkout-7d9f       open      memory limit 256Mi reached si…');
  expect(show(35).split('\n').slice(1)).toEqual([
    'checkout-7…  open      memory limi…',
    '障害発生し…  resolved  x',
    '',
  ]);
  expect(show(24).split('\n').slice(1)).toEqual(['check…  open      memor…', '障害…   resolved  x', '']);
});

test('no line is wider than the terminal, for all widths that can be had', () => {
  for (let width = 20; width < 120; width++)
    for (const line of show(width).trimEnd().split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(width);
});

test('a wide table is rather too wide than without its texts', () => {
  const style = { columns: 24, colour: false, roomy: true };
  expect(table(rows, columns, style).split('\n')[1]).toBe('checkout-…  open      memor…');
});

test('headings are bold where colours are wanted, and left out on demand', () => {
  const bold = table(rows, columns, { colour: true }).split('\n')[0] ?? '';
  expect(bold).toBe(`\u001b[1m${show().split('\n')[0]}\u001b[22m`);
  expect(table(rows, columns, { colour: false, headings: false })).toMatch(/^checkout/);
});

test('a column that gives last is cut only when the others are at their least; one that keeps its end is cut before it', () => {
  const own: readonly Column<Row>[] = [
    { heading: 'NAME', text: ([name]) => name, cut: 10, keepsEnd: true },
    { heading: 'CAUSE', text: ([, , cause]) => cause, cut: 6, givesLast: true },
  ];
  const one = [['checkout-7d9f8c6b5-x2x4z', '', 'memory limit reached']] as const;
  const row = (width: number) => table(one, own, { columns: width, colour: false }).split('\n')[1];
  expect(row(40)).toBe('checkout-7d…-x2x4z  memory limit reached');
  expect(row(32)).toBe('check…2x4z  memory limit reached');
  expect(row(24)).toBe('check…2x4z  memory limi…');
});
