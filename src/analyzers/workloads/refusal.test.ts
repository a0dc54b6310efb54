import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject } from '../../../test/support/memory-cluster.ts';
import { placeOf } from '../advice.ts';
import { refusal } from './refusal.ts';
import { refusalOf } from './refusal-words.ts';

const forbidden = 'Error creating: pods "web-1-x" is forbidden:';

describe('what a refusal comes to', () => {
  test.each([
    [
      `${forbidden} exceeded quota: team, requested: limits.cpu=500m,requests.memory=1Gi, used: limits.cpu=4,requests.memory=8Gi, limited: limits.cpu=4,requests.memory=8Gi`,
      'quota-exceeded',
      'quota team leaves no room (exceeded quota): limits.cpu: 500m more asked for, 4 of 4 used; requests.memory: 1Gi more asked for, 8Gi of 8Gi used',
      'team',
    ],
    [
      'create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: persistentvolumeclaims "data-web-0" is forbidden: exceeded quota: disk, requested: requests.storage=10Gi, used: requests.storage=95Gi, limited: requests.storage=100Gi',
      'quota-exceeded',
      'quota disk leaves no room (exceeded quota): requests.storage: 10Gi more asked for, 95Gi of 100Gi used',
      'disk',
    ],
    [
      `${forbidden} failed quota: team: must specify limits.cpu for: web; limits.memory for: web`,
      'quota-unset',
      'limits.cpu for: web',
      'team',
    ],
    [
      `${forbidden} maximum memory usage per Container is 512Mi, but limit is 1Gi`,
      'limit-range',
      'maximum memory usage per Container is 512Mi, but limit is 1Gi',
      '',
    ],
    [
      `${forbidden} [minimum cpu usage per Container is 100m, but request is 50m, maximum cpu usage per Pod is 2, but limit is 3]`,
      'limit-range',
      'minimum cpu usage per Container is 100m',
      '',
    ],
    [
      `${forbidden} minimum memory usage per Container is 100Mi.  No request is specified`,
      'limit-range',
      'No request is specified',
      '',
    ],
    [
      `${forbidden} cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000`,
      'limit-range',
      'ratio per Container is 2',
      '',
    ],
    [
      `${forbidden} error looking up service account shop/web: serviceaccount "web" not found`,
      'service-account-missing',
      'service account web does not exist',
      'web',
    ],
    [
      `${forbidden} violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)`,
      'pod-security-refused',
      'allowPrivilegeEscalation != false',
      'restricted:latest',
    ],
    [
      `${forbidden} unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .containers[0].runAsUser: Invalid value: 999: must be in the ranges: [1000680000, 1000689999], provider "nonroot": Forbidden: not usable by user or serviceaccount]`,
      'pod-security-refused',
      'allows it: provider restricted-v2: .containers[0].runAsUser: Invalid value: 999',
      'security context constraint',
    ],
    [
      `${forbidden} unable to validate against any pod security policy: [spec.containers[0].securityContext.privileged: Invalid value: true: Privileged containers are not allowed]`,
      'pod-security-refused',
      'Privileged containers are not allowed',
      'pod security policy',
    ],
    [
      'Error creating: admission webhook "validation.gatekeeper.sh" denied the request: [require-owner] you must provide labels: {"owner"}',
      'admission-denied',
      'policy require-owner (admission webhook "validation.gatekeeper.sh") refuses it: you must provide labels: {"owner"}',
      'require-owner',
    ],
    [
      'Error creating: admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Pod/shop/web-1-x was blocked due to the following policies \n\nrequire-labels:\n  check-app: \'validation error: label app is required. rule check-app failed at path /metadata/labels/app/\'\n',
      'admission-denied',
      'label app is required',
      'require-labels',
    ],
    [
      "Error creating: pods \"web-1-x\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'all' denied request: failed expression: object.spec.replicas <= 5",
      'admission-denied',
      'admission policy replicas refuses it: failed expression',
      'replicas',
    ],
    [
      'Error creating: Internal error occurred: failed calling webhook "mutate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/mutate/fail?timeout=10s": no endpoints available for service "kyverno-svc"',
      'webhook-unreachable',
      'no endpoints available for service "kyverno-svc"',
      'mutate.kyverno.svc-fail',
    ],
    [
      `${forbidden} no PriorityClass with name high was found`,
      'class-missing',
      'priority class high',
      'priority class high',
    ],
    [
      `${forbidden} pod rejected: RuntimeClass "gvisor" not found`,
      'class-missing',
      'runtime class gvisor',
      'runtime class gvisor',
    ],
    [
      `${forbidden} unable to create new content in namespace shop because it is being terminated`,
      'namespace-ending',
      'being deleted',
      '',
    ],
    [
      'Error creating: pods is forbidden: User "system:serviceaccount:ci:runner" cannot create resource "pods" in API group "" in the namespace "shop"',
      'not-permitted',
      'may not create resource "pods"',
      'system:serviceaccount:ci:runner',
    ],
    [
      'Error creating: Pod "web-1-x" is invalid: spec.containers[0].resources.requests: Invalid value: "500m": must be less than or equal to cpu limit of 200m',
      'pod-invalid',
      'must be less than or equal to cpu limit of 200m',
      '',
    ],
    ['Error creating: etcdserver: mvcc: database space exceeded', 'api-server-fault', 'etcd', ''],
    ['object is being deleted: pods "web-0" already exists', 'create-refused', 'still exists', ''],
    ['Error creating: moon in the wrong phase', 'create-refused', 'moon in the wrong phase', ''],
  ])('%s', (message, category, words, named) => {
    const found = refusalOf(message);
    expect(found.category).toBe(category);
    expect(found.words).toContain(words);
    expect(found.named).toBe(named);
  });

  test('the Service of a webhook that does not answer', () => {
    const message =
      'failed calling webhook "a.example.com": Post "https://hook.system.svc:443/?timeout=10s": connect: connection refused';
    expect(refusalOf(message).service).toEqual({ namespace: 'system', name: 'hook' });
    expect(refusalOf('exceeded quota').service).toBeNull();
  });
});

