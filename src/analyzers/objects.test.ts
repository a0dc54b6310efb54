import { describe, expect, test } from 'vitest';
import { analyze } from '../../test/support/analyze.ts';
import { eventObject, podObject } from '../../test/support/memory-cluster.ts';
import { deployment } from './workloads/deployment.ts';
import { warningEvent } from './event.ts';
import { podCrash } from './pods/pod-crash.ts';
import { podHeld } from './pods/pod-held.ts';
import { podImage } from './pods/pod-image.ts';
import { readinessGate } from './pods/readiness-gate.ts';
import { podSchedule } from './pods/pod-schedule.ts';
import { diffTemplates } from './workloads/template-diff.ts';
import { workload } from './workloads/workload.ts';

const web = (status: object, conditions: readonly object[] = []) => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: 'd1', annotations: { 'deployment.kubernetes.io/revision': '2' } },
  spec: { replicas: 4 },
  status: { ...status, conditions },
});

const replicaSet = (revision: number, created: string, container: object, extra: object = {}) => ({
  kind: 'ReplicaSet',
  metadata: {
    name: `web-${revision}`,
    namespace: 'shop',
    creationTimestamp: created,
    labels: { 'pod-template-hash': `h${revision}` },
    annotations: {
      'deployment.kubernetes.io/revision': String(revision),
      'kubernetes.io/change-cause': `release ${revision}`,
    },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd1', controller: true }],
  },
  spec: { replicas: 1, template: { spec: { containers: [{ name: 'web', ...container }], ...extra } } },
});

describe('deployment', () => {
  const complete = { updatedReplicas: 4, availableReplicas: 4, readyReplicas: 4 };

  test('a complete one with one revision has no findings', async () => {
    expect(
      await analyze(deployment, 'deployment', web(complete), {
        replicasets: [replicaSet(1, '2026-01-01T11:00:00Z', {})],
      }),
    ).toEqual([]);
  });

  test('a rollout past its deadline', async () => {
    const conditions = [
      {
        type: 'Progressing',
        status: 'False',
        reason: 'ProgressDeadlineExceeded',
        lastTransitionTime: '2026-01-01T11:50:00Z',
      },
    ];
    const [finding] = await analyze(
      deployment,
      'deployment',
      web({ updatedReplicas: 2, availableReplicas: 3 }, conditions),
    );
    expect(finding).toMatchObject({
      category: 'rollout-stuck',
      severity: 'high',
      object: 'deployment/shop/web',
      cause: null,
    });
    expect(finding?.description).toBe(
      'The rollout of deployment web is stuck (ProgressDeadlineExceeded since 2026-01-01 11:50:00 UTC); 2 of 4 replicas are updated, 3 available.',
    );
  });

  test('missing replicas alone', async () => {
    const [finding] = await analyze(deployment, 'deployment', web({ updatedReplicas: 4, availableReplicas: 3 }));
    expect(finding).toMatchObject({ category: 'replicas-unavailable', severity: 'medium' });
  });

  test('what the newest revision changed, when, and where that is to be seen', async () => {
    const replicasets = [
      replicaSet(1, '2026-01-01T08:00:00Z', { image: 'web:1', resources: { limits: { memory: '512Mi' } } }),
      replicaSet(2, '2026-01-01T11:35:00Z', { image: 'web:2', resources: { limits: { memory: '256Mi' } } }),
    ];
    const [finding] = await analyze(deployment, 'deployment', web(complete), { replicasets });
    expect(finding).toMatchObject({
      category: 'recent-change',
      severity: 'medium',
      facts: { changed_at: '2026-01-01T11:35:00.000Z', revision: '2', previous_revision: '1', pod_template_hash: 'h2' },
    });
    expect(finding?.description).toBe(
      'Deployment web was changed at 2026-01-01 11:35:00 UTC (25m earlier, revision 2): image of container web from web:1 to web:2; memory limit of container web from 512Mi to 256Mi. Its change-cause says: "release 2".',
    );
    expect(finding?.evidence.map((evidence) => 'name' in evidence.read && evidence.read.name)).toEqual([
      'web-2',
      'web-1',
      'web',
    ]);
  });

  test('a change of last week is not recent; a rollback is dated by its progress', async () => {
    const old = [
      replicaSet(1, '2025-12-20T08:00:00Z', { image: 'a' }),
      replicaSet(2, '2025-12-24T08:00:00Z', { image: 'b' }),
    ];
    expect(await analyze(deployment, 'deployment', web(complete), { replicasets: old })).toEqual([]);
    const back = [
      replicaSet(3, '2025-12-20T08:00:00Z', { image: 'a' }),
      replicaSet(2, '2025-12-24T08:00:00Z', { image: 'b' }),
    ];
    const progressing = [{ type: 'Progressing', status: 'True', lastUpdateTime: '2026-01-01T11:58:00Z' }];
    const [finding] = await analyze(deployment, 'deployment', web(complete, progressing), { replicasets: back });
    expect(finding?.description).toContain(
      'was changed at 2026-01-01 11:58:00 UTC (2m earlier, revision 3): image of container web from b to a',
    );
  });
});

