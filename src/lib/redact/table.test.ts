import { describe, expect, test } from 'vitest';
import { plainSentences } from '../../../test/support/plain-sentences.ts';
import { secretCases } from '../../../test/support/secret-cases.ts';
import { mask, redact, redactInTurns } from '../redact.ts';

/** Whether the secret, or half of it, can still be read. */
function leaks(result: string, secret: string): boolean {
  const ends = secret.length > 12 ? [secret.slice(0, 8), secret.slice(-8)] : [];
  return [secret, ...ends].some((part) => result.includes(part)) || !result.includes(mask);
}

describe('at least 300 secrets', () => {
  const cases = secretCases();

  test('99 of 100 are masked, and what is masked stays as it is', () => {
    const through = cases.filter(({ text, secret }) => leaks(redact(text), secret));
    expect(cases.length).toBeGreaterThanOrEqual(300);
    expect(cases.every(({ text, secret }) => text.includes(secret))).toBe(true);
    expect(through.map(({ kind, text }) => `${kind}: ${text}`).slice(0, cases.length / 100)).toEqual(
      through.map(({ kind, text }) => `${kind}: ${text}`),
    );
    expect(cases.map(({ text }) => redact(redact(text)))).toEqual(cases.map(({ text }) => redact(text)));
  });

  test('the same in the middle of a long text, at and around the edge of each piece', async () => {
    const line = '2026-01-02T03:04:05Z INFO request served in 18 ms\n';
    const before = line.repeat(Math.ceil((32 * 1024) / line.length));
    // Each case lies across the edge in another place.
    const through = [];
    for (const [index, { kind, text, secret }] of cases.entries()) {
      if (index % 8 > 0) continue;
      const start = 32 * 1024 - 1 - Math.floor((text.length * (index % 7)) / 7);
      const result = await redactInTurns(`${before.slice(0, start - 1)}\n${text}\n${line}`);
      if (leaks(result, secret)) through.push(`${kind}: ${text}`);
      if (!result.endsWith(line)) through.push(`${kind} took the next line, too`);
    }
    expect(through.slice(0, cases.length / 800)).toEqual(through);
  });
});

test('of at least 200 sentences 98 of 100 are left as they are', () => {
  const touched = plainSentences.filter((sentence) => redact(sentence) !== sentence);
  expect(new Set(plainSentences).size).toBeGreaterThanOrEqual(200);
  expect(touched.slice(0, plainSentences.length / 50)).toEqual(touched);
});
