import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readCases } from '../src/app/evaluation/cases.ts';
import { evaluate } from '../src/app/evaluation/evaluate.ts';
import { chooseAlerts } from '../src/app/investigate.ts';
import { investigate } from '../src/investigation/investigate.ts';
import { scan } from '../src/investigation/scan.ts';
import { openDump } from '../src/kube/dump.ts';
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

async function causeIn(path: string): Promise<{ cause: string | null; logs: number; broken: readonly string[] }> {
  const cluster = await openDump(path);
  const [first = null, ...others] = await chooseAlerts(alert, null);
  const { result } = await investigate({
    cluster,
    alert: first,
    others,
    goal: '',
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now,
    signal,
    maxIterations: 0,
  });
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
  const { outcomes } = await evaluate(await readCases(cases), () => 0);
  expect(outcomes.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(['archive right', 'file right']);
});
