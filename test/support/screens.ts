import { lowestIdAt } from '../../src/lib/id.ts';
import type { ResourceRecord } from '../../src/core/resource.ts';
import { createWorld } from '../server/world.ts';
import { deliveryFixture, runFixture, stepFixture } from './deliveries.ts';
import { apiToken } from './fake-server.ts';
import { alertFixture, eventFixture, letterFixture } from './rows.ts';

/** When the person looks. */
export const lookedAt = Date.parse('2026-03-01T12:00:00.000Z');

const minute = 60_000;
const before = (minutes: number) => new Date(lookedAt - minutes * minute).toISOString();
const idBefore = (minutes: number) => lowestIdAt(lookedAt - minutes * minute);

/** Escapes of a terminal, line ends, marks that turn text round. */
const hostile = 'red \u001b[31m \u009b2J \r\n\tnext \u202etxt.exe \u200b end';

/** What an on-call engineer may find: usual, long, wide and hostile names. */
export const alerts = [
  {
    name: 'KubePodCrashLooping',
    namespace: 'shop',
    pod: 'checkout-7d9f8c6b5-x2x4z',
    severity: 'critical',
    minutes: 12,
  },
  { name: 'ディスク容量不足', namespace: '決済', pod: '支払い-0', severity: 'warning', minutes: 34 },
  { name: 'LatencyBudgetBurn🔥', namespace: 'shop', pod: 'web-1', severity: 'warning', minutes: 190 },
  {
    name: 'KubePersistentVolumeFillingUpWithinFourDaysAndNobodyLooks',
    namespace: 'a-namespace-with-a-very-long-name-indeed',
    pod: 'statefulset-with-a-long-name-0',
    severity: 'info',
    minutes: 4321,
  },
  { name: `Hostile ${hostile}`, namespace: hostile, pod: hostile, severity: 'critical', minutes: 2 },
] as const;

function resource(kind: ResourceRecord['kind'], name: string, spec: object, status: object): ResourceRecord {
  return {
    apiVersion: 'punchingfist.io/v1alpha1',
    kind,
    namespace: 'shop',
    name,
    spec: JSON.stringify(spec),
    status: JSON.stringify(status),
    updatedAt: before(600),
  };
}

const ready = { ready: true, conditions: [{ type: 'Ready', status: 'True', reason: 'Accepted', message: '' }] };
const broken = {
  ready: false,
  conditions: [
    {
      type: 'Ready',
      status: 'False',
      reason: 'SecretMissing',
      message: 'the Secret chat/token that it names is absent',
    },
  ],
};

const cause = 'Container checkout was OOMKilled: it needs more than its memory limit of 256Mi.';
const pod = 'pod/shop/checkout-7d9f8c6b5-x2x4z';

/** Of the first alert. */
const investigated = {
  triageStartedAt: before(12),
  triageCompletedAt: before(11),
  cause,
  aiConfidence: 0.95,
  aiAnalysis: {
    summary: cause,
    root_cause: cause,
    confidence: 0.95,
    causal_chain: [
      {
        object: 'deployment/shop/checkout',
        relation: 'alert',
        happened: 'lacked 1 of 3 pods',
        finding: '',
        evidence_ids: ['e2'],
      },
      { object: pod, relation: 'owned', happened: 'was killed for its memory', finding: '', evidence_ids: ['e1'] },
    ],
    findings: [
      {
        category: 'oom-killed',
        description: 'Container checkout was OOMKilled (exit code 137); its memory limit is 256Mi.',
        severity: 'critical',
        object: pod,
        from: before(12),
        until: null,
        evidence_ids: ['e1', 'e2'],
        evidence: {},
      },
    ],
    evidence: [
      {
        id: 'e1',
        kind: 'object',
        object: pod,
        command: 'kubectl get pod checkout-7d9f8c6b5-x2x4z -n shop -o yaml',
        time: before(11),
        excerpt: 'phase: Running\ncontainer checkout: last end OOMKilled, exit code 137\nmemory limit: 256Mi',
      },
      {
        id: 'e2',
        kind: 'events',
        object: pod,
        command: 'kubectl get events -n shop',
        time: before(11),
        excerpt: 'BackOff: back-off restarting failed container checkout',
      },
    ],
    recommendations: [
      {
        priority: 1,
        action: 'kubectl -n shop top pod checkout-7d9f8c6b5-x2x4z --containers',
        rationale: 'What it needs.',
        risk_level: 'low',
        requires_approval: false,
      },
      {
        priority: 2,
        action: 'fist serve --resources DIR --context NAME',
        rationale: 'Then the cluster itself is looked at.',
        risk_level: 'low',
        requires_approval: false,
      },
    ],
  },
};

