import { expect, test } from 'vitest';
import { firing } from '../../test/support/intake.ts';
import { contentHash } from './records.ts';

test('what an alert says is the same in whatever order its annotations stand, and another with each change', () => {
  const annotations = { summary: 'It hurts', description: 'a lot', runbook_url: 'https://runbooks.example' };
  const of = (changed: Readonly<Record<string, string>>, groupKey: string | null = 'g') =>
    contentHash(firing({ annotations: changed }), groupKey);
  const usual = of(annotations);
  expect(of(Object.fromEntries(Object.entries(annotations).toReversed()))).toBe(usual);
  const { summary, description, ...rest } = annotations;
  const others = [
    of({ ...annotations, description: 'a little' }),
    of({ ...rest, summary: description, description: summary }),
    of(rest),
    of({ ...annotations, 'summary,It hurts': '' }),
    of(annotations, null),
    contentHash(firing({ annotations, generatorUrl: null }), 'g'),
  ];
  expect(new Set([usual, ...others]).size).toBe(others.length + 1);
});
