import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cluster, UsageQuery } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { openDump } from './dump.ts';
import { parseLogSections, sectionMarkers } from '../live/logs.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dump-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function write(path: string, content: unknown): void {
  const file = join(directory, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 4));
}

const pod = (name: string, extra: object = {}): object => ({
  metadata: { name, namespace: 'shop', creationTimestamp: '2026-01-02T03:04:05Z', ...extra },
});

function writeShop(at = ''): void {
  write(`${at}nodes.json`, { kind: 'NodeList', apiVersion: 'v1', items: [{ metadata: { name: 'n1' } }] });
  write(`${at}shop/pods.json`, {
    kind: 'PodList',
    apiVersion: 'v1',
    items: [pod('web-1', { labels: { app: 'web' } }), pod('api-1', { labels: { app: 'api' } })],
  });
  write(`${at}shop/events.json`, {
    kind: 'EventList',
    items: [{ metadata: { name: 'e.1' }, lastTimestamp: null, eventTime: '2026-01-02T04:00:00.123456Z' }],
  });
  write(`${at}shop/jobs.json`, { kind: 'List', items: null });
}

const refusal = async (open: Promise<unknown>): Promise<AppError> => {
  const error = await open.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
};

describe('openDump', () => {
  test('reads lists and objects, and gives items their type', async () => {
    writeShop();
    const cluster = await openDump(directory);
    expect(cluster.description).toBe(`dump ${directory}`);
    expect(await cluster.get('pods', 'shop', 'web-1')).toMatchObject({
      kind: 'ok',
      value: { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'web-1' } },
    });
    expect(await cluster.get('nodes', null, 'n1')).toMatchObject({ kind: 'ok', value: { kind: 'Node' } });
    const listed = await cluster.list({ resource: 'pods', namespace: 'shop', labels: { app: 'api' } });
    expect(listed.kind === 'ok' && listed.value.map((object) => object.metadata.name)).toEqual(['api-1']);
    const everywhere = await cluster.list({ resource: 'pods' });
    expect(everywhere.kind === 'ok' && everywhere.value.length).toBe(2);
  });

  test('tells what is absent from what was not captured', async () => {
    writeShop();
    const cluster = await openDump(directory);
    expect(await cluster.get('pods', 'shop', 'gone')).toEqual({ kind: 'ok', value: null });
    expect(await cluster.list({ resource: 'jobs', namespace: 'shop' })).toEqual({ kind: 'ok', value: [] });
    expect(await cluster.get('configmaps', 'shop', 'settings')).toEqual({
      kind: 'not_captured',
      reason: 'the dump has no shop/configmaps.json',
    });
    expect(await cluster.get('pods', 'other', 'x')).toMatchObject({ kind: 'not_captured' });
    expect(await cluster.list({ resource: 'ingresses' })).toMatchObject({ kind: 'not_captured' });
    expect(await cluster.get('persistentvolumes', null, 'x')).toMatchObject({ kind: 'not_captured' });
  });

  test('what pods and nodes used is read where it was captured, and no data is told from no capture', async () => {
    writeShop();
    write('web/pods.json', { kind: 'PodList', items: [] });
    const usage = (query: UsageQuery) => openDump(directory).then((dump) => dump.usage?.(query));
    expect(await usage({ of: 'pods', namespace: 'shop' })).toEqual({
      kind: 'not_captured',
      reason: 'the dump has no shop/podmetrics.json',
    });
    expect(await usage({ of: 'pods', namespace: null })).toMatchObject({ kind: 'not_captured' });
    expect(await usage({ of: 'nodes', namespace: null })).toMatchObject({ kind: 'not_captured' });
    expect(await usage({ of: 'pods', namespace: '../x' })).toMatchObject({ kind: 'not_captured' });
    const used = {
      metadata: { name: 'web-1', namespace: 'shop' },
      containers: [{ name: 'app', usage: { memory: '1Mi' } }],
    };
    write('shop/podmetrics.json', { kind: 'PodMetricsList', items: [used] });
    write('nodemetrics.json', { kind: 'NodeMetricsList', items: [{ metadata: { name: 'n1' }, usage: { cpu: '1' } }] });
    for (const namespace of ['shop', null])
      expect(await usage({ of: 'pods', namespace })).toMatchObject({ kind: 'ok', value: [used] });
    expect(await usage({ of: 'pods', namespace: 'web' })).toMatchObject({ kind: 'not_captured' });
    expect(await usage({ of: 'nodes', namespace: null })).toMatchObject({
      kind: 'ok',
      value: [{ usage: { cpu: '1' } }],
    });
  });

  test('reads logs and previous logs by container', async () => {
    writeShop();
    const section = (container: string, text: string): string =>
      `==== START logs for container ${container} of pod shop/web-1 ====\n${text}==== END logs for container ${container} of pod shop/web-1 ====\n`;
    write(
      'shop/web-1/logs.txt',
      section('init', '') +
        section('app', 'one\ntwo\nthree') +
        section('side', 'Request log error: container "side" is waiting to start\n'),
    );
    write('shop/web-1/previous.txt', section('app', 'before\n'));
    const cluster = await openDump(directory);
    const read = (container: string, previous = false, tailLines = 100) =>
      cluster.logs({ namespace: 'shop', pod: 'web-1', container, previous, tailLines });
    expect(await read('app')).toEqual({ kind: 'ok', value: 'one\ntwo\nthree' });
    expect(await read('app', false, 2)).toEqual({ kind: 'ok', value: 'two\nthree' });
    expect(await read('init')).toEqual({ kind: 'ok', value: '' });
    expect(await read('side')).toEqual({
      kind: 'not_captured',
      reason: 'kubectl could not get this log: container "side" is waiting to start',
    });
    expect(await read('app', true)).toEqual({ kind: 'ok', value: 'before\n' });
    expect(await read('side', true)).toMatchObject({ kind: 'not_captured' });
    expect(
      await cluster.logs({ namespace: 'shop', pod: 'api-1', container: 'app', previous: false, tailLines: 5 }),
    ).toMatchObject({ kind: 'not_captured' });
  });

  test('markers in a log cost linear time and take nothing from other containers', () => {
    const forged = '==== START logs for container a of pod shop/web ====\n'.repeat(60_000);
    const app = `==== START logs for container app of pod shop/web ====\n${forged}==== END logs for container app of pod shop/web ====`;
    const side =
      '\n==== START logs for container side of pod shop/web ====\nup==== END logs for container side of pod shop/web ====\n';
    const before = process.threadCpuUsage();
    expect(parseLogSections(app + side, 'shop', 'web')).toEqual([
      { container: 'app', text: forged },
      { container: 'side', text: 'up' },
    ]);
    expect(parseLogSections(forged, 'shop', 'web')).toHaveLength(60_000);
    expect(parseLogSections(forged, 'shop', 'other')).toEqual([]);
    expect(process.threadCpuUsage(before).user).toBeLessThan(2_000_000);
  });

  test('a name never leaves the folder', async () => {
    writeShop();
    write('outside.txt', 'secret');
    const cluster = await openDump(join(directory));
    for (const name of ['../shop', '..', 'shop/../..', '/etc', '']) {
      expect(await cluster.list({ resource: 'pods', namespace: name })).toMatchObject({ kind: 'not_captured' });
      expect(
        await cluster.logs({ namespace: 'shop', pod: name, container: 'x', previous: false, tailLines: 1 }),
      ).toMatchObject({ kind: 'not_captured' });
      expect(await cluster.get('pods', 'shop', name)).toEqual({ kind: 'ok', value: null });
    }
  });

  describe.skipIf(process.platform === 'win32')('refused, with what, where and why, and never taken for absent', () => {
    const logsOf = (cluster: Cluster, pod: string) =>
      cluster.logs({ namespace: 'shop', pod, container: 'app', previous: false, tailLines: 5 });
    const outside = (path: string, content: string): string => {
      const file = join(directory, 'outside', path);
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, content);
      return file;
    };
    const dump = (): string => join(directory, 'dump');

    beforeEach(() => {
      writeShop('dump/');
      mkdirSync(join(dump(), 'shop', 'web-1'));
    });

    test('links that leave the folder, directly and through a folder', async () => {
      symlinkSync(outside('services.json', '{"items": []}'), join(dump(), 'shop', 'services.json'));
      symlinkSync(outside('canary/logs.txt', 'canary'), join(dump(), 'shop', 'web-1', 'logs.txt'));
      symlinkSync(join(directory, 'outside', 'canary'), join(dump(), 'shop', 'api-1'));
      const cluster = await openDump(dump());
      const reason = (place: string) => ({
        kind: 'not_captured',
        reason: `${place} is a link that leads out of the dump`,
      });
      expect(await cluster.list({ resource: 'services', namespace: 'shop' })).toEqual(reason('shop/services.json'));
      expect(await cluster.list({ resource: 'services' })).toEqual(reason('shop/services.json'));
      expect(await logsOf(cluster, 'web-1')).toEqual(reason('shop/web-1/logs.txt'));
      expect(await logsOf(cluster, 'api-1')).toEqual(reason('shop/api-1/logs.txt'));
    });

    test('a namespace that is such a link: nothing that is asked of all namespaces is complete', async () => {
      outside('elsewhere/pods.json', '{"items": []}');
      symlinkSync(join(directory, 'outside', 'elsewhere'), join(dump(), 'elsewhere'));
      symlinkSync('shop', join(dump(), 'again'));
      const cluster = await openDump(dump());
      const refused = { kind: 'not_captured', reason: 'elsewhere is a link that leads out of the dump' };
      expect(await cluster.list({ resource: 'pods', namespace: 'elsewhere' })).toEqual(refused);
      expect(await cluster.list({ resource: 'pods' })).toEqual(refused);
      expect(await cluster.list({ resource: 'pods', namespace: 'again' })).toMatchObject({ kind: 'ok' });
    });

    test('links to nothing and to themselves', async () => {
      symlinkSync('absent.json', join(dump(), 'shop', 'services.json'));
      symlinkSync('daemonsets.json', join(dump(), 'shop', 'daemonsets.json'));
      const cluster = await openDump(dump());
      expect(await cluster.list({ resource: 'services' })).toMatchObject({
        reason: 'shop/services.json is a link to something that is not there',
      });
      expect(await cluster.list({ resource: 'daemonsets' })).toMatchObject({
        reason: 'shop/daemonsets.json is a link that leads to itself',
      });
    });

    test('pipes, devices, sockets and folders: nothing waits for them', async () => {
      execFileSync('mkfifo', [join(dump(), 'shop', 'services.json')]);
      symlinkSync('/dev/zero', join(dump(), 'shop', 'ingresses.json'));
      mkdirSync(join(dump(), 'shop', 'configmaps.json'));
      const socket = createServer();
      await new Promise<void>((resolve) => socket.listen(join(dump(), 'shop', 'daemonsets.json'), resolve));
      const cluster = await openDump(dump());
      const reasons = await Promise.all(
        (['services', 'ingresses', 'configmaps', 'daemonsets'] as const).map(async (resource) => {
          const result = await cluster.list({ resource });
          return result.kind === 'not_captured' && result.reason;
        }),
      );
      await new Promise((resolve) => socket.close(resolve));
      expect(reasons).toEqual([
        'shop/services.json is a pipe, not a file',
        'shop/ingresses.json is a link that leads out of the dump',
        'shop/configmaps.json is a folder, not a file',
        'shop/daemonsets.json is a socket, not a file',
      ]);
      expect((await cluster.observedAt()).at).toBe('2026-01-02T04:00:00.123Z');
    });

    test('files beyond the limits', async () => {
      const cluster = await openDump(dump(), { maxListBytes: 50, maxLogBytes: 1000 });
      expect(await cluster.list({ resource: 'pods' })).toMatchObject({
        kind: 'not_captured',
        reason: expect.stringMatching(/^shop\/pods\.json has \d+ bytes, more than the 50 that are read$/),
      });
    });
  });

  test('of a log that is too large the end is read', async () => {
    writeShop();
    const lines = (name: string) => Array.from({ length: 100 }, (_, at) => `${name} line ${at}\n`).join('');
    const section = (container: string) => {
      const { start, end } = sectionMarkers('shop', 'web-1', container);
      return `${start}\n${lines(container)}${end}\n`;
    };
    write('shop/web-1/logs.txt', section('init') + section('app') + section('proxy'));
    const cluster = await openDump(directory, { maxListBytes: 10_000, maxLogBytes: 2500 });
    const logsOf = (container: string, tailLines: number) =>
      cluster.logs({ namespace: 'shop', pod: 'web-1', container, previous: false, tailLines });
    expect(await logsOf('proxy', 2)).toEqual({ kind: 'ok', value: 'proxy line 98\nproxy line 99\n' });
    expect(await logsOf('proxy', 1000)).toEqual({ kind: 'ok', value: lines('proxy') });
    // Its beginning is not read; the first line may be a part of one.
    const app = await logsOf('app', 1000);
    expect(app).toMatchObject({ kind: 'ok', value: expect.stringMatching(/^app line [1-9]\d\n(?:app line \d\d\n)+$/) });
    expect(await logsOf('init', 2)).toMatchObject({ kind: 'not_captured' });
  });

  test('its clock is the newest time in it', async () => {
    writeShop();
    const cluster = await openDump(directory);
    const observation = await cluster.observedAt();
    expect(observation.at).toBe('2026-01-02T04:00:00.123Z');
    // Looked for once.
    expect(await cluster.observedAt()).toBe(observation);
  });

  test('refuses what is no dump, with the next command', async () => {
    const absent = await refusal(openDump(join(directory, 'absent')));
    expect(absent).toMatchObject({ code: 'ClusterUnavailable', retryable: false });
    expect(absent.next).toContain('kubectl cluster-info dump');
    write('readme/a.txt', 'x');
    expect((await refusal(openDump(directory))).message).toContain('is no cluster dump');
    write('shop/pods.json', '{"items": [');
    const cluster = await openDump(directory);
    expect((await refusal(cluster.list({ resource: 'pods', namespace: 'shop' }))).message).toContain('is not JSON');
    // What is mended is read anew.
    write('shop/pods.json', '{"items": []}');
    expect(await cluster.list({ resource: 'pods', namespace: 'shop' })).toEqual({ kind: 'ok', value: [] });
  });
});
