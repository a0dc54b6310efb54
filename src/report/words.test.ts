import { expect, test } from 'vitest';
import type { AgentResult } from '../core/finding.ts';
import { readReport } from './read.ts';
import { causeText, certaintyOf, chainLines, decidingLines, firstStep, logLines, togetherText } from './words.ts';

const link = (object: string, relation: string, happened: string) => ({
  object,
  relation,
  happened,
  finding: '',
  evidence_ids: ['e1'],
});

const report: AgentResult = {
  ...readReport({}),
  root_cause: 'Claim data is not bound: no class. It explains this: Pod web-1 waits.',
  confidence: 0.7,
  cause: {
    sentence: 'Claim data is not bound: no class.',
    category: 'claim-pending',
    object: 'persistentvolumeclaim/shop/data',
    certainty: 'is probably',
    since: null,
    change: null,
  },
  causal_chain: [
    link('pod/shop/web-1', 'alert', 'found no node'),
    link('persistentvolumeclaim/shop/data', 'mounts', 'was not bound'),
  ],
  findings: [
    {
      category: 'claim-pending',
      description: 'Claim data is not bound.',
      happened: 'was not bound',
      severity: 'high',
      object: 'persistentvolumeclaim/shop/data',
      from: null,
      until: null,
      evidence_ids: ['e2', 'e1'],
      evidence: { log_line: 'no volume: \u001b[31mgive up', reason: 'FailedBinding' },
    },
  ],
  evidence: [
    {
      id: 'e1',
      kind: 'object',
      object: 'persistentvolumeclaim/shop/data',
      command: 'kubectl get persistentvolumeclaim data -n shop -o yaml',
      time: '2026-01-01T00:00:00.000Z',
      excerpt: 'asks for: 5Gi\nclaim data: not bound\nlabels: none',
    },
    {
      id: 'e2',
      kind: 'object',
      object: 'pod/shop/web-1',
      command: 'kubectl get pod web-1 -n shop -o yaml',
      time: '2026-01-01T00:00:00.000Z',
      excerpt: 'nothing that was said',
    },
  ],
  recommendations: [
    {
      priority: 1,
      action: 'kubectl -n shop scale deployment/web --replicas=2',
      rationale: 'It has none.',
      risk_level: 'medium',
      requires_approval: true,
      changes: 'gives deployment/web pods',
      undo: 'kubectl -n shop scale deployment/web --replicas=0',
    },
  ],
};

test.for([
  [0.95, 'is'],
  [0.8, 'is probably'],
  [0.6, 'is probably'],
  [0.59, 'may be'],
] as const)('a confidence of %d: the cause %s', ([confidence, words]) => {
  expect(certaintyOf(confidence)).toBe(words);
});

test('the cause is told without what it explains, which the chain tells', () => {
  expect(causeText(report)).toBe('The cause is probably (70%): Claim data is not bound: no class.');
  expect(chainLines(report)).toEqual([
    'pod/shop/web-1 found no node',
    '-> mounts persistentvolumeclaim/shop/data, which was not bound',
  ]);
  expect(chainLines({ causal_chain: report.causal_chain.slice(1) })).toEqual([]);
});

test('without a cause it says why, and what was found well', () => {
  const none = {
    ...report,
    root_cause: null,
    cause: null,
    summary: 'Inconclusive: no finding about pod/shop/web-1.',
    checked: ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `pod/shop/${name}`),
  };
  expect(causeText(none)).toBe(
    'No cause was found: no finding about pod/shop/web-1. Checked and found well: pod/shop/a, pod/shop/b, pod/shop/c, pod/shop/d, pod/shop/e and 1 more.',
  );
});

test('the first step says what it changes', () => {
  expect(firstStep(report)).toEqual({
    action: 'kubectl -n shop scale deployment/web --replicas=2',
    effect: 'gives deployment/web pods; risk medium',
  });
  expect(firstStep(readReport({}))).toBeNull();
});

test('lines of logs are escaped; evidence that says nothing of the finding is left out', () => {
  expect(logLines(report)).toEqual([
    { object: 'persistentvolumeclaim/shop/data', text: 'no volume: \\u{1b}[31mgive up' },
  ]);
  expect(decidingLines(report).map(({ id, line }) => [id, line])).toEqual([['e1', 'claim data: not bound']]);
});

test('a report of an earlier version tells its cause and its chain too', () => {
  const earlier = readReport({
    root_cause: 'Container web was OOMKilled.',
    confidence: 0.95,
    causal_chain: [
      { object: 'deployment/shop/web', relation: 'alert', finding: '', evidence_ids: ['e1'] },
      { object: 'pod/shop/web-1', relation: 'owned', finding: 'Container web was OOMKilled.', evidence_ids: ['e1'] },
    ],
  });
  expect(causeText(earlier)).toBe('The cause is (95%): Container web was OOMKilled.');
  expect(chainLines(earlier)).toEqual(['deployment/shop/web', '-> owns pod/shop/web-1: Container web was OOMKilled.']);
});

test.each([
  [[], 0, ''],
  [['a'], 0, 'It fired together with a.'],
  [['a', 'b', 'c'], 0, 'It fired together with a, b and 1 more.'],
  [['a', 'b', 'c'], 7, 'It fired together with a, b and 8 more. 7 of them were not looked at.'],
  [[], 1, 'It fired together with 1 other alert. 1 of them was not looked at.'],
])('alerts that fired together: %j and %i more', (names, more, words) => {
  expect(togetherText(names, more, 2)).toBe(words);
});
