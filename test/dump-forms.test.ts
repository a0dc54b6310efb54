import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readCases } from '../src/app/evaluation/cases.ts';
import { evaluate } from '../src/app/evaluation/evaluate.ts';
import { alertOfObject, chooseAlerts } from '../src/app/investigate.ts';
import type { Cluster } from '../src/core/cluster.ts';
import type { AgentResult } from '../src/core/finding.ts';
import type { AlertSnapshot } from '../src/core/run.ts';
import { investigate } from '../src/investigation/investigate.ts';
import { scan } from '../src/investigation/scan.ts';
import { openDump } from '../src/kube/dump/dump.ts';
import { createCleanup } from './support/cleanup.ts';
import { mustGather, oneList, readCaptured, readFiles, supportBundle, writeFiles } from './support/dump-forms.ts';
import type { Files } from './support/dump-forms.ts';
import { makeTar } from './support/tar.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const example = fileURLToPath(new URL('../examples/oom-crash-loop', import.meta.url));
const files = readFiles(join(example, 'dump'));
const captured = readCaptured(files);
const alert = readFileSync(join(example, 'alert.json'), 'utf8');
const now = () => '2026-12-01T00:00:00.000Z';
const { signal } = new AbortController();

const folder = (content: Files): string => {
  const path = cleanup.temporaryFolder('forms');
  writeFiles(path, content);
  return path;
};
const file = (name: string, content: string | Buffer): string => {
  const path = join(cleanup.temporaryFolder('forms'), name);
  writeFileSync(path, content);
  return path;
};
const tarOf = (content: Files, below: string): Buffer =>
  makeTar(Object.entries(content).map(([path, text]) => ({ path: `${below}/${path}`, content: text })));

const ways: readonly (readonly [string, () => string])[] = [
  ['a must-gather', () => folder(mustGather(captured))],
  ['a support bundle', () => folder(supportBundle(captured))],
  ['a .tar of a dump', () => file('dump.tar', tarOf(files, './incident-42'))],
  [
    'a .tar.gz of a must-gather',
    () => file('must-gather.tgz', gzipSync(tarOf(mustGather(captured), 'must-gather.local.1/quay-io-x'))),
  ],
  ['a .tar.gz of a support bundle', () => file('bundle.tar.gz', gzipSync(tarOf(supportBundle(captured), 'bundle')))],
];

async function answer(cluster: Cluster, [first, ...others]: readonly AlertSnapshot[]): Promise<AgentResult> {
  const { result } = await investigate({
    cluster,
    alert: first ?? null,
    others,
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now,
    signal,
  });
  return result;
}

async function causeIn(path: string): Promise<{ cause: string | null; logs: number; broken: readonly string[] }> {
  const cluster = await openDump(path);
  const result = await answer(cluster, await chooseAlerts(alert, null));
  const { broken } = await scan(cluster, null, now, signal);
  await cluster.close();
  const logs = result.evidence.filter(({ kind }) => kind === 'logs').length;
  return { cause: result.root_cause, logs, broken: broken.map(({ object, cause }) => `${object}: ${cause}`) };
}

test.each(ways)('%s leads to the same answers', async (_, write) => {
  const expected = await causeIn(join(example, 'dump'));
  expect(expected.cause).not.toBeNull();
  expect(await causeIn(write())).toEqual(expected);
});

test.each([
  ['JSON', () => file('all.json', JSON.stringify(oneList(captured)))],
  ['YAML', () => file('all.yaml', stringify(oneList(captured)))],
  [
    'YAML of several documents',
    () => file('all.txt', captured.lists.flatMap(({ items }) => items.map((item) => stringify(item))).join('---\n')),
  ],
  [
    'JSON in files beside each other',
    () =>
      folder(
        Object.fromEntries(
          captured.lists.flatMap(({ resource, namespace, items }) =>
            items.length === 0
              ? []
              : [[`${resource}-${namespace ?? ''}.json`, JSON.stringify({ kind: 'List', items })]],
          ),
        ),
      ),
  ],
])('%s of `kubectl get` leads to the cause without logs', async (_, write) => {
  const expected = await causeIn(join(example, 'dump'));
  const { cause, broken } = await causeIn(write());
  expect(cause).toContain('memory');
  expect(broken.map((line) => line.split(':')[0])).toEqual(expected.broken.map((line) => line.split(':')[0]));
});

test('a case of `fist eval` may have an archive or a file', async () => {
  const expected = JSON.stringify({ cause: ['memory'] });
  const cases = folder({
    'archive/alert.json': alert,
    'archive/expected.json': expected,
    'file/alert.json': alert,
    'file/expected.json': expected,
    'file/dump.yaml': stringify(oneList(captured)),
  });
  writeFileSync(join(cases, 'archive', 'dump.tar.gz'), gzipSync(tarOf(mustGather(captured), 'x')));
  const { outcomes } = await evaluate(await readCases(cases), { now: () => 0 });
  expect(outcomes.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(['archive right', 'file right']);
});

test('of single objects nothing is said because another is not among them; a list says it', async () => {
  const meta = (name: string, more: object = {}) => ({
    metadata: { name, namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z', ...more },
  });
  const backend = { service: { name: 'absent', port: { number: 80 } } };
  const objects = [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status: {} },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      ...meta('api'),
      spec: { nodeName: 'n9', containers: [{ name: 'api' }] },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T01:00:00Z' }],
      },
    },
    { apiVersion: 'v1', kind: 'Service', ...meta('web'), spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      ...meta('alias'),
      spec: { type: 'ExternalName', externalName: 'absent.shop.svc.cluster.local' },
    },
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', ...meta('front'), spec: { defaultBackend: backend } },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      ...meta('data'),
      spec: { storageClassName: 'fast' },
      status: { phase: 'Pending' },
    },
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'slow' }, provisioner: 'p' },
    { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'other' }, spec: {}, status: {} },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      ...meta('agent'),
      spec: { template: { spec: { nodeSelector: { gpu: 'yes' } } } },
      status: { desiredNumberScheduled: 0 },
    },
  ];
  const list = file('list.yaml', stringify({ kind: 'List', items: objects }));
  const single = file('single.yaml', objects.map((one) => stringify(one)).join('---\n'));
  const broken = async (path: string) => (await scan(await openDump(path), 'shop', now, signal)).broken;
  expect((await broken(list)).map(({ category }) => category).sort()).toEqual([
    'claim-class-missing',
    'node-gone',
    'service-alias',
  ]);
  expect(await broken(single)).toEqual([]);
  for (const object of ['service/web', 'ingress/front', 'daemonset/agent']) {
    const cause = async (path: string) =>
      (await answer(await openDump(path), [alertOfObject(object, 'shop')])).root_cause;
    expect(await cause(list)).not.toBeNull();
    expect(await cause(single)).toBeNull();
  }
});
