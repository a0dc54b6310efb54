import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { writeFiles } from '../../../test/support/dump-forms.ts';
import type { Cluster, ReadResult } from '../../core/cluster.ts';
import { openDump } from './dump.ts';

const cleanup = createCleanup();
let folder = '';
beforeEach(() => {
  folder = cleanup.temporaryFolder('forms');
});
afterEach(() => cleanup.run());

const podYaml = (name: string, indent = ''): string =>
  [
    'apiVersion: v1',
    'kind: Pod',
    'metadata:',
    `  creationTimestamp: "2026-01-02T03:04:05Z"`,
    `  name: ${name}`,
    '  namespace: shop',
  ]
    .map((line) => `${indent}${line}\n`)
    .join('');
const listYaml = (...items: readonly string[]): string =>
  `---\napiVersion: v1\n${items.length === 0 ? 'items: []\n' : `items:\n${items.map((item) => item.replace('  ', '- ')).join('')}`}kind: PodList\nmetadata:\n  resourceVersion: "1"\n`;
const names = (result: ReadResult<readonly { readonly metadata: { readonly name: string } }[]>): unknown =>
  result.kind === 'ok' ? result.value.map(({ metadata }) => metadata.name) : result.reason;
const pods = async (cluster: Cluster, namespace = 'shop'): Promise<unknown> =>
  names(await cluster.list({ resource: 'pods', namespace }));
const log = (cluster: Cluster, container: string, previous = false, tailLines = 10): Promise<ReadResult<string>> =>
  cluster.logs({ namespace: 'shop', pod: 'web-1', container, previous, tailLines });

