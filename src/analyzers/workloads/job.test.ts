import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { job } from './job.ts';
import { podHeld } from '../pods/pod-held.ts';

const owner = { kind: 'Job', name: 'load', uid: 'j1', controller: true };
const load = (spec: object, status: object, meta: object = {}) => ({
  kind: 'Job',
  metadata: { name: 'load', namespace: 'shop', uid: 'j1', ...meta },
  spec,
  status,
});
const failedBy = (reason: string, message = 'Job has reached the specified backoff limit') => ({
  failed: 7,
  conditions: [{ type: 'Failed', status: 'True', reason, message, lastTransitionTime: '2026-01-01T11:00:00Z' }],
});
const podOf = (name: string, labels: object = {}) =>
  podObject(name, { meta: { labels, ownerReferences: [owner] }, status: { phase: 'Failed' } });

describe('job', () => {
  test('its failed pods are behind a failed job', async () => {
    const pods = [podOf('load-a'), podOf('load-b')];
    const [finding] = await analyze(job, 'job', load({}, failedBy('BackoffLimitExceeded')), { pods });
    expect(finding).toMatchObject({
      category: 'job-failed',
      cause: null,
      when: { from: '2026-01-01T11:00:00.000Z', until: null },
      facts: { failed_pods: '7' },
      pointers: [{ kind: 'pod', name: 'load-a' }, { name: 'load-b' }],
    });
  });

  test('without pods there is nothing more to read, and that is said', async () => {
    const [finding] = await analyze(job, 'job', load({}, failedBy('BackoffLimitExceeded')));
    expect(finding).toMatchObject({ cause: null, pointers: [] });
    expect(finding?.description).toContain('Its pods are deleted, and their logs with them');
  });

  test('of pods that are deleted their warnings tell what kept them from running', async () => {
    const created = (pod: string) =>
      eventObject({ kind: 'Job', name: 'load' }, 'SuccessfulCreate', `Created pod: ${pod}`, { type: 'Normal' });
    const about = { kind: 'Pod', name: 'load-x' };
    const pull = 'Failed to pull image "load:2": rpc error: code = NotFound desc = load:2: not found';
    const late = load({ activeDeadlineSeconds: 600 }, failedBy('DeadlineExceeded'));
    const events = [
      created('load-x'),
      eventObject(about, 'Failed', pull),
      eventObject(about, 'BackOff', 'Back-off pulling image "load:2"'),
    ];
    const [finding] = await analyze(job, 'job', late, { events });
    expect(finding).toMatchObject({ category: 'job-deadline', decisive: true });
    expect(finding?.cause).toBe(
      `The pods of job load could not run (DeadlineExceeded). The last warning about load-x, at 2026-01-01 11:59:00 UTC, says: ${pull} (Failed).`,
    );
    const failing = [created('load-x'), eventObject(about, 'BackOff', 'Back-off restarting failed container')];
    const [unknown] = await analyze(job, 'job', load({}, failedBy('BackoffLimitExceeded')), { events: failing });
    expect(unknown?.cause).toBeNull();
  });

  test('a policy and a deadline are causes of their own', async () => {
    const message = 'Container main for pod shop/load-a failed with exit code 42 matching FailJob rule at index 0';
    expect(await analyze(job, 'job', load({}, failedBy('PodFailurePolicy', message)))).toMatchObject([
      { category: 'job-policy', decisive: true, cause: `Job load failed by its podFailurePolicy: ${message}.` },
    ]);
    const late = load({ activeDeadlineSeconds: 600 }, failedBy('DeadlineExceeded'));
    expect(await analyze(job, 'job', late)).toMatchObject([
      {
        category: 'job-deadline',
        cause: 'Job load was ended, because it ran longer than its activeDeadlineSeconds of 600.',
      },
    ]);
  });

  test('the pods of the failed indexes come first', async () => {
    const index = (value: string) => ({ 'batch.kubernetes.io/job-completion-index': value });
    const pods = [podOf('load-0', index('0')), podOf('load-4', index('4'))];
    const indexed = load({}, { ...failedBy('FailedIndexes'), failedIndexes: '1,3-5' });
    const [finding] = await analyze(job, 'job', indexed, { pods });
    expect(finding?.pointers?.map(({ name }) => name)).toEqual(['load-4', 'load-0']);
    expect(finding?.description).toContain('(indexes 1,3-5)');
  });

  test('a later run of the same cron job that is complete ends the failure', async () => {
    const cron = [{ kind: 'CronJob', name: 'load', uid: 'c1', controller: true }];
    const later = {
      metadata: { name: 'load-2', namespace: 'shop', ownerReferences: cron },
      status: { completionTime: '2026-01-01T11:40:00Z', conditions: [{ type: 'Complete', status: 'True' }] },
    };
    const first = load({}, failedBy('BackoffLimitExceeded'), { ownerReferences: cron });
    const [finding] = await analyze(job, 'job', first, { jobs: [first, later] });
    expect(finding?.when.until).toBe('2026-01-01T11:40:00.000Z');
  });

  test('suspended, running, complete', async () => {
    const held = load({ suspend: true }, {}, { labels: { 'kueue.x-k8s.io/queue-name': 'team' } });
    const [suspended] = await analyze(job, 'job', held);
    expect(suspended).toMatchObject({ category: 'job-suspended', decisive: true });
    expect(suspended?.cause).toContain('It waits in queue team of Kueue.');
    const [running] = await analyze(job, 'job', load({}, { active: 1, ready: 0, startTime: '2026-01-01T10:00:00Z' }));
    expect(running).toMatchObject({ category: 'job-running', severity: 'low', cause: null });
    expect(running?.description).toContain('it started at 2026-01-01 10:00:00 UTC, 2h earlier (1 active pod, 0 ready)');
    expect(await analyze(job, 'job', load({}, { conditions: [{ type: 'Complete', status: 'True' }] }))).toEqual([]);
  });

  test('where only its events were read, they tell it', async () => {
    const events = [
      eventObject({ kind: 'Job', name: 'load' }, 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
    ];
    const unread = { metadata: { name: 'load', namespace: 'shop' } };
    expect(await analyze(job, 'job', unread, { events })).toMatchObject([
      { category: 'job-failed', when: { from: '2026-01-01T11:59:00.000Z' } },
    ]);
    expect(await analyze(job, 'job', unread)).toEqual([]);
  });
});

describe('pod-held', () => {
  const pod = (names: readonly [string, string], exitCode: number, finishedAt: string) =>
    podObject('load-a', {
      meta: { ownerReferences: [owner] },
      spec: { containers: names.map((name) => ({ name })) },
      status: {
        phase: 'Running',
        containerStatuses: [
          { name: names[0], state: { terminated: { exitCode, finishedAt } } },
          { name: names[1], state: { running: { startedAt: '2026-01-01T09:00:00Z' } } },
        ],
      },
    });

  test('a proxy that runs on after the work', async () => {
    const [finding] = await analyze(podHeld, 'pod', pod(['main', 'istio-proxy'], 0, '2026-01-01T11:58:00Z'));
    expect(finding).toMatchObject({ category: 'held-by-sidecar', decisive: true, facts: { held_by: 'istio-proxy' } });
    expect(finding?.cause).toBe(
      'Container main of pod load-a completed at 2026-01-01 11:58:00 UTC (2m earlier), and container istio-proxy beside it runs on: so the pod does not end, and job load never completes.',
    );
    const broken = await analyze(podHeld, 'pod', pod(['main', 'istio-proxy'], 1, '2026-01-01T11:58:00Z'));
    expect(broken[0]?.cause).toContain('ended with exit code 1');
  });

  test('another container only after some time, and not after a failure', async () => {
    const names = ['main', 'worker'] as const;
    expect(await analyze(podHeld, 'pod', pod(names, 0, '2026-01-01T11:58:00Z'))).toEqual([]);
    expect(await analyze(podHeld, 'pod', pod(names, 0, '2026-01-01T10:00:00Z'))).toHaveLength(1);
    expect(await analyze(podHeld, 'pod', pod(names, 1, '2026-01-01T10:00:00Z'))).toEqual([]);
  });
});
