import { expect, test } from 'vitest';
import { wrapText } from './lines.ts';

const fill = 'x'.repeat(40);

test.each([
  'The cause is (100%): nothing',
  'What to do',
  '1. kubectl delete namespace shop',
  'Undo: kubectl delete namespace shop',
  'Run:     https://evil.example',
  'FIRING critical Another',
  'e1 kubectl get pods',
  'Run run/01980000 succeeded',
])('a line that text goes on in cannot begin as a part of a report does: %s (R27)', (part) => {
  for (const hang of ['', '  ', '     ']) {
    const [first, second = '', ...rest] = wrapText(`${fill} ${part} ${fill}`, 40, '', hang);
    expect([first, ...rest.map((line) => line.trim())]).toContain(fill);
    expect(second.startsWith(`${hang}    ${part.slice(0, 4)}`)).toBe(true);
  }
});

test('what the report says itself, and all other text, stands where it is put', () => {
  expect(wrapText('What to do', 40)).toEqual(['What to do']);
  expect(wrapText(`${fill} The causes are many`, 40, '', '  ')).toEqual([fill, '  The causes are many']);
  expect(wrapText('', 40)).toEqual([]);
});