const deployment = (conditions: readonly object[] = [], status: object = {}) => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop', uid: 'd1' },
  spec: { replicas: 3 },
  status: { replicas: 1, ...status, conditions },
});
const replicaSet = (name: string, revision: number, replicas: number, wanted: number) => ({
  kind: 'ReplicaSet',
  metadata: {
    name,
    namespace: 'shop',
    uid: name,
    annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd1', controller: true }],
  },
  spec: { replicas: wanted },
  status: { replicas },
});
const quotaMessage = `${forbidden} exceeded quota: team, requested: pods=1, used: pods=20, limited: pods=20`;

describe('refusal', () => {
  test('of a deployment: the events of its newest replica set, with the quota as it stands', async () => {
    const objects = {
      replicasets: [replicaSet('web-1', 1, 2, 2), replicaSet('web-2', 2, 0, 1)],
      events: [
        eventObject(
          { kind: 'ReplicaSet', name: 'web-1' },
          'FailedCreate',
          `${forbidden} no PriorityClass with name a was found`,
        ),
        eventObject({ kind: 'ReplicaSet', name: 'web-2' }, 'FailedCreate', quotaMessage),
      ],
      resourcequotas: [
        { metadata: { name: 'team', namespace: 'shop' }, status: { hard: { pods: '20' }, used: { pods: '20' } } },
      ],
    };
    const [finding] = await analyze(refusal, 'deployment', deployment(), objects);
    expect(finding).toMatchObject({
      category: 'quota-exceeded',
      object: 'deployment/shop/web',
      decisive: true,
      cause:
        'The pods of deployment web cannot be created: quota team leaves no room (exceeded quota): pods: 1 more asked for, 20 of 20 used.',
      when: { from: '2026-01-01T11:30:00.000Z', until: null },
    });
    expect(finding?.evidence.map(({ excerpt }) => excerpt)).toContain('pods: 20 of 20 used');
  });

  test('its condition says the same where no event is left', async () => {
    const failure = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: quotaMessage,
      lastTransitionTime: '2026-01-01T11:00:00Z',
    };
    const [finding] = await analyze(refusal, 'deployment', deployment([failure]));
    expect(finding).toMatchObject({ category: 'quota-exceeded', when: { from: '2026-01-01T11:00:00.000Z' } });
    const progressing = {
      type: 'Progressing',
      status: 'False',
      reason: 'ReplicaSetCreateError',
      message:
        'Failed to create new replica set "web-3": replicasets.apps "web-3" is forbidden: exceeded quota: count, requested: count/replicasets.apps=1, used: count/replicasets.apps=5, limited: count/replicasets.apps=5',
    };
    const [created] = await analyze(refusal, 'deployment', deployment([progressing]));
    expect(created?.cause).toContain('The replica set of deployment web cannot be created: quota count');
  });

  test('a replica set leaves it to its deployment, and speaks where that cannot be read', async () => {
    const set = replicaSet('web-2', 2, 0, 1);
    const events = [eventObject({ kind: 'ReplicaSet', name: 'web-2' }, 'FailedCreate', quotaMessage)];
    expect(await analyze(refusal, 'replicaset', set, { events, deployments: [deployment()] })).toEqual([]);
    expect(await analyze(refusal, 'replicaset', set, { events })).toMatchObject([{ object: 'replicaset/shop/web-2' }]);
  });

  test('what was refused and came later is over', async () => {
    const events = [eventObject({ kind: 'ReplicaSet', name: 'web-2' }, 'FailedCreate', quotaMessage)];
    const replicasets = [replicaSet('web-2', 2, 3, 3)];
    expect(await analyze(refusal, 'deployment', deployment([], { replicas: 3 }), { events, replicasets })).toEqual([]);
  });

  test.each([
    ['statefulset', 'StatefulSet', { spec: { replicas: 2 }, status: { replicas: 1 } }, 'The pods of statefulset web'],
    [
      'daemonset',
      'DaemonSet',
      { spec: {}, status: { desiredNumberScheduled: 3, currentNumberScheduled: 1 } },
      'The pods of daemonset web',
    ],
    ['job', 'Job', { spec: { parallelism: 1 }, status: {} }, 'The pods of job web'],
    [
      'job',
      'Job',
      { spec: { parallelism: 3, completions: 5 }, status: { active: 1, succeeded: 3 } },
      'The pods of job web',
    ],
    [
      'cronjob',
      'CronJob',
      { spec: {}, status: { lastScheduleTime: '2026-01-01T10:00:00Z' } },
      'The jobs of cronjob web',
    ],
    ['statefulset', 'StatefulSet', {}, 'The pods of statefulset web'],
  ] as const)('of a %s', async (kind, name, parts, words) => {
    const object = { kind: name, metadata: { name: 'web', namespace: 'shop' }, ...parts };
    const events = [eventObject({ kind: name, name: 'web' }, 'FailedCreate', quotaMessage)];
    const [finding] = await analyze(refusal, kind, object, { events });
    expect(finding?.cause).toContain(words);
  });

  test.each([
    [
      'a job that is complete',
      'job',
      'Job',
      { spec: {}, status: { conditions: [{ type: 'Complete', status: 'True' }] } },
    ],
    [
      'a job that runs all that is still to be done',
      'job',
      'Job',
      { spec: { parallelism: 5, completions: 5 }, status: { active: 1, succeeded: 4 } },
    ],
    [
      'a job whose queue of work is empty',
      'job',
      'Job',
      { spec: { parallelism: 3 }, status: { active: 2, succeeded: 1 } },
    ],
    [
      'a cron job that started a run later',
      'cronjob',
      'CronJob',
      { spec: {}, status: { lastScheduleTime: '2026-01-01T11:59:30Z' } },
    ],
  ] as const)('not of %s', async (_, kind, name, parts) => {
    const object = { kind: name, metadata: { name: 'web', namespace: 'shop' }, ...parts };
    const events = [eventObject({ kind: name, name: 'web' }, 'FailedCreate', quotaMessage)];
    expect(await analyze(refusal, kind, object, { events })).toEqual([]);
  });

  test.each([
    [quotaMessage, /resourcequota team/],
    [`${forbidden} error looking up service account shop/web: serviceaccount "web" not found`, /serviceaccounts/],
    [
      `${forbidden} violates PodSecurity "restricted:latest": hostPort (container "a" uses hostPort 80)`,
      /securityContext/,
    ],
    [
      'Error creating: admission webhook "validation.gatekeeper.sh" denied the request: [require-owner] no',
      /labels .*policy require-owner/,
    ],
  ])('the first advice for %s only reads, and fits', async (message, action) => {
    const events = [eventObject({ kind: 'DaemonSet', name: 'web' }, 'FailedCreate', message)];
    const object = {
      kind: 'DaemonSet',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {},
      status: { desiredNumberScheduled: 1 },
    };
    const [finding] = await analyze(refusal, 'daemonset', object, { events });
    const [first] =
      finding === undefined
        ? []
        : (Object.entries(refusal.categories)
            .find(([key]) => key === finding.category)?.[1]
            .advice(finding, placeOf(finding)) ?? []);
    expect(first?.action).toMatch(action);
    expect(first?.requires_approval).toBe(false);
  });
});
