import { expect, test } from 'vitest';
import { callTools } from '../../test/support/toolbox.ts';
import { memoryCluster } from '../../test/support/memory-cluster.ts';
import type { AgentResult } from '../core/finding.ts';
import type { Evidence } from '../core/run.ts';
import { readReport } from '../report/read.ts';
import { closingText, openingText, systemText } from './prompt.ts';
import type { Opening } from './prompt.ts';
import { toolDefinitions } from './tools/index.ts';
import { estimateTokens } from './window.ts';

const long = (words: string): string => `${words} `.repeat(200);
const object = `pod/a-long-namespace-of-a-team/${'checkout-'.repeat(4)}5577bf7884-59zsl`;

const evidence = Array.from({ length: 20 }, (_, index): Evidence => ({
  id: `e${index + 1}`,
  kind: 'logs',
  object,
  command: 'kubectl logs',
  time: '2026-01-01T00:00:00.000Z',
  excerpt: long('2026-01-01 ERROR connection refused'),
}));

const finding: AgentResult['findings'][number] = {
  category: 'crash-loop',
  description: long('It crashed again and again.'),
  happened: '',
  severity: 'high',
  object,
  from: null,
  until: null,
  evidence_ids: evidence.map(({ id }) => id),
  evidence: {},
};

/** Everything is long. */
const analysis: AgentResult = {
  ...readReport({}),
  alert: { alertname: 'Down', labels: { note: long('label') }, annotations: { description: long('annotation') } },
  object,
  happened: long('It crashed.'),
  root_cause: long('The cause.'),
  confidence: 0.7,
  findings: Array.from({ length: 20 }, () => finding),
  also_broken: Array.from({ length: 20 }, () => finding),
  causal_chain: Array.from({ length: 10 }, () => ({
    object,
    relation: 'owner',
    finding: '',
    happened: '',
    evidence_ids: [],
  })),
  gaps: Array.from({ length: 20 }, () => ({
    what: `the previous log of ${object}`,
    kind: 'forbidden' as const,
    reason: 'the server says no',
    remedy: '',
    resource: null,
    namespace: null,
  })),
  evidence,
};

const opening = (profile: Opening['profile']): Opening => ({
  profile,
  delimiter: 'AbCdEfGhIjKl',
  goal: 'Find the cause of the alert.',
  values: [],
  analysis,
  missing: [],
  hints: [],
});

test.each([
  ['compact', 0, 2000],
  ['full', 2000, 16_000],
] as const)(
  'the %s beginning of a conversation has, with its tools, from %i to %i tokens',
  async (profile, least, most) => {
    const { toolbox } = await callTools(toolDefinitions, memoryCluster({}), { profile });
    const messages = [
      { role: 'system', text: systemText(profile, 'AbCdEfGhIjKl') },
      { role: 'user', text: openingText(opening(profile)) },
    ] as const;
    const tokens = estimateTokens(messages, toolbox.declarations);
    expect(tokens).toBeGreaterThan(least);
    expect(tokens).toBeLessThan(most);
  },
);

test('what the cause cites is shown first, and what is cut says so', () => {
  const text = openingText({
    ...opening('compact'),
    analysis: { ...analysis, findings: [{ ...finding, evidence_ids: ['e19'] }], causal_chain: [] },
  });
  expect(text.indexOf('from e19,')).toBeGreaterThan(0);
  expect(text.indexOf('from e19,')).toBeLessThan(text.indexOf('from e1,'));
  expect(text).toContain('[cut]');
});

test('a model with a small window is asked for a short answer', () => {
  expect(closingText('compact', null)).toContain('Be short');
  expect(closingText('full', 'The budget is spent.')).toMatch(/^The budget is spent\.\n/);
});
