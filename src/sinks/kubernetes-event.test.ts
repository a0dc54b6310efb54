import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { testSink } from '../../test/support/sink-suite.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../../test/support/sink-world.ts';
import { eventsAt, startEventServer, status } from '../../test/support/vendors/kubernetes.ts';
import type { EventServerOptions } from '../../test/support/vendors/kubernetes.ts';
import { walledEvents } from '../app/walls.ts';
import { kubernetesEvent } from './kubernetes-event.ts';
import { nothingKnown } from './known.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const shop = '/api/v1/namespaces/shop';
const pod = `${shop}/pods/web-1`;

testSink({
  backend: kubernetesEvent,
  config: () => ({}),
  secrets: {},
  start: () => startEventServer({ objects: [shop, pod] }),
  // Faults are for what is made: reads have tries of their own, with waits.
  async world(url) {
    const calm = await startEventServer({ objects: [shop, pod] });
    cleanup.defer(() => calm.vendor.stop());
    const reads = await eventsAt(cleanup, calm.vendor.url);
    const writes = await eventsAt(cleanup, url);
    return { events: { ...writes, refer: (kind, namespace, name) => reads.refer(kind, namespace, name) } };
  },
  isIdempotent: true,
  effectsOfStart: 1,
  effectsOfEnd: 1,
  // oxlint-disable-next-line no-control-regex -- control characters are the subject
  forbidden: [/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/],
});

interface Options extends Partial<EventServerOptions> {
  readonly clusterName?: string;
  readonly onlyNamespace?: string;
}

async function start({ clusterName, onlyNamespace, ...options }: Options = {}, config: object = {}) {
  const server = await startEventServer({ objects: [shop, pod], ...options });
  const events = await eventsAt(cleanup, server.vendor.url, clusterName);
  const world = sinkWorld({ events: onlyNamespace === undefined ? events : walledEvents(events, onlyNamespace) });
  cleanup.defer(() => world.close());
  cleanup.defer(() => server.vendor.stop());
  const deliver = (changes: Parameters<typeof sinkDelivery>[0] = {}) =>
    attemptOf(kubernetesEvent, world.io, config, sinkDelivery(changes));
  return { ...server, deliver, events: () => [...server.made.values()] };
}

const labelled = (labels: object) => ({ ...payload, alert: { ...payload.alert, labels: { ...labels } } });

test('says the cause on the object, and which command shows the run', async () => {
  const { deliver, events } = await start();
  const verdict = await deliver();
  const [event] = events();
  expect(event).toEqual({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: expect.stringMatching(/^fist-[0-9a-f]{32}$/) as string, namespace: 'shop' },
    eventTime: '2026-03-01T10:00:42.000000Z',
    reportingController: 'punching-fist',
    reportingInstance: 'sink/out',
    type: 'Warning',
    reason: 'IncidentExplained',
    action: 'Investigate',
    note: 'KubePodCrashLooping: Container web was OOMKilled. (fist describe run/r1)',
    regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-1', uid: 'uid-web-1' },
  });
  expect(verdict).toEqual({ ok: true, reference: `shop/${event?.metadata.name} on pod/shop/web-1` });
});

test.each([
  ['run-started', { report: null }, 'Normal InvestigationStarted', 'looked into'],
  ['approval-requested', { report: null }, 'Warning ApprovalRequested', 'waits for an approval'],
  ['run-finished', { report: { root_cause: null } }, 'Warning IncidentInvestigated', 'no cause was found'],
  ['run-finished', { alert: resolvedPayload.alert }, 'Normal IncidentExplained', 'OOMKilled'],
  ['alert-resolved', resolvedPayload, 'Normal IncidentResolved', 'resolved'],
] as const)('%s, case %#', async (event, changes, says, note) => {
  const { deliver, events } = await start();
  await deliver({ event, payload: { ...payload, ...changes, event } });
  expect(events().map(({ type, reason }) => `${type} ${reason}`)).toEqual([says]);
  expect(events()[0]?.note).toContain(note);
});