describe('a must-gather', () => {
  const logs = 'namespaces/shop/pods/web-1/app/app/logs';

  test('lists, objects and logs where oc puts them', async () => {
    writeFiles(folder, {
      'namespaces/shop/shop.yaml': 'kind: Namespace\nmetadata:\n  name: shop\n',
      'namespaces/shop/core/pods.yaml': listYaml(podYaml('web-1', '  '), podYaml('web-2', '  ')),
      'namespaces/shop/apps/deployments.yaml': listYaml(),
      'namespaces/shop/pods/web-1/web-1.yaml': podYaml('web-1'),
      [`${logs}/current.log`]: '2026-01-02T03:04:05.000000001Z one\n2026-01-02T03:04:06.000000001Z two\n',
      'cluster-scoped-resources/core/nodes/n1.yaml': 'kind: Node\nmetadata:\n  name: n1\n',
    });
    const cluster = await openDump(folder);
    expect(cluster.description).toBe(`must-gather ${folder}`);
    expect(await pods(cluster)).toEqual(['web-1', 'web-2']);
    expect(names(await cluster.list({ resource: 'pods' }))).toEqual(['web-1', 'web-2']);
    expect(await cluster.get('pods', 'shop', 'gone')).toEqual({ kind: 'ok', value: null });
    expect(await cluster.list({ resource: 'deployments', namespace: 'shop' })).toEqual({ kind: 'ok', value: [] });
    expect(names(await cluster.list({ resource: 'namespaces' }))).toEqual(['shop']);
    expect(await log(cluster, 'app')).toEqual({ kind: 'ok', value: 'one\ntwo\n' });
    expect(await log(cluster, 'app', false, 1)).toEqual({ kind: 'ok', value: 'two\n' });
    expect((await cluster.observedAt()).at).toBe('2026-01-02T03:04:05.000Z');
    // Not captured, never absent.
    expect(await log(cluster, 'app', true)).toEqual({
      kind: 'not_captured',
      reason: `the must-gather has no ${logs}/previous.log`,
    });
    expect(await cluster.get('nodes', null, 'n2')).toEqual({
      kind: 'not_captured',
      reason: 'the must-gather has some nodes, and not "n2"',
    });
    expect(await cluster.list({ resource: 'events', namespace: 'shop' })).toEqual({
      kind: 'not_captured',
      reason: 'the must-gather has no namespaces/shop/core/events.yaml',
    });
    expect(await pods(cluster, 'other')).toBe('namespace "other" is not in the must-gather (it has: shop)');
    for (const name of ['../shop', '..', '']) {
      expect(await pods(cluster, name)).toMatch(/^namespace .* is not in the must-gather/);
      expect(await log(cluster, name)).toMatchObject({ kind: 'not_captured' });
    }
  });

  test('events at the top of the namespace, pods of files of their own, parts of several images', async () => {
    writeFiles(folder, {
      'must-gather.local.1/timestamp': 'x',
      'must-gather.local.1/image-a/namespaces/shop/events.yaml': 'items:\n- metadata:\n    name: e1\n',
      'must-gather.local.1/image-a/namespaces/shop/pods/web-1/web-1.yaml': podYaml('web-1'),
      'must-gather.local.1/image-b/namespaces/shop/pods/web-1/web-1.yaml': podYaml('web-1'),
      'must-gather.local.1/image-b/namespaces/shop/pods/web-2/web-2.yaml': podYaml('web-2'),
      'must-gather.local.1/image-b/namespaces/pay/core/pods.yaml': listYaml(),
    });
    const cluster = await openDump(folder);
    expect(await pods(cluster)).toEqual(['web-1', 'web-2']);
    expect(await pods(cluster, 'pay')).toEqual([]);
    // Files of single objects: there may be more.
    expect(await cluster.list({ resource: 'pods', namespace: 'shop' })).toMatchObject({ isPartial: true });
    expect(await cluster.list({ resource: 'pods' })).toMatchObject({ isPartial: true });
    expect(await cluster.list({ resource: 'pods', namespace: 'pay' })).toEqual({ kind: 'ok', value: [] });
    expect(await cluster.get('pods', 'shop', 'web-3')).toMatchObject({ kind: 'not_captured' });
    expect(names(await cluster.list({ resource: 'events', namespace: 'shop' }))).toEqual(['e1']);
  });

  test('its clock is found without parsing what nobody asked for', async () => {
    const node = `metadata:\n  name: n1\nstatus:\n  conditions:\n  - lastHeartbeatTime: "2026-01-02T04:00:00Z"\n    status: "True"\n    type: Ready\n`;
    writeFiles(folder, {
      'cluster-scoped-resources/core/nodes/n1.yaml': `kind: Node\n${node}`,
      'namespaces/shop/core/events.yaml': 'items:\n- lastTimestamp: "2026-01-02T04:10:00Z"\n  metadata: [damaged\n',
    });
    const cluster = await openDump(folder);
    expect(await cluster.observedAt()).toEqual({ at: '2026-01-02T04:10:00.000Z', ahead: [] });
  });

  test('YAML that is damaged, and links that lead out, are refused', async () => {
    writeFiles(folder, {
      'dump/namespaces/shop/core/pods.yaml': 'items:\n- metadata: [\n',
      'dump/namespaces/pay/core/pods.yaml': listYaml(),
      'outside/core/pods.yaml': listYaml(podYaml('canary', '  ')),
    });
    symlinkSync(join(folder, 'outside'), join(folder, 'dump/namespaces/linked'));
    symlinkSync(join(folder, 'outside/core/pods.yaml'), join(folder, 'dump/namespaces/pay/core/events.yaml'));
    const cluster = await openDump(join(folder, 'dump'));
    expect(await pods(cluster)).toMatch(/^namespaces\/shop\/core\/pods\.yaml is no YAML/);
    expect(await pods(cluster, 'linked')).toBe('namespaces/linked is a link that leads out of the dump');
    expect(names(await cluster.list({ resource: 'events', namespace: 'pay' }))).toBe(
      'namespaces/pay/core/events.yaml is a link that leads out of the dump',
    );
  });
});

test('a support bundle: arrays, links to logs, and what was not collected', async () => {
  writeFiles(folder, {
    'version.yaml': 'x',
    'cluster-resources/pods/shop.json': JSON.stringify([{ metadata: { name: 'web-1', namespace: 'shop' } }]),
    'cluster-resources/pods/pay.json': 'null',
    'cluster-resources/pods-errors.json': '{"infra": "pods is forbidden"}',
    'cluster-resources/pvcs/shop.json': JSON.stringify({
      kind: 'PersistentVolumeClaimList',
      items: [{ metadata: { name: 'data' } }],
    }),
    'cluster-resources/storage-classes.json': JSON.stringify([{ metadata: { name: 'fast' } }]),
    'cluster-resources/pods/logs/shop/web-1/app-previous.log': 'before\n',
    'app-logs/web-1/app.log': '2026-01-02T03:04:05Z its own time\n',
  });
  symlinkSync('../../../../../app-logs/web-1/app.log', join(folder, 'cluster-resources/pods/logs/shop/web-1/app.log'));
  const cluster = await openDump(folder);
  expect(cluster.description).toBe(`support bundle ${folder}`);
  expect(await cluster.get('pods', 'shop', 'web-1')).toMatchObject({ value: { kind: 'Pod', apiVersion: 'v1' } });
  expect(await cluster.get('pods', 'shop', 'gone')).toEqual({ kind: 'ok', value: null });
  expect(await pods(cluster, 'pay')).toEqual([]);
  expect(await pods(cluster, 'infra')).toBe('namespace "infra" is not in the support bundle (it has: pay, shop)');
  expect(names(await cluster.list({ resource: 'persistentvolumeclaims' }))).toEqual(['data']);
  expect(names(await cluster.list({ resource: 'storageclasses' }))).toEqual(['fast']);
  expect(names(await cluster.list({ resource: 'nodes' }))).toBe(
    'the support bundle has no cluster-resources/nodes.json',
  );
  expect(await log(cluster, 'app')).toEqual({ kind: 'ok', value: '2026-01-02T03:04:05Z its own time\n' });
  expect(await log(cluster, 'app', true)).toEqual({ kind: 'ok', value: 'before\n' });
  expect(await log(cluster, 'side')).toMatchObject({ kind: 'not_captured' });
});

