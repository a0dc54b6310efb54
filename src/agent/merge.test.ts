import { describe, expect, test } from 'vitest';
import type { AgentResult, Finding, ModelUse } from '../core/finding.ts';
import { readReport } from '../report/read.ts';
import { renderText } from '../report/text.ts';
import type { CheckedCause, CheckedReport } from './check.ts';
import { mergeResults } from './merge.ts';

const use: ModelUse = {
  ended: 'concluded',
  note: 'it gave an answer; 3 requests.',
  requests: 3,
  tool_calls: 2,
  wasted_calls: 0,
  tokens: 1000,
  cost_dollars: 0.01,
  dropped: 0,
};

const finding: Finding = {
  category: 'oom-killed',
  description: 'Container app was killed.',
  happened: 'was killed',
  severity: 'critical',
  object: 'pod/shop/web-1',
  from: null,
  until: null,
  evidence_ids: ['e1'],
  evidence: { owner: 'ReplicaSet/web-abc' },
};

const silent: AgentResult = { ...readReport({}), summary: 'Inconclusive: nothing.', confidence: 0.1 };
const sure: AgentResult = {
  ...silent,
  findings: [finding],
  cause: {
    sentence: 'Container app needs more memory.',
    category: 'oom-killed',
    object: 'pod/shop/web-1',
    certainty: 'is',
    since: null,
    change: null,
  },
  root_cause: 'Container app needs more memory.',
  confidence: 0.9,
};

const claim: CheckedCause = {
  statement: 'The disk of the database is full.',
  object: 'pod/shop/db-0',
  since: null,
  confidence: 0.55,
  evidenceIds: ['e2'],
  isDecisive: true,
  doubts: [],
};

function merged(analysis: AgentResult, cause: CheckedCause | null, more: Partial<CheckedReport> = {}): AgentResult {
  const checked = { summary: 's', cause, findings: [], hypotheses: [], next: [], dropped: 0, ...more };
  return mergeResults(analysis, { model: 'test/one', use, checked, evidence: [] });
}

describe('where the analyzers give a cause', () => {
  test('the same one from the model changes nothing', () => {
    expect(merged(sure, { ...claim, object: 'pod/shop/web-1' })).toMatchObject({
      root_cause: sure.root_cause,
      confidence: 0.9,
      rival_causes: [],
    });
  });

  test('the owner of its object is the same', () => {
    expect(merged(sure, { ...claim, object: 'replicaset/shop/web-abc' }).rival_causes).toEqual([]);
  });

  test('another one stands beside it, and both are less sure', () => {
    const result = merged(sure, claim);
    expect(result).toMatchObject({
      root_cause: sure.root_cause,
      confidence: 0.6,
      cause: { certainty: 'is probably' },
      rival_causes: [
        { by: 'analyzers', object: 'pod/shop/web-1' },
        { by: 'model', object: 'pod/shop/db-0', sentence: claim.statement },
      ],
    });
    expect(result.report).toContain('The disk of the database is full');
  });

  test('another one that something speaks against makes it no less sure', () => {
    const doubtful = { ...claim, isDecisive: false, doubts: ['no link leads there'], confidence: 0.2 };
    expect(merged(sure, doubtful)).toMatchObject({
      confidence: 0.9,
      rival_causes: [{}, { doubts: ['no link leads there'] }],
    });
  });

  test('none from the model changes nothing', () => {
    expect(merged(sure, null)).toMatchObject({ root_cause: sure.root_cause, confidence: 0.9, rival_causes: [] });
  });
});

describe('where the analyzers give none', () => {
  test('a cause that its evidence shows is stated as what may be', () => {
    expect(merged(silent, claim)).toMatchObject({
      root_cause: claim.statement,
      confidence: 0.55,
      cause: { certainty: 'may be', category: 'model', object: 'pod/shop/db-0' },
      findings: [{ category: 'model', object: 'pod/shop/db-0', evidence_ids: ['e2'] }],
    });
  });

  test('a cause that nothing shows is only possible', () => {
    const result = merged(silent, { ...claim, isDecisive: false, confidence: 0.4 });
    expect(result).toMatchObject({ root_cause: null, cause: null, confidence: 0.1, rival_causes: [{ by: 'model' }] });
    expect(result.report).toContain('The disk of the database is full');
  });
});

test('what a model proposes is told once, after the advice of the analyzers, as what nobody has checked', () => {
  const result = merged(sure, null, { next: ['kubectl delete ns shop', 'kubectl delete ns shop', '', 'look'] });
  expect(result.recommendations.slice(sure.recommendations.length)).toMatchObject([
    { action: 'The model proposes: kubectl delete ns shop', requires_approval: true },
    { action: 'The model proposes: look', priority: sure.recommendations.length + 2 },
  ]);
  const text = renderText(result, { now: '2026-01-01T00:00:00.000Z', width: 200 });
  expect(text.match(/Nobody has checked what it does; risk high\./g)).toHaveLength(2);
});

test('without an answer the report is that of the analyzers, and says what the model did', () => {
  const result = mergeResults(sure, {
    model: 'test/one',
    use: { ...use, ended: 'BadAnswer' },
    checked: null,
    evidence: [],
  });
  expect(result).toMatchObject({ root_cause: sure.root_cause, model: 'test/one', model_use: { ended: 'BadAnswer' } });
});

test('the text says which model gave an answer and what it cost, and what speaks against its cause', () => {
  const result = merged(silent, { ...claim, isDecisive: false, confidence: 0.2, doubts: ['no link leads there'] });
  const text = renderText(result, { now: '2026-01-01T00:00:00.000Z', width: 200 });
  expect(text).toContain('Model: test/one (it gave an answer; 3 requests).');
  expect(text).toContain(
    'Possible, not shown (the model, 20%): The disk of the database is full (e2). Against it: no link leads there.',
  );
});

test('Markdown of a model comes out as text (R27)', () => {
  const evil = '![x](https://evil.example/?q=1) <img src=x> [click](javascript:alert(1))';
  const { report } = merged(silent, { ...claim, statement: evil, isDecisive: false });
  expect(report).not.toMatch(/(?<!\\)(?:!\[|<img|\]\()/);
});