test('the object of the report before that of labels, a workload before its pod, and the namespace where nothing is there', async () => {
  const deployment = '/apis/apps/v1/namespaces/shop/deployments/web';
  const node = '/api/v1/nodes/n1';
  const { deliver, events } = await start({ objects: [shop, pod, deployment, node, '/api/v1/namespaces/default'] });
  const labels = { namespace: 'shop', deployment: 'web', pod: 'web-1' };
  await deliver({ payload: labelled(labels) });
  await deliver({
    payload: { ...labelled(labels), report: { ...payload.report, object: 'pod/shop/web-1' } },
    subjectKey: 'b',
  });
  await deliver({ payload: labelled({ namespace: 'shop', pod: 'gone' }), subjectKey: 'c' });
  await deliver({ payload: labelled({ node: 'n1' }), subjectKey: 'd' });
  await deliver({ payload: labelled({}), subjectKey: 'e' });
  await deliver({ payload: labelled({ namespace: 'shop', pod: '../../secrets' }), subjectKey: 'f' });
  expect(events().map(({ metadata, regarding: { kind, name } }) => `${metadata.namespace}: ${kind} ${name}`)).toEqual([
    'shop: Deployment web',
    'shop: Pod web-1',
    'shop: Namespace shop',
    'default: Node n1',
    'default: Namespace default',
    'shop: Namespace shop',
  ]);
});

test('the end is told where the cause was', async () => {
  const { deliver, events } = await start({ objects: [shop, pod, `${shop}/pods/web-2`] });
  const known = { ...nothingKnown, open: 'shop/fist-1 on pod/shop/web-2' };
  await deliver({ event: 'alert-resolved', payload: resolvedPayload, known });
  expect(events()[0]?.regarding.name).toBe('web-2');
});

test('the same about an alert since it fires is one Event, whoever sends it; another cause or a later time is another', async () => {
  const { deliver, made } = await start();
  await deliver();
  expect(await deliver({ idempotencyKey: 'r2/out/run-finished' })).toMatchObject({ ok: true });
  expect(made.size).toBe(1);
  await deliver({ payload: { ...payload, report: { ...payload.report, root_cause: 'another' } } });
  expect(made.size).toBe(2);
  await deliver({ payload: { ...payload, alert: { ...payload.alert, startsAt: '2026-03-01T11:00:00.000Z' } } });
  expect(made.size).toBe(3);
});

test('an Event of that name by somebody else is not taken for it; one that may not be read is', async () => {
  const { deliver, made } = await start();
  await deliver();
  const [[key, event] = []] = made;
  if (key === undefined || event === undefined) expect.fail('there is none');
  made.set(key, { ...event, reportingController: 'kubelet' });
  const reason = `there is an Event ${key} of somebody else`;
  expect(await deliver()).toEqual({ ok: false, retry: false, reason });
  const hidden = await start({ hidden: /./ });
  await hidden.deliver();
  expect(await hidden.deliver()).toMatchObject({ ok: true });
});