describe('a file', () => {
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web-1', namespace: 'shop', creationTimestamp: '2026-01-02T03:04:05Z' },
    },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' } },
    { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'e1', namespace: 'shop' } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'token', namespace: 'other' } },
    { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } },
  ];

  test('has what is in it; nothing else is known to be absent', async () => {
    writeFiles(folder, { 'all.json': JSON.stringify({ kind: 'List', apiVersion: 'v1', items: objects }) });
    const path = join(folder, 'all.json');
    const cluster = await openDump(path);
    expect(cluster.description).toBe(`file ${path}`);
    expect(await pods(cluster)).toEqual(['web-1']);
    expect(names(await cluster.list({ resource: 'events', namespace: 'shop' }))).toEqual(['e1']);
    expect(names(await cluster.list({ resource: 'nodes' }))).toEqual(['n1']);
    expect(await cluster.get('deployments', 'shop', 'web')).toMatchObject({
      kind: 'ok',
      value: { kind: 'Deployment' },
    });
    expect((await cluster.observedAt()).at).toBe('2026-01-02T03:04:05.000Z');
    expect(await cluster.get('pods', 'shop', 'web-2')).toMatchObject({ kind: 'not_captured' });
    expect(await cluster.list({ resource: 'services', namespace: 'shop' })).toEqual({
      kind: 'not_captured',
      reason: 'the file has no services of namespace shop',
    });
    expect(await pods(cluster, 'other')).toBe('namespace "other" is not in the file (it has: shop)');
    expect(await log(cluster, 'app')).toEqual({ kind: 'not_captured', reason: 'the file has no logs' });
  });

  test.each([
    ['UTF-16, as PowerShell writes it', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-8 with a mark', (text: string) => Buffer.from(`\ufeff${text}`)],
  ])('in %s', async (_, encode) => {
    for (const [name, text] of [
      ['all.json', JSON.stringify({ kind: 'List', items: objects })],
      ['all.yaml', `kind: List\nitems:\n${podYaml('web-1', '  ').replace('  ', '- ')}`],
    ] as const) {
      writeFileSync(join(folder, name), encode(text));
      expect(await pods(await openDump(join(folder, name)))).toEqual(['web-1']);
    }
  });

  test('a typed list says what its items are, before them or behind', async () => {
    const item = { metadata: { name: 'web-1', namespace: 'shop' } };
    writeFiles(folder, {
      'raw.json': JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [item] }),
      'sorted.json': JSON.stringify({ apiVersion: 'v1', items: [item], kind: 'PodList', metadata: {} }),
      'sorted.yaml': listYaml('  metadata:\n    name: web-1\n    namespace: shop\n'),
    });
    for (const name of ['raw.json', 'sorted.json', 'sorted.yaml']) {
      const cluster = await openDump(join(folder, name));
      expect(await cluster.get('pods', 'shop', 'web-1')).toMatchObject({ value: { kind: 'Pod', apiVersion: 'v1' } });
    }
  });

  test('what `kubectl cluster-info dump` prints: Lists one after the other, and logs', async () => {
    const list = (kind: string, items: readonly object[]): string =>
      `${JSON.stringify({ kind: `${kind}List`, apiVersion: 'v1', metadata: {}, items }, null, 4)}\n`;
    const section = (container: string, text: string): string =>
      `==== START logs for container ${container} of pod shop/web-1 ====\n${text}==== END logs for container ${container} of pod shop/web-1 ====\n`;
    const text =
      list('Node', [{ metadata: { name: 'n1' } }]) +
      list('Event', []) +
      list('Pod', [
        { metadata: { name: 'web-1', namespace: 'shop' } },
        { metadata: { name: 'api', namespace: 'pay' } },
      ]) +
      section('app', 'one\n{"a": 1}\n{"b": 2}\n') +
      section('side', 'Request log error: container "side" is waiting to start\n') +
      list('Service', [{ metadata: { name: 'web', namespace: 'shop' } }]) +
      section('cut', 'the end').split('==== END')[0];
    writeFiles(folder, {
      'dump.txt': text,
      'lines.json': '{"items":[\n{"kind":"Node","metadata":{"name":"a"}},\n{"kind":"Node","metadata":{"name":"b"}}]}',
    });
    const cluster = await openDump(join(folder, 'dump.txt'));
    expect(await pods(cluster)).toEqual(['web-1']);
    expect(await pods(cluster, 'pay')).toEqual(['api']);
    expect(names(await cluster.list({ resource: 'services' }))).toEqual(['web']);
    expect(names(await cluster.list({ resource: 'nodes' }))).toEqual(['n1']);
    expect(await log(cluster, 'app')).toEqual({ kind: 'ok', value: 'one\n{"a": 1}\n{"b": 2}\n' });
    expect(await log(cluster, 'app', false, 1)).toEqual({ kind: 'ok', value: '{"b": 2}\n' });
    expect(await log(cluster, 'cut')).toMatchObject({ kind: 'ok', value: expect.stringMatching(/^the end/) as string });
    expect(await log(cluster, 'side')).toEqual({
      kind: 'not_captured',
      reason: 'kubectl could not get this log: container "side" is waiting to start',
    });
    expect(await log(cluster, 'app', true)).toMatchObject({ kind: 'not_captured' });
    // A list with an item on each line is one document.
    expect(names(await (await openDump(join(folder, 'lines.json'))).list({ resource: 'nodes' }))).toEqual(['a', 'b']);
  });

  test.each([
    ['{"items": []}', 'has no object that an investigation reads (0 of other kinds)'],
    ['{"items": [', 'is no archive (.tar, .tar.gz) of a captured cluster, and is not JSON'],
    ['hello', 'is no archive (.tar, .tar.gz) of a captured cluster, and is neither JSON nor YAML of objects'],
  ])('%j is refused', async (text, reason) => {
    writeFiles(folder, { file: text });
    const open = openDump(join(folder, 'file'));
    await expect(open).rejects.toMatchObject({ code: 'ClusterUnavailable', message: expect.stringContaining(reason) });
  });
});

