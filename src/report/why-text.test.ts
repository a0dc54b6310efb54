import { expect, test } from 'vitest';
import { runFixture } from '../../test/support/deliveries.ts';
import { alertFixture } from '../../test/support/rows.ts';
import { causeOf } from '../core/alert.ts';
import type { AlertRecord } from '../core/alert.ts';
import type { RunRecord } from '../core/run.ts';
import { textWidth } from '../lib/text-width.ts';
import { whyLines } from './why-text.ts';
import { whyOf } from './why.ts';
import type { AlertDetail } from './why.ts';

const runId = '019b71b5-0000-7000-8000-aaaaaaaaaaaa';
const since = '2026-03-01T12:00:00.000Z';
const nowMs = Date.parse('2026-03-01T12:12:00.000Z');

const link = (object: string, relation: string, happened: string) => ({
  object,
  relation,
  happened,
  finding: '',
  evidence_ids: ['e1'],
});

const report = {
  summary: 'long',
  root_cause: 'Claim data is not bound. It explains this: pod web-1 waits.',
  cause: { sentence: 'Claim data is not bound: its class does not exist.', change: null },
  confidence: 0.7,
  causal_chain: [
    link('pod/shop/web-1', 'alert', 'found no node'),
    link('persistentvolumeclaim/shop/data', 'mounts', 'was not bound'),
  ],
  findings: [
    {
      category: 'claim-pending',
      description: 'Claim data is not bound.',
      severity: 'high',
      object: 'persistentvolumeclaim/shop/data',
      from: null,
      until: null,
      evidence_ids: ['e1'],
      evidence: {},
    },
  ],
  evidence: [
    {
      id: 'e1',
      kind: 'object',
      object: 'x',
      command: 'kubectl get pvc data',
      time: since,
      excerpt: 'claim data: not bound',
    },
  ],
  recommendations: [
    {
      priority: 1,
      action: 'kubectl get storageclass',
      rationale: '',
      risk_level: 'low',
      requires_approval: false,
      undo: null,
    },
  ],
} as const;

function detail(alert: Partial<AlertRecord>, runs: readonly Partial<RunRecord>[]): AlertDetail {
  const record = alertFixture({ id: '019b71b4-4c64-7000-8000-0123456789ab', name: 'Crash', ...alert });
  return {
    ...record,
    ...causeOf(record),
    object: 'pod/shop/web-1',
    since,
    transitions: [],
    deliveries: [],
    runs: runs.map((run) => runFixture({ id: runId, status: 'succeeded', completedAt: since, ...run })),
  };
}

const started = { triageStartedAt: since, workflowId: runId } as const;
const ended = { ...started, triageCompletedAt: since, status: 'escalated' } as const;

test('a cause is worded by how sure it is, with the way, the evidence and the first step', () => {
  const alert = detail({ ...ended, cause: 'Claim data is not bound', aiAnalysis: report as never }, [{}]);
  const why = whyOf(alert);
  expect(why).toMatchObject({
    state: 'known',
    answer: 'The cause is probably (70%): Claim data is not bound: its class does not exist.',
    chain: ['pod/shop/web-1 found no node', '-> mounts persistentvolumeclaim/shop/data, which was not bound'],
    evidence: [{ id: 'e1', line: 'claim data: not bound' }],
    firstStep: { action: 'kubectl get storageclass', effect: 'reads only' },
    next: 'fist describe alert/71b40123',
  });
  expect(whyLines(why, alert, { nowMs })).toEqual([
    'FIRING warning Crash pod/shop/web-1 for 12m',
    'since 2026-03-01 12:00:00 UTC, episode 1, received once',
    '',
    'The cause is probably (70%): Claim data is not bound: its class does not exist.',
    '',
    '  pod/shop/web-1 found no node',
    '  -> mounts persistentvolumeclaim/shop/data, which was not bound',
    '',
    'Evidence',
    '  e1  claim data: not bound',
    '',
    'First step',
    '  kubectl get storageclass',
    '  (reads only)',
    '',
    'Run  run/71b5aaaa succeeded, 12m ago',
  ]);
});

test('text of a cause begins no line as a part of the answer does (R27)', () => {
  const forged = ['First step', 'Evidence', 'Run  run/9 succeeded']
    .map((part) => `${'x'.repeat(79)} ${part}`)
    .join(' ');
  for (const part of ['First step', 'Evidence', 'Run  run/9 succeeded']) {
    const root_cause = `It. ${forged.slice(forged.indexOf(part) - 80)} ${'y'.repeat(79)}`;
    const alert = detail({ ...ended, cause: root_cause, aiAnalysis: { ...report, root_cause, cause: null } as never }, [
      {},
    ]);
    const lines = whyLines(whyOf(alert), alert, { nowMs });
    expect(lines.join('\n')).toContain(part.replace('  ', ' '));
    expect(lines.filter((line) => /^(?:First step|Evidence|Run +run\/9)/.test(line))).toEqual([
      'Evidence',
      'First step',
    ]);
  }
});

test('however long the report is, it is one screen', () => {
  const long = 'word '.repeat(200);
  const most = {
    ...report,
    cause: { sentence: long, change: long },
    causal_chain: Array.from({ length: 20 }, () => link('pod/shop/web-1', 'owner', long)),
    evidence: Array.from({ length: 9 }, (_, n) => ({
      ...report.evidence[0],
      id: `e${n}`,
      excerpt: `claim data ${long}`,
    })),
    findings: [{ ...report.findings[0], evidence_ids: Array.from({ length: 9 }, (_, n) => `e${n}`) }],
    recommendations: [{ ...report.recommendations[0], action: long }],
  };
  const alert = detail({ ...ended, cause: 'x', aiAnalysis: most, name: 'N'.repeat(300) }, [{}]);
  const lines = whyLines(whyOf(alert), alert, { nowMs });
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(84);
  expect(lines.slice(0, 2).join(' ')).toMatch(/^FIRING warning N+… .*pod\/shop\/web-1 for 12m$/);
});