test('without the right to read it is on what labels name, without a uid', async () => {
  const { deliver, events } = await start({ hidden: /./ });
  await deliver();
  expect(events()[0]?.regarding).toEqual({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web-1' });
});

test('what is too long is cut between characters, never the command', async () => {
  const { deliver, events } = await start({}, { note: '{{ .report.root_cause }}' });
  const said = '€'.repeat(900);
  expect(await deliver({ payload: { ...payload, report: { ...payload.report, root_cause: said } } })).toMatchObject({
    ok: true,
  });
  const note = events()[0]?.note ?? '';
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
  expect(Buffer.byteLength(note)).toBeGreaterThan(1000);
  expect(note).toMatch(/^€+… \(fist describe run\/r1\)$/);
});

test('an alert of another cluster is refused', async () => {
  const { deliver, events } = await start({ clusterName: 'east' });
  const of = (cluster: string) => deliver({ payload: labelled({ ...payload.alert.labels, cluster }) });
  const reason = expect.stringContaining('the alert is about cluster west') as string;
  expect(await of('west')).toMatchObject({ ok: false, retry: false, reason });
  expect(events()).toEqual([]);
  expect(await of('east')).toMatchObject({ ok: true });
});

test.each([
  [
    status(403, 'Forbidden', 'User "fist" cannot create resource "events" in API group "events.k8s.io"'),
    'may not create Events in namespace shop; allow it: a Role in namespace shop with the rule {apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"]}, bound to fist',
  ],
  [status(403, 'Forbidden', 'namespace shop is being terminated'), 'answered 403: namespace shop is being terminated'],
  [status(404, 'NotFound', 'namespaces "shop" not found'), 'answered 404: namespaces "shop" not found'],
  [status(422, 'Invalid', 'note: too long'), 'answered 422: note: too long'],
])('what the API server refuses is final, case %#', async (refusal, says) => {
  const { deliver } = await start({ answer: () => refusal });
  const reason = expect.stringContaining(says) as string;
  expect(await deliver()).toMatchObject({ ok: false, retry: false, reason });
});

test.each([
  [401, false],
  [409, false],
  [429, false],
  [500, true],
  [503, false],
])('%d is tried again, ambiguous: %s', async (code, ambiguous) => {
  const { deliver } = await start({ answer: () => status(code, 'No', 'not now') });
  expect(await deliver()).toMatchObject({ ok: false, retry: true, ambiguous });
});

test('a server that is away was told nothing', async () => {
  const { vendor, deliver } = await start({ hidden: /./ });
  await vendor.stop();
  await expect(deliver()).rejects.toMatchObject({ code: 'ClusterUnavailable' });
  const events = await eventsAt(cleanup, vendor.url);
  const regarding = { apiVersion: 'v1', kind: 'Node', name: 'n1' };
  const event = { name: 'x', regarding, at: payload.timestamp, type: 'Normal', reason: 'x', action: 'x', note: 'x' };
  const limits = { timeoutMs: 2000, signal: new AbortController().signal };
  expect(await events.create({ ...event, type: 'Normal', instance: 'x' }, limits)).toMatchObject({
    kind: 'failed',
    ambiguous: false,
  });
});

test('a namespace that is not there is final', async () => {
  const { deliver, vendor } = await start({ objects: [] });
  expect(await deliver()).toEqual({ ok: false, retry: false, reason: 'there is no namespace shop' });
  expect(vendor.requests.every(({ method }) => method === 'GET')).toBe(true);
});

test('a server without a live cluster says what to start it with', async () => {
  const world = sinkWorld();
  cleanup.defer(() => world.close());
  await expect(attemptOf(kubernetesEvent, world.io, {}, sinkDelivery())).rejects.toMatchObject({
    code: 'SinkNotReady',
    message: expect.stringContaining('--context NAME') as string,
  });
});

test.each<[string, object, RegExp | null]>([
  ['an alert of its namespace', {}, null],
  [
    'of another one',
    { namespace: 'bank', pod: 'vault' },
    /in namespace shop .* about namespace bank: .*--investigate-from shop/,
  ],
  ['of none', { namespace: '' }, /names no namespace: set fallbackNamespace: shop/],
])('a Sink that has no business elsewhere, and %s', async (_name, labels, refusal) => {
  const { deliver, events } = await start({ onlyNamespace: 'shop' });
  const result = await deliver({ payload: labelled({ namespace: 'shop', pod: 'web-1', ...labels }) });
  expect(result).toMatchObject(
    refusal === null ? { ok: true } : { ok: false, retry: false, reason: expect.stringMatching(refusal) },
  );
  expect(events()).toHaveLength(refusal === null ? 1 : 0);
});
