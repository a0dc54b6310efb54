import { describe, expect, it } from 'vitest';
import type { AgentResult } from '../core/finding.ts';
import type { JudgedIncident } from '../core/readers.ts';
import { readReport } from '../report/read.ts';
import { renderText } from '../report/text.ts';
import { verdictsFor, withEarlierVerdicts } from './earlier-verdicts.ts';

const cause = {
  sentence: 'Pod web-1 was killed for its memory.',
  category: 'oom-killed',
  object: 'pod/shop/web-1',
  certainty: 'is',
  since: null,
  change: null,
} as const;
const report: AgentResult = {
  ...readReport({}),
  cause,
  root_cause: cause.sentence,
  summary: cause.sentence,
  confidence: 0.95,
};
const inconclusive: AgentResult = { ...report, cause: null, root_cause: null, summary: 'Inconclusive: nothing.' };

function judged(changes: Partial<JudgedIncident> = {}): JudgedIncident {
  return {
    runId: '019b71b4-4c64-7000-8000-0123456789ab',
    alertName: 'KubePodCrashLooping',
    object: 'pod/shop/web-0',
    at: '2026-01-01T00:00:00.000Z',
    cause: { category: 'oom-killed', object: 'pod/shop/web-0', confidence: 0.9 },
    likeness: 'the same alert',
    verdict: { verdict: 'refuted', cause: null, note: null, by: 'ada', at: '2026-01-02T00:00:00.000Z' },
    ...changes,
  };
}

describe('which of them are about a report', () => {
  it.each<[string, AgentResult, Partial<JudgedIncident>, boolean | null]>([
    ['the same category for the same alert, on another pod', report, {}, true],
    ['another category for the same alert', report, { cause: { category: 'x', object: 'y', confidence: 1 } }, false],
    ['no cause then', report, { cause: null }, false],
    ['no cause now', inconclusive, {}, false],
    ['the same rule, on another object', report, { likeness: 'the same rule in the same namespace' }, null],
    [
      'the same rule, on the same object',
      report,
      {
        likeness: 'the same rule',
        cause: { category: 'oom-killed', object: 'pod/shop/web-1', confidence: 1 },
      },
      true,
    ],
    [
      "a model's cause on another object",
      { ...report, cause: { ...cause, category: 'model' } },
      { cause: { category: 'model', object: 'pod/shop/web-0', confidence: 1 } },
      false,
    ],
    [
      "a model's cause on the same object",
      { ...report, cause: { ...cause, category: 'model' } },
      { cause: { category: 'model', object: 'pod/shop/web-1', confidence: 1 } },
      true,
    ],
  ])('%s', (_name, result, changes, expected) => {
    expect(verdictsFor(result, [judged(changes)])[0]?.is_same_cause ?? null).toBe(expected);
  });

  it('the same cause comes first, and five are enough', () => {
    const other = judged({ cause: null });
    const all = verdictsFor(report, [other, other, other, other, other, judged()]);
    expect(all.map((one) => one.is_same_cause)).toEqual([true, false, false, false, false]);
  });
});

describe('what the report says of them', () => {
  const told = (result: AgentResult, ...changes: readonly Partial<JudgedIncident>[]) =>
    withEarlierVerdicts(result, verdictsFor(result, changes.map(judged)));
  const textOf = (result: AgentResult) =>
    renderText(result, { now: '2026-01-03T00:00:00.000Z', width: 1000 }).replace(/\s+/g, ' ');
  const refuted = 'A person refuted this cause for the same alert before (run/';

  it('nothing where nobody said anything', () => {
    expect(told(report)).toBe(report);
  });

  it('a refuted cause says so wherever it is told, and keeps its confidence', () => {
    const result = told(report, {
      verdict: { ...judged().verdict, cause: 'a full disk', note: 'see the log' },
    });
    for (const text of [result.cause?.sentence, result.root_cause, result.summary, textOf(result), result.report])
      expect(text).toContain(refuted);
    expect(result.root_cause).toMatch(/it was then: a full disk\)\.$/);
    expect(result.confidence).toBe(0.95);
    expect(result.earlier_verdicts).toMatchObject([{ verdict: 'refuted', is_same_cause: true, note: 'see the log' }]);
    expect(textOf(result).split(refuted)).toHaveLength(2);
  });

  it('the newest word on the same cause holds', () => {
    const later = { ...judged().verdict, verdict: 'confirmed', at: '2026-01-04T00:00:00.000Z' } as const;
    const result = told(report, {}, { verdict: later });
    expect(result.root_cause).toBe(cause.sentence);
    expect(textOf(result)).toContain('For the same alert a person confirmed this cause (run/');
  });

  it('a report without a cause, or with another one, tells what was said of the same alert', () => {
    const confirmed = { ...judged().verdict, verdict: 'confirmed', cause: 'DNS was away.' } as const;
    expect(textOf(told(inconclusive, { verdict: confirmed, cause: null }))).toMatch(
      /For the same alert a person said what it was: DNS was away \(run\/\S+, 2026-01-02 [^)]*\)\./,
    );
    expect(textOf(told(inconclusive, {}))).toContain(
      'For the same alert a person refuted oom-killed of pod/shop/web-0 (run/',
    );
    expect(told(inconclusive, {}).root_cause).toBeNull();
  });
});
