import { expect, test } from 'vitest';
import { textWidth } from '../lib/text-width.ts';
import { statusTable } from './status.ts';

const says = 'ready, last success 5s ago, 0 waiting, 0 failed in the last hour';

test('what does not fit a line goes on in the next one, and nothing is cut', () => {
  const rows = [
    { part: 'sink', name: 'default/report', says },
    { part: 'cluster', name: '', says: 'none' },
  ];
  expect(statusTable(rows, { columns: 80, colour: false })).toBe(
    [
      'PART     NAME            STATUS',
      'sink     default/report  ready, last success 5s ago, 0 waiting, 0 failed in the',
      '                         last hour',
      'cluster                  none',
      '',
    ].join('\n'),
  );
  expect(statusTable(rows, { colour: false })).toContain(`  ${says}\n`);
});

test('a long name gives its middle, not the words about it', () => {
  const text = statusTable([{ part: 'sink', name: `shop/${'n'.repeat(90)}-end`, says }], {
    columns: 60,
    colour: false,
  });
  for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(60);
  expect(text).toContain('-end  ready');
  expect(
    text
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^.*…\S+/, '').trim())
      .join(' ')
      .trim(),
  ).toBe(says);
});
