import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
import { kubeClient } from '../../src/kube/connection/client.ts';
import { createInformers, keyOf } from '../../src/kube/watch/informer.ts';
import type { Informer } from '../../src/kube/watch/informer.ts';
import { kindOf, kinds } from '../../src/kube/kinds/kinds.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { createWorkQueue } from '../../src/kube/watch/work-queue.ts';
import { kubeWriter } from '../../src/kube/connection/writer.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import type { Fault } from '../support/fault-proxy.ts';
import { createRandom } from '../support/random.ts';
import type { Random } from '../support/random.ts';
import { accountWith, listOf } from '../support/rights.ts';
import { startScriptedApi } from '../support/scripted-api.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
const cleanup = createCleanup();
afterEach(() => cleanup.run());
afterAll(() => lasting.run());

const configMap = kindOf('configmaps');

/** The machine's time, so many times as fast. */
function fastClock(times: number): Clock {
  const real = systemClock();
  return {
    now: () => real.now(),
    monotonic: () => real.monotonic() * times,
    sleep: (milliseconds, signal) => real.sleep(milliseconds / times, signal),
  };
}

function anyFault(random: Random): Fault {
  return random.pick<Fault>([
    { kind: 'answer', status: 500, body: 'etcd is away' },
    { kind: 'answer', status: 503 },
    { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'answer', status: 410, body: '{"kind":"Status","code":410,"reason":"Expired"}' },
    { kind: 'answer', status: 200, body: '<html>a proxy that says hello</html>' },
    { kind: 'reset', done: false },
    { kind: 'reset', done: true },
    { kind: 'cut', afterBytes: random.between(0, 3000) },
  ]);
}