test('a head and a line of evidence go on in the next line', () => {
  const words =
    'claim data: not bound since its class fast-ssd-in-zone-b does not exist, nobody made it and nothing is its default';
  const evidence = [{ ...report.evidence[0], excerpt: words }];
  const alert = detail({ ...ended, cause: 'x', aiAnalysis: { ...report, evidence } as never, name: 'N'.repeat(55) }, [
    {},
  ]);
  const lines = whyLines(whyOf(alert), alert, { nowMs });
  expect(lines.slice(0, 2)).toEqual([`FIRING warning ${'N'.repeat(55)}`, '  pod/shop/web-1 for 12m']);
  const at = lines.indexOf('Evidence');
  expect(lines.slice(at + 1, at + 4)).toEqual([
    '  e1  claim data: not bound since its class fast-ssd-in-zone-b does not exist,',
    '      nobody made it and nothing is its default',
    '',
  ]);
});

test.each<[string, Partial<AlertRecord>, readonly Partial<RunRecord>[], string, string]>([
  [
    'a run at work',
    { ...started, status: 'triaging' },
    [{ status: 'running', stepsCompleted: 1, totalSteps: 3, currentStep: 'investigate', completedAt: null }],
    'run/71b5aaaa is at work: step 2 of 3 (investigate).',
    'fist why alert/71b40123',
  ],
  [
    'a run that waits',
    { workflowId: runId },
    [{ status: 'pending', waitingFor: 'slot', completedAt: null }],
    'run/71b5aaaa waits for its turn: others are at work.',
    'fist why alert/71b40123',
  ],
  [
    'a storm',
    { mutedReason: 'StormGuard', mutedUntil: '2026-03-01T12:13:00.000Z' },
    [],
    'No run was started: its Source has begun as many runs as stormCapPerMinute allows, and it gets one when there is room. It is decided anew at 2026-03-01 12:13:00 UTC.',
    'fist describe source/default/am',
  ],
  ['no workflow', {}, [], 'No run was started: its Source triggers no Workflow.', 'fist investigate pod/web-1 -n shop'],
  [
    'a workflow that is not ready',
    { workflowId: runId },
    [{ status: 'failed', errorCode: 'WorkflowNotReady', error: 'Workflow shop/triage is not ready' }],
    'run/71b5aaaa failed: WorkflowNotReady: Workflow shop/triage is not ready.',
    'fist retry run/71b5aaaa',
  ],
  [
    'a run that was cancelled',
    ended,
    [{ status: 'cancelled', cancelReason: 'wrong cluster' }],
    'run/71b5aaaa was cancelled: wrong cluster.',
    'fist retry run/71b5aaaa',
  ],
  [
    'commands alone',
    ended,
    [{}],
    'run/71b5aaaa ended without a report: its Workflow has no agent step.',
    'fist describe run/71b5aaaa',
  ],
  [
    'no cause',
    {
      ...ended,
      cause: '',
      aiAnalysis: { ...report, root_cause: null, cause: null, summary: 'Inconclusive: all is well.' } as never,
    },
    [{}],
    'No cause was found: all is well.',
    'fist describe alert/71b40123',
  ],
  [
    'a cause of an earlier episode',
    { episode: 2, cause: 'Claim data is not bound', aiAnalysis: report as never, mutedReason: 'Cooldown' },
    [{}],
    'No run was started: the last run was too short a time ago (cooldown). In an earlier episode: The cause is probably (70%): Claim data is not bound: its class does not exist.',
    'fist describe source/default/am',
  ],
])('%s', (_name, alert, runs, answer, next) => {
  expect(whyOf(detail(alert, runs))).toMatchObject({ answer, next });
});

const waits = {
  mutedReason: 'Grouped',
  mutedUntil: '2026-03-01T12:05:00.000Z',
  workflowId: runId,
  episode: 2,
} as const;

test.each([
  [
    'that waits for more of it',
    { status: 'pending', waitingFor: 'timer', wakeAt: '2026-03-01T12:00:10.000Z', completedAt: null },
    'run/71b5aaaa waits until 2026-03-01 12:00:10 UTC for other alerts of its group.',
  ],
  [
    'that is at work',
    { status: 'running', stepsCompleted: 0, totalSteps: 2, currentStep: 'look', completedAt: null },
    'run/71b5aaaa is at work: step 1 of 2 (look).',
  ],
  [
    'that failed',
    { status: 'failed', errorCode: 'StepFailed', error: 'no' },
    'run/71b5aaaa failed: StepFailed: no. It is decided anew at 2026-03-01 12:05:00 UTC.',
  ],
] as const)('an alert of a group has the run of another one, %s', (_state, run, words) => {
  const why = whyOf(detail(waits, [{ alertId: 'other', episode: 2, ...run }]));
  expect(why.answer).toBe(`The run of its group answers for it (groupBy): ${words}`);
  expect(why.run?.id).toBe(runId);
});

test('an alert that came too late for the run of its group says so, and which one that is', () => {
  const late = whyOf(detail(waits, []));
  expect(late.answer).toBe(
    'No run was started yet: run/71b5aaaa answers for its group (groupBy), and began before this alert came. The next one comes if it still fires. It is decided anew at 2026-03-01 12:05:00 UTC.',
  );
  expect(late.next).toBe('fist describe run/71b5aaaa');
  // It knew the alert in an episode before.
  expect(whyOf(detail(waits, [{ alertId: 'other', episode: 1 }])).answer).toBe(late.answer);
});