describe('diffTemplates', () => {
  const template = (container: object, pod: object = {}) => ({
    spec: { containers: [{ name: 'app', ...container }], ...pod },
  });
  const texts = (before: object, after: object) => diffTemplates(before, after).map((change) => change.text);

  test('environment by name only, and never a value', () => {
    const before = template({
      env: [
        { name: 'URL', value: 'canary1' },
        { name: 'OLD', value: 'x' },
      ],
    });
    const after = template({
      env: [
        { name: 'URL', value: 'canary2' },
        { name: 'NEW', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      ],
    });
    expect(texts(before, after)).toEqual(['environment of container app: added NEW; removed OLD; changed URL']);
  });

  test('what else of a pod can keep it from a node, from its image or from being ready', () => {
    const before = template({ imagePullPolicy: 'IfNotPresent' }, { resources: { limits: { memory: '1Gi' } } });
    const after = template(
      { imagePullPolicy: 'Always', workingDir: '/srv' },
      {
        resources: { limits: { memory: '512Mi' } },
        topologySpreadConstraints: [{ topologyKey: 'zone' }],
        runtimeClassName: 'gvisor',
        schedulerName: 'second',
        readinessGates: [{ conditionType: 'x' }],
        automountServiceAccountToken: false,
      },
    );
    const changes = diffTemplates(before, after);
    expect(changes.map(({ field }) => field)).toEqual([
      'image pull policy',
      'working directory',
      'memory limit',
      'service account token',
      'topology spread constraints',
      'scheduler',
      'runtime class',
      'readiness gates',
    ]);
    expect(changes.map(({ text }) => text)).toContain('memory limit of the pod from 1Gi to 512Mi');
    const explains = (categories: Readonly<Record<string, { readonly changes: RegExp | null }>>, field: string) =>
      Object.entries(categories).flatMap(([name, { changes: fit }]) => (fit?.test(field) === true ? [name] : []));
    expect(explains(podSchedule.categories, 'topology spread constraints')).toEqual(['pending-affinity']);
    expect(explains(podSchedule.categories, 'scheduler')).toEqual(['pending-silent']);
    expect(explains(readinessGate.categories, 'readiness gates')).toEqual(['readiness-gate']);
    expect(explains(podHeld.categories, 'restart policy')).toEqual(['held-by-sidecar']);
    expect(explains(podHeld.categories, 'image pull secrets')).toEqual([]);
    expect(explains(podImage.categories, 'image pull policy')).toContain('image-not-on-node');
    expect(explains(podCrash.categories, 'service account token')).toContain('crash-loop');
  });

  test('probes, commands, volumes, containers', () => {
    const before = template({ readinessProbe: { httpGet: { path: '/a' } }, args: ['--fast'] });
    const after = {
      spec: {
        containers: [
          { name: 'app', readinessProbe: { httpGet: { path: '/b' } }, args: ['--slow', '--token', 'canary'] },
          { name: 'side' },
        ],
        volumes: [{ name: 'v' }],
        nodeSelector: {},
      },
    };
    expect(texts(before, after)).toEqual([
      'args of container app from [--fast] to [--slow --token [REDACTED]]',
      'readiness probe of container app changed',
      'container side added',
      'volumes of the pod changed',
    ]);
    expect(texts(after, before)).toContain('container side removed');
    expect(texts(before, before)).toEqual([]);
  });
});

describe('workload', () => {
  test('a daemon set that lacks pods', async () => {
    const daemonSet = {
      kind: 'DaemonSet',
      metadata: { name: 'agent', namespace: 'shop' },
      status: { desiredNumberScheduled: 3, numberReady: 2 },
    };
    expect(await analyze(workload, 'daemonset', daemonSet)).toMatchObject([
      {
        category: 'replicas-unavailable',
        severity: 'medium',
        description: '2 of 3 pods of daemonset agent are ready.',
      },
    ]);
    expect(
      await analyze(workload, 'daemonset', { ...daemonSet, status: { desiredNumberScheduled: 2, numberReady: 2 } }),
    ).toEqual([]);
  });
});

describe('warning-event', () => {
  test('one finding for each reason, of the last hour and of this object only', async () => {
    const pod = { kind: 'Pod', name: 'web-1' };
    const events = [
      eventObject(pod, 'DNSConfigForming', 'Nameserver limits were exceeded', { count: 2 }),
      eventObject(pod, 'DNSConfigForming', 'Nameserver limits were exceeded again', { count: 5 }),
      eventObject(pod, 'Old', 'x', { lastTimestamp: '2026-01-01T09:00:00Z' }),
      eventObject(pod, 'Fine', 'x', { type: 'Normal' }),
      eventObject({ kind: 'Pod', name: 'web-2' }, 'Other', 'x'),
    ];
    const findings = await analyze(warningEvent, 'pod', podObject('web-1'), { events });
    expect(findings).toMatchObject([
      { category: 'warning-event', severity: 'low', facts: { reason: 'DNSConfigForming', count: '7' } },
    ]);
  });
});
