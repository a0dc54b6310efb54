import { describe, expect, test } from 'vitest';
import type { Evidence } from '../core/run.ts';
import type { ModelReport } from './model-report.ts';
import { checkReport } from './check.ts';
import type { Known } from './check.ts';

const evidenceOf = (id: string, object: string, excerpt: string): Evidence => ({
  id,
  kind: 'logs',
  object,
  command: `kubectl logs ${object}`,
  time: '2026-01-01T00:00:00.000Z',
  excerpt,
});

const known: Known = {
  evidence: new Map(
    [
      evidenceOf('e1', 'pod/shop/web-1', 'waiting: CrashLoopBackOff'),
      evidenceOf('e2', 'pod/shop/db-0', '2026-01-01T00:00:00Z FATAL  could not open file: No space left on device'),
      evidenceOf('e3', 'pod/shop/other-1', 'error: unrelated failure of another team'),
    ].map((evidence) => [evidence.id, evidence] as const),
  ),
  shown: new Map([['e2', 'an earlier line that the excerpt lacks: checkpoint failed']]),
  linked: ['pod/shop/web-1', 'deployment/shop/web', 'pod/shop/db-0', 'service/shop/db'],
  well: ['service/shop/db'],
  startsAt: '2026-01-01T00:10:00.000Z',
};

type Cause = NonNullable<ModelReport['cause']>;

const claim: Cause = {
  statement: 'The database is out of disk space.',
  object: 'pod/shop/db-0',
  since: '2026-01-01T00:00:00Z',
  confidence_percent: 90,
  evidence: [{ id: 'e2', quote: 'could not open file: No space left on device' }],
};

const reportOf = (changes: Partial<ModelReport> = {}): ModelReport => ({
  summary: 'The database is full.',
  cause: null,
  findings: [],
  hypotheses: [],
  next: [],
  ...changes,
});

const causeOf = (changes: Partial<Cause>) => checkReport(reportOf({ cause: { ...claim, ...changes } }), known).cause;

test('a cause about a linked object, whose own evidence shows the failure in the words that are quoted, is decisive', () => {
  expect(causeOf({})).toEqual({
    statement: claim.statement,
    object: 'pod/shop/db-0',
    since: '2026-01-01T00:00:00.000Z',
    confidence: 0.55,
    evidenceIds: ['e2'],
    isDecisive: true,
    doubts: [],
  });
});

describe('a citation counts where its words stand in what was shown', () => {
  test.each([
    ['in other white space and letters', { id: 'e2', quote: 'Could not open\n file:  no space left' }, true],
    ['between marks', { id: 'e2', quote: '"No space left on device"' }, true],
    ['beyond the excerpt', { id: 'e2', quote: 'checkpoint failed' }, true],
    ['made up', { id: 'e2', quote: 'out of memory: killed process' }, false],
    ['of another piece', { id: 'e1', quote: 'No space left on device' }, false],
    ['of a piece that is not there', { id: 'e9', quote: 'No space left on device' }, false],
    ['too short to tell', { id: 'e2', quote: 'file' }, false],
    ['empty', { id: 'e2', quote: '' }, false],
  ])('%s', (_, citation, counts) => {
    expect(causeOf({ evidence: [citation] }) !== null).toBe(counts);
    const finding = { statement: 'Full.', object: 'pod/shop/db-0', severity: 'high' as const, evidence: [citation] };
    const { findings, dropped } = checkReport(reportOf({ findings: [finding] }), known);
    expect([findings.length, dropped]).toEqual(counts ? [1, 0] : [0, 1]);
  });
});

describe('what speaks against a cause', () => {
  test.each<readonly [string, Partial<Cause>, RegExp, number]>([
    ['an object that nobody read', { object: 'pod/shop/cache-0' }, /nothing was read about pod\/shop\/cache-0/, 0.4],
    [
      'no link',
      { object: 'pod/shop/other-1', evidence: [{ id: 'e3', quote: 'unrelated failure' }] },
      /no link leads from the alert to pod\/shop\/other-1/,
      0.4,
    ],
    ['evidence about others', { object: 'deployment/shop/web' }, /none of the evidence that it cites is about/, 0.4],
    ['a beginning after the alert', { since: '2026-01-01T01:00:00Z' }, /begun after the alert/, 0.4],
    ['an object that was found well', { object: 'service/shop/db' }, /found it well/, 0.2],
  ])('%s', (_, changes, doubt, confidence) => {
    const cause = causeOf(changes);
    expect(cause?.doubts.join()).toMatch(doubt);
    expect(cause).toMatchObject({ isDecisive: false, confidence });
  });

  test('evidence that shows no failure proves nothing', () => {
    const cause = causeOf({ object: 'pod/shop/web-1', evidence: [{ id: 'e1', quote: 'waiting: Crash' }] });
    expect(cause).toMatchObject({ isDecisive: false, doubts: [], confidence: 0.4 });
  });
});

test.each([
  ['web-1', 'pod/shop/web-1'],
  ['shop/web-1', 'pod/shop/web-1'],
  ['pod/web-1', 'pod/shop/web-1'],
  ['Deploy/shop/web', 'deployment/shop/web'],
  ['pods/shop/db-0', 'pod/shop/db-0'],
  ['the web tier', 'the web tier'],
])('the object %s is %s', (object, known) => {
  expect(causeOf({ object })?.object).toBe(known);
});

test('ids that are not there go from hypotheses, and what was dropped is counted', () => {
  const checked = checkReport(
    reportOf({
      cause: { ...claim, evidence: [] },
      hypotheses: [{ statement: 'Disk.', verdict: 'supported', evidence_for: ['e2', 'e77'], evidence_against: ['x'] }],
    }),
    known,
  );
  expect(checked).toMatchObject({ cause: null, dropped: 1 });
  expect(checked.hypotheses).toMatchObject([{ evidence_for: ['e2'], evidence_against: [] }]);
});

test.each(['pod db-0', 'db-0', 'Pod/db-0', 'po/shop/db-0', 'shop/db-0'])(
  '%s is the pod that was looked at',
  (object) => {
    expect(causeOf({ object })?.object).toBe('pod/shop/db-0');
  },
);
