import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { startScriptedApi } from '../../test/support/scripted-api.ts';
import { waitFor } from '../../test/support/wait.ts';
import { toTimestamp } from '../core/time.ts';
import { kubeClient } from '../kube/connection/client.ts';
import { silentLog } from '../lib/silent-log.ts';
import { openClusterResources } from './cluster-resources.ts';
import { statusOf } from './status.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function sink(version: number, generation: number, more: object = {}) {
  const { metadata = {}, ...others } = more as { readonly metadata?: object };
  return {
    apiVersion: 'punchingfist.io/v1alpha1',
    kind: 'Sink',
    metadata: { name: 'out', namespace: 'shop', uid: 'u1', resourceVersion: String(version), generation, ...metadata },
    spec: { type: 'stdout', config: {} },
    ...others,
  };
}

function source(name: string, namespace: string, more: object = {}) {
  const metadata = { name, namespace, uid: name, resourceVersion: '1', generation: 1 };
  const spec = { type: 'webhook', triggerWorkflow: 'triage', config: { path: 'am' } };
  return { apiVersion: 'punchingfist.io/v1alpha1', kind: 'Source', metadata, spec, ...more };
}

/** Resources of an API server that has one Sink; `tell` has its watch say more. */
async function world(sources: readonly object[] = []) {
  const items: Readonly<Record<string, readonly object[]>> = { sinks: [sink(1, 1)], sources };
  const watches = new Map<string, ServerResponse>();
  const { transport } = await startScriptedApi(cleanup, ({ path, query }, response) => {
    const plural = path.split('/').at(-1) ?? '';
    if (query['watch'] === undefined)
      return {
        status: 200,
        body: { metadata: { resourceVersion: '1' }, items: items[plural] ?? [] },
      };
    watches.set(plural, response);
    response.flushHeaders();
    return null;
  });
  const clock = createFakeClock();
  const resources = await openClusterResources({
    client: kubeClient(transport),
    accounts: { clients: { of: () => null, isOwn: async () => false }, onlyNamespaceOf: (namespace) => namespace },
    namespaces: null,
    clock,
    random: () => 0,
    log: silentLog,
    noteSecret: () => undefined,
    loopback: true,
    allowInsecureSources: true,
    asksForCertificates: false,
  });
  cleanup.defer(() => resources.stop());
  await waitFor('the watch', () => watches.has('sinks'));
  const told: string[] = [];
  resources.onChange((key) => told.push(key));
  const version = () => resources.find('Sink/shop/out')?.object.metadata.resourceVersion;
  return {
    clock,
    resources,
    tellSource: async (object: object) => {
      await waitFor('the watch', () => watches.has('sources'));
      watches.get('sources')?.write(`${JSON.stringify({ type: 'MODIFIED', object })}\n`);
    },
    told,
    generation: () => resources.current().generation,
    /** Until it was heard, and what is due for it was done. */
    tell: async (...changes: (readonly ['ADDED' | 'MODIFIED' | 'DELETED', ReturnType<typeof sink>])[]) => {
      const lines = changes.map(([type, object]) => `${JSON.stringify({ type, object })}\n`);
      watches.get('sinks')?.write(lines.join(''));
      const [type, object] = changes.at(-1) ?? [];
      const last = type === 'DELETED' ? undefined : object?.metadata.resourceVersion;
      await waitFor('the change', () => version() === last);
      await clock.advance(1000);
    },
  };
}

test('what is there is loaded once; a status or a label that is written loads nothing', async () => {
  const { resources, generation, told, tell, clock } = await world();
  await clock.advance(1000);
  expect(generation()).toBe(1);
  await tell(['MODIFIED', sink(2, 1, { status: { observedGeneration: 1 } })]);
  await tell(['MODIFIED', sink(3, 1, { metadata: { labels: { team: 'shop' } } })]);
  expect(generation()).toBe(1);
  expect(told).toEqual([]);
  expect(resources.find('Sink/shop/out')?.object.metadata.resourceVersion).toBe('3');
});

test('a change of the spec, an end, and another object of the same name each load once', async () => {
  const { resources, generation, told, tell } = await world();
  await tell(['MODIFIED', sink(2, 2, { spec: { type: 'stdout', config: { pretty: true } } })]);
  expect(generation()).toBe(2);
  await tell(['MODIFIED', sink(3, 2, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })]);
  expect(generation()).toBe(3);
  expect(resources.current().sinks).toEqual([]);
  await tell(['DELETED', sink(4, 2)]);
  await tell(['ADDED', sink(5, 2, { metadata: { uid: 'u2' } })]);
  // Deleted and made anew between two looks: as one change, with another uid.
  const before = generation();
  await tell(['MODIFIED', sink(6, 2, { metadata: { uid: 'u3' } })]);
  expect(generation()).toBe(before + 1);
  expect(told).toEqual(Array.from({ length: 4 }, () => 'Sink/shop/out'));
});

test('a Sink that is deleted and made anew at once is another one: its status is to be written', async () => {
  const { told, tell } = await world();
  await tell(['DELETED', sink(2, 1)], ['ADDED', sink(3, 1, { metadata: { uid: 'u2' } })]);
  expect(told).toEqual(['Sink/shop/out']);
});

test('a Source that another process serves already keeps its path; what a status says anew is looked at', async () => {
  const created = (day: number) => ({ creationTimestamp: `2026-01-0${day}T00:00:00Z` });
  const old = source('old', 'blue');
  const young = source('young', 'green');
  Object.assign(old.metadata, created(1));
  Object.assign(young.metadata, created(2));
  const { resources, generation, tellSource, clock } = await world([old, young]);
  const owner = () => resources.current().sourceByPath('am')?.name;
  expect(owner()).toBe('old');
  const before = generation();
  const told = (version: string, addresses: readonly string[]) => ({
    ...young,
    metadata: { ...young.metadata, resourceVersion: version },
    status: { addresses },
  });
  await tellSource(told('2', ['/webhook/@green/am', '/webhook/am']));
  await waitFor('the other decision', async () => {
    await clock.advance(1000);
    return owner() === 'young';
  });
  expect(generation()).toBe(before + 1);
  // What it has decided itself is nothing new.
  const own = { addresses: ['/webhook/@blue/am'] };
  await tellSource({ ...old, metadata: { ...old.metadata, resourceVersion: '3' }, status: own });
  await waitFor('the own decision', () => resources.find('Source/blue/old')?.object.metadata.resourceVersion === '3');
  await clock.advance(1000);
  expect(generation()).toBe(before + 1);
});

test('a Source whose spec was broken before the start keeps its path until it is mended, also in its status', async () => {
  const status = { addresses: ['/webhook/@blue/am', '/webhook/am'] };
  const broken = source('old', 'blue', { spec: { type: 'webhook' }, status });
  const { resources } = await world([broken, source('a', 'a')]);
  const catalog = resources.current();
  expect(catalog.sourceByPath('am')).toMatchObject({ name: 'old', path: null });
  expect(catalog.sourceByPath('@a/am')?.name).toBe('a');
  const declared = resources.find('Source/blue/old');
  const compiled = catalog.source('blue', 'old');
  if (declared === undefined || compiled === undefined) throw new Error('the Source is not there');
  expect(statusOf(declared.object, compiled, {}, toTimestamp(0))).toMatchObject({ ready: false, ...status });
});