/** What its investigation was not given. */
const gaps = [
  {
    what: 'the previous log of container checkout of pod/shop/checkout-7d9f8c6b5-x2x4z',
    kind: 'forbidden',
    reason: 'pods "checkout-7d9f8c6b5-x2x4z" is forbidden: User "fist" cannot get resource "pods/log"',
    remedy: 'give the ServiceAccount fist the verb get of pods/log in the namespace shop',
    resource: 'pods/log',
    namespace: 'shop',
  },
  {
    what: 'the nodes',
    kind: 'not_captured',
    reason: 'the folder has no nodes.json',
    remedy: `fist capture of all namespaces ${hostile}`,
    resource: 'nodes',
    namespace: null,
  },
];

/** A server with a store in which something of everything is, on a port of its own; and how the command line finds it. */
export async function startScreens() {
  const world = await createWorld();
  await world.store.transaction('intake', async (tx) => {
    await tx.alerts.insertAll(
      alerts.map(({ name, namespace, pod, severity, minutes }, index) =>
        alertFixture({
          id: idBefore(minutes),
          namespace: 'shop',
          source: 'alertmanager',
          fingerprint: `f${index}`,
          name,
          severity,
          status: (['escalated', 'triaging', 'received'] as const)[index % 3] ?? 'received',
          labels: { alertname: name, severity, namespace, pod },
          summary: `${name} of ${pod}: ${'it is not well '.repeat(6)}`,
          receiveCount: index * 7 + 1,
          startsAt: before(minutes),
          receivedAt: before(minutes),
          lastReceivedAt: before(1),
          workflowId: idBefore(minutes),
          ...(index === 0 ? investigated : index === 1 ? { triageStartedAt: before(minutes) } : {}),
        }),
      ),
    );
    await tx.runs.insertAll(
      alerts.slice(0, 3).map(({ name, minutes }, index) => ({
        plan: null,
        run: runFixture({
          id: idBefore(minutes),
          alertId: idBefore(minutes),
          status: (['succeeded', 'running', 'failed'] as const)[index] ?? 'failed',
          createdAt: before(minutes),
          startedAt: before(minutes),
          completedAt: index === 1 ? null : before(minutes - 1),
          totalSteps: 2,
          ...(index === 2
            ? { errorCode: 'ClusterUnavailable', error: `the cluster could not be read: ${hostile}` }
            : {}),
          input: { ...runFixture().input, alert: { ...runFixture().input.alert!, id: idBefore(minutes), name } },
        }),
      })),
    );
    const [first] = alerts;
    const run = idBefore(first.minutes);
    await tx.runs.writeSteps([
      stepFixture({
        id: run,
        runId: run,
        startedAt: before(12),
        completedAt: before(11),
        createdAt: before(12),
        result: {
          ...investigated.aiAnalysis,
          alert: {
            alertname: first.name,
            status: 'firing',
            severity: first.severity,
            startsAt: before(12),
            labels: {},
          },
          // What it says of times is of then.
          observed_at: before(11),
          object: pod,
          happened: 'The pod was killed for its memory.',
          report: '# ...',
          gaps,
        },
      }),
    ]);
    await tx.deliveries.insert([
      deliveryFixture({
        id: idBefore(10),
        runId: run,
        alertId: run,
        status: 'sent',
        attempts: 1,
        createdAt: before(10),
      }),
      deliveryFixture({
        id: idBefore(11),
        runId: run,
        alertId: run,
        status: 'failed',
        attempts: 8,
        wakeAt: null,
        error: 'https://chat.example.com answered 403: the token has no right to write to the channel #incidents',
        errorCode: 'DeliveryRefused',
        createdAt: before(11),
      }),
    ]);
    await tx.events.insertAll([
      eventFixture({
        id: idBefore(12),
        namespace: 'shop',
        sourceName: 'alertmanager',
        workflowTriggered: 'triage',
        outcome: { Opened: 1, Repeated: 12, BadItem: 2 },
        receivedAt: before(12),
        lastReceivedAt: before(1),
      }),
    ]);
    await tx.events.addDeadLetters([
      {
        ...letterFixture(`alerts[0].labels: expected an object; got ${hostile}`),
        id: idBefore(5),
        receivedAt: before(5),
      },
    ]);
    await tx.resources.replaceAll([
      resource('Source', 'alertmanager', { type: 'webhook', config: { path: 'alertmanager' } }, ready),
      resource('Workflow', 'triage', { steps: [{ name: 'investigate', type: 'agent', goal: 'why' }] }, ready),
      resource('Sink', 'chat', { type: 'webhook' }, broken),
      resource('Sink', 'out', { type: 'stdout' }, ready),
    ]);
  });
  const { port } = await world.server.listen();
  const env = { FIST_SERVER: `http://127.0.0.1:${port}`, FIST_TOKEN: apiToken };
  return { env, failedDelivery: idBefore(11), close: () => world.close() };
}