describe.skipIf(assets === null)('an API server that is in trouble', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    for (const name of ['shop', 'many']) server.kubectl(['create', 'namespace', name]);
  });

  const admin = (): string => {
    const { cert, key } = server.certificate ?? { cert: '', key: '' };
    return server.kubeconfig('certified', { 'client-certificate-data': cert, 'client-key-data': key });
  };

  /** Straight to the server. */
  async function connectDirectly() {
    const transport = await connectTransport({ kubeconfig: admin() });
    cleanup.defer(() => transport.close());
    return kubeWriter(transport);
  }

  /** Through what goes wrong. */
  async function connectBadly(clock: Clock, random: Random, namespace = 'shop') {
    const token = server.kubectl(['create', 'token', 'default', '-n', namespace]).trim();
    const proxy = await startFaultProxy(cleanup, server, token);
    const transport = await connectTransport({ kubeconfig: proxy.kubeconfig, timeoutMs: 5000 });
    cleanup.defer(() => transport.close());
    const io = { clock, random: () => random.next(), log: silentLog };
    const informers = createInformers(kubeClient(transport), io);
    cleanup.defer(() => informers.stop());
    return { proxy, informers, writer: kubeWriter(transport), io };
  }

  beforeAll(() => {
    const all = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
    const items = ['shop', 'many'].flatMap((namespace) => accountWith({ namespace, name: 'default' }, all));
    server.kubectl(['apply', '-f', '-'], JSON.stringify(listOf(...items)));
  });

  async function expectSame(informer: Informer, namespace: string): Promise<void> {
    const direct = await connectDirectly();
    const versions = (objects: readonly { metadata: { name: string; resourceVersion?: string } }[]) =>
      Object.fromEntries(objects.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]));
    await waitFor('the same objects', async () => {
      const there = versions(await direct.list(configMap, namespace, {}));
      return (
        JSON.stringify(there) ===
        JSON.stringify(
          versions([...informer.list()].sort((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))),
        )
      );
    });
  }

  test('a store and a queue of writes come to what is true, whatever went wrong on the way', async () => {
    const random = createRandom(11);
    const { proxy, informers, writer, io } = await connectBadly(fastClock(20), random);
    const direct = await connectDirectly();
    const informer = informers.of({ kind: configMap, namespaces: ['shop'] });
    /** What whoever only hears of changes believes. */
    const told = new Map<string, string | undefined>();
    informer.onChange(({ type, key, object }) => {
      if (type === 'deleted') told.delete(key);
      else told.set(key, object.metadata.resourceVersion);
    });
    const wanted = new Map<string, string>();
    const queue = createWorkQueue({
      ...io,
      name: 'test',
      async handle(name) {
        const value = wanted.get(name) ?? '';
        await writer.apply(configMap, { metadata: { namespace: 'shop', name }, data: { value } });
        return null;
      },
    });
    cleanup.defer(() => queue.stop(1000));
    let faults = 0;
    proxy.fault = () => {
      if (random.next() > 0.35) return null;
      faults += 1;
      return anyFault(random);
    };
    for (let step = 0; step < 250; step += 1) {
      const name = `ours-${random.between(1, 10)}`;
      wanted.set(name, String(step));
      queue.add(name);
      const place = { namespace: 'shop', name: `theirs-${random.between(1, 10)}` };
      if (random.next() < 0.3) await direct.delete(configMap, place);
      else await direct.apply(configMap, { metadata: place, data: { step: String(step) } });
      if (random.next() < 0.1) proxy.reset();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(faults).toBeGreaterThan(20);
    proxy.fault = () => null;
    await waitFor('the writes', () => queue.depth === 0 && queue.failing === 0);
    for (const [name, value] of wanted)
      expect((await direct.get(configMap, { namespace: 'shop', name }))?.['data']).toEqual({ value });
    await expectSame(informer, 'shop');
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(informer.list().map((object) => [keyOf(object), object.metadata.resourceVersion])),
    );
    await waitFor('no trouble', () => informer.trouble === null);
  });

  test('a stream that falls silent is left for another one', async () => {
    // Two and a half minutes are three seconds.
    const { proxy, informers } = await connectBadly(fastClock(50), createRandom(1));
    const direct = await connectDirectly();
    const informer = informers.of({ kind: configMap, namespaces: ['shop'] });
    await informer.whenSynced();
    await waitFor('the watch', () => proxy.requests.some(({ isWatch }) => isWatch));
    await waitFor('its answer', () => informer.trouble === null && proxy.requests.length >= 2);
    proxy.silence();
    await direct.apply(configMap, { metadata: { namespace: 'shop', name: 'unheard' }, data: {} });
    await waitFor('the object', () => informer.get('shop/unheard') !== undefined);
    expect(proxy.requests.filter(({ isWatch }) => isWatch).length).toBeGreaterThan(1);
  });

  test('whoever is asked to wait waits', async () => {
    const { proxy, informers, writer } = await connectBadly(systemClock(), createRandom(1));
    const busy: Fault = { kind: 'answer', status: 429, headers: { 'retry-after': '1' } };
    let refusals = 2;
    proxy.fault = () => ((refusals -= 1) >= 0 ? busy : null);
    await informers.of({ kind: configMap, namespaces: ['shop'] }).whenSynced();
    const gaps = (): readonly number[] =>
      proxy.requests.slice(0, 3).map(({ atMs }, place, all) => atMs - (all[place - 1]?.atMs ?? 0));
    expect(Math.min(...gaps().slice(1))).toBeGreaterThanOrEqual(990);
    // It begins once all is listed, and is not to be the one that is refused.
    await waitFor('the watch', () => proxy.requests.some(({ isWatch }) => isWatch));
    refusals = 1;
    const from = proxy.requests.length;
    await writer.get(configMap, { namespace: 'shop', name: 'any' });
    const [refused, answered] = proxy.requests.slice(from).filter(({ isWatch }) => !isWatch);
    expect((answered?.atMs ?? 0) - (refused?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test('an API server that is started again is found again', async () => {
    const { proxy, informers, writer } = await connectBadly(fastClock(20), createRandom(1));
    const informer = informers.of({ kind: configMap, namespaces: ['shop'] });
    await informer.whenSynced();
    await waitFor('the watch', () => proxy.requests.some(({ isWatch }) => isWatch));
    await server.stop();
    expect(await waitFor('trouble', () => informer.trouble)).toMatchObject({ code: 'ClusterUnavailable' });
    expect(informer.synced).toBe(true);
    await expect(writer.get(configMap, { namespace: 'shop', name: 'x' })).rejects.toMatchObject({
      code: 'ClusterUnavailable',
      next: 'kubectl --context x get --raw /readyz',
    });
    await server.start();
    const place = { namespace: 'shop', name: 'after' };
    await writer.apply(configMap, { metadata: place, data: { a: 'b' } });
    await waitFor('the object', () => informer.get('shop/after') !== undefined);
    await expectSame(informer, 'shop');
    await waitFor('no trouble', () => informer.trouble === null);
  });

  test('many objects come in pages, once; and no handle is left by many connections that broke', async () => {
    const direct = await connectDirectly();
    let next = 0;
    const create = async (): Promise<void> => {
      for (let at = next++; at < 2000; at = next++)
        await direct.create(configMap, { metadata: { namespace: 'many', name: `map-${at}` } });
    };
    await Promise.all(Array.from({ length: 8 }, create));
    const { proxy, informers } = await connectBadly(fastClock(40), createRandom(1), 'many');
    const informer = informers.of({ kind: configMap, namespaces: ['many'] });
    await informer.whenSynced();
    expect(informer.size).toBe(2000);
    const lists = (): number => proxy.requests.filter(({ isWatch }) => !isWatch).length;
    const watches = (): number => proxy.requests.length - lists();
    expect(lists()).toBe(8);
    const handles = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    await waitFor('the watch', () => watches() > 0);
    const handlesBefore = handles();
    for (let time = 0; time < 10; time += 1) {
      const before = watches();
      proxy.reset();
      await waitFor('the next watch', () => watches() > before);
    }
    await waitFor('handles', () => handles() <= handlesBefore + 1, {
      explain: () => `${handles()} of ${handlesBefore}`,
    });
    // It went on where it was: nothing was listed again.
    expect(lists()).toBe(8);
  });
});

test('ten thousand pods take little memory: who set which field is not kept', async () => {
  const pod = (at: number): object => ({
    metadata: {
      name: `web-${at}`,
      namespace: 'shop',
      uid: `0b7f8f5e-0000-4000-8000-${String(at).padStart(12, '0')}`,
      resourceVersion: String(1000 + at),
      labels: { app: 'web', tier: 'backend' },
      managedFields: [
        {
          manager: 'kubelet',
          fieldsV1: Object.fromEntries(Array.from({ length: 40 }, (_, field) => [`f:${field}`, {}])),
        },
      ],
    },
    spec: { containers: [{ name: 'web', image: 'web:1', env: [{ name: 'NUMBER', value: String(at) }] }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const { transport } = await startScriptedApi(cleanup, ({ query }, response) => {
    if (query['watch'] !== undefined) {
      response.writeHead(200).flushHeaders();
      return null;
    }
    const from = Number(query['continue'] ?? 0);
    const items = Array.from({ length: 250 }, (_, place) => pod(from + place));
    const metadata = { resourceVersion: '9', ...(from + 250 < 10_000 ? { continue: String(from + 250) } : {}) };
    return { status: 200, body: { kind: 'PodList', apiVersion: 'v1', metadata, items } };
  });
  const before = await heapBytes();
  const io = { clock: systemClock(), random: Math.random, log: silentLog };
  const informers = createInformers(kubeClient(transport), io);
  cleanup.defer(() => informers.stop());
  const informer = informers.of({ kind: kinds.pod, namespaces: ['shop'] });
  await informer.whenSynced();
  const bytesEach = ((await heapBytes()) - before) / informer.size;
  expect(informer.size).toBe(10_000);
  expect(bytesEach).toBeLessThan(1500);
});

/** Of what is still of use. */
async function heapBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let time = 0; time < 4; time += 1) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}
