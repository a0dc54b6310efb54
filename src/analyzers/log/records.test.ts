import { expect, test, vi } from 'vitest';
import { readLog } from './records.ts';

/** How many patterns are held against a log. */
function workOf(log: string): number {
  const tried = vi.spyOn(RegExp.prototype, 'test');
  try {
    readLog(log);
    return tried.mock.calls.length;
  } finally {
    tried.mockRestore();
  }
}

test.each([
  ['lines that go on', (index: number) => `  step ${index} of the report`],
  ['frames of a trace', (index: number) => `\tat com.example.Shop.step${index}(Shop.java:${index})`],
  ['frames of a goroutine', (index: number) => (index === 1 ? 'goroutine 1 [running]:' : `main.step${index}(0x1)`)],
])('a record of twice the lines (%s) is twice the work', (_, lineAt) => {
  const logOf = (lines: number): string =>
    ['ERROR: the report:', ...Array.from({ length: lines }, (_unused, index) => lineAt(index + 1))].join('\n');
  expect(readLog(logOf(390))).toHaveLength(1);
  expect(workOf(logOf(390)) / workOf(logOf(195))).toBeLessThan(2.1);
});

test('a log of any length is read from its end, each line once', () => {
  const logOf = (lines: number): string => Array.from({ length: lines }, (_, index) => `INFO step ${index}`).join('\n');
  expect(workOf(logOf(2000)) / workOf(logOf(1000))).toBeLessThan(2.1);
  const records = readLog(logOf(50_000));
  expect(records).toHaveLength(3000);
  expect(records.at(-1)?.text).toBe('step 49999');
  expect(workOf(logOf(50_000))).toBe(workOf(logOf(3000)));
});