describe('which form it is', () => {
  const dump = { 'nodes.json': '{"items": []}', 'shop/pods.json': '{"items": []}' };
  const below = (path: string, files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`${path}/${name}`, text]));
  const formOf = async (): Promise<string> => (await openDump(folder)).description.replace(` ${folder}`, '');

  test.each([
    ['dump', below('incident-42', dump)],
    ['dump', { 'nodes.yaml': 'items: []\n', 'shop/pods.yaml': listYaml() }],
    ['dump', { ...dump, 'cluster-resources/pods.json': '{}', 'namespaces/pods.json': '{}' }],
    ['must-gather', below('a/b', { 'cluster-scoped-resources/core/nodes/n1.yaml': '' })],
    ['support bundle', below('bundle', { 'cluster-resources/nodes.json': '[]' })],
  ])('a %s', async (form, files) => {
    writeFiles(folder, files);
    expect(await formOf()).toBe(form);
  });

  test('two captures beside each other have to be told apart', async () => {
    writeFiles(folder, { ...below('monday', dump), ...below('tuesday', dump) });
    await expect(openDump(folder)).rejects.toThrow(
      'is no cluster dump, it holds 2 (monday, tuesday): name one of them',
    );
  });

  test('of none of them it is said what was tried', async () => {
    writeFiles(folder, { 'readme/a.txt': 'x', 'package.json': '{"name": "x"}' });
    await expect(openDump(folder)).rejects.toThrow(
      `${folder} is no cluster dump (it has neither nodes.json nor a folder with a namespace's lists), ` +
        'no must-gather (it has neither cluster-scoped-resources nor namespaces/NAME/core), ' +
        'no support bundle (it has no cluster-resources with pods or nodes.json), ' +
        'and has no JSON or YAML of objects that an investigation reads',
    );
  });
});
