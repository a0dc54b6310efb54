import { expect, test } from 'vitest';
import { distinct } from '../lib/words.ts';
import { titleFor } from './payload.ts';

test.each([
  ['Checkout is down', 'own', 'Checkout is down'],
  ['two\nlines  of it', 'own', 'two lines of it'],
  ['x'.repeat(30), 'own', `${'x'.repeat(19)}…`],
  // What a template prints of a label that is not there.
  ['  ', 'KubePodCrashLooping', 'KubePodCrashLooping'],
  [undefined, 'KubePodCrashLooping', 'KubePodCrashLooping'],
  ['', '\u200b', '\\u{200b}'],
  ['', ' ', 'an alert without a name'],
])('the title of %j, else %j, is %j', (authored, own, title) => {
  expect(titleFor(authored, own, 20)).toBe(title);
});

test('what is empty is no tag, and what comes twice is one', () => {
  expect(distinct(['b', '', 'a', 'b'])).toEqual(['b', 'a']);
});
