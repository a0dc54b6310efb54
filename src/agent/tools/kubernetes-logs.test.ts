import { describe, expect, it } from 'vitest';
import { memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import type { MemoryOptions } from '../../../test/support/memory-cluster.ts';
import { callTools, dataOf } from '../../../test/support/toolbox.ts';
import { openDump } from '../../kube/dump/dump.ts';
import { kubernetesLogs } from './kubernetes-logs.ts';

const pod = podObject('web-1', {
  spec: {
    initContainers: [{ name: 'migrate', image: 'm' }],
    containers: [
      { name: 'app', image: 'a' },
      { name: 'proxy', image: 'p' },
    ],
  },
  status: {
    initContainerStatuses: [{ name: 'migrate', restartCount: 0, state: { terminated: { exitCode: 0 } } }],
    containerStatuses: [
      { name: 'app', restartCount: 2, state: { running: {} }, lastState: { terminated: { exitCode: 1 } } },
      { name: 'proxy', restartCount: 0, state: { running: {} } },
    ],
  },
});
const lines = (count: number, of: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => `${of(index)}\n`).join('');
const logs = {
  'shop/web-1/migrate': 'migrated\n',
  'shop/web-1/app previous': 'starting\npanic: no route\n',
  'shop/web-1/app': lines(
    130,
    (index) => `2026-01-01T11:${String(index % 60).padStart(2, '0')}:00Z INFO request ${index}`,
  ),
};

async function ask(input: object, options: MemoryOptions = { logs }, profile: 'full' | 'compact' = 'full') {
  const { call } = await callTools([kubernetesLogs], memoryCluster({ pods: [pod] }, options), { profile });
  return call('kubernetes_logs', { pod: 'web-1', namespace: 'shop', ...input });
}

describe('kubernetes_logs', () => {
  it('gives the logs of all containers, of the run before the restart too, and says what could not be had', async () => {
    const executed = await ask({ tail: 2 });
    expect(executed).toMatchObject({ status: 'ok', evidence: { kind: 'logs', object: 'pod/shop/web-1' } });
    expect(dataOf(executed)).toBe(
      `$ { kubectl logs -n shop web-1 --all-containers --prefix --previous --tail=2; kubectl logs -n shop web-1 --all-containers --prefix --tail=2; }
== container migrate, run that goes on or ended last: 1 line
migrated
== container app, run before the last restart: 2 lines
starting
panic: no route
== container app, run that goes on or ended last: 130 lines
2026-01-01T11:08:00Z INFO request 128
2026-01-01T11:09:00Z INFO request 129
[the last 2 are shown: raise tail, or narrow with filter, exclude, since or until]
== container proxy, run that goes on or ended last: could not be read: no such log`,
    );
  });

  it('filters with RE2, and says how many fit', async () => {
    const executed = await ask({ container: 'app', run: 'current', filter: 'request 1[01]\\b', exclude: '1{2}' });
    expect(dataOf(executed)).toBe(
      `$ kubectl logs -n shop web-1 -c app --tail=100 | grep -E -e 'request 1[01]\\b' | grep -v -E -e '1{2}'
== container app, run that goes on or ended last: 0 of 130 lines fit`,
    );
    expect(executed.status).toBe('no_data');
    expect(dataOf(await ask({ container: 'app', filter: 'panic|request 7$' }))).toMatch(
      /1 of 2 lines fit\npanic: no route\n.*1 of 130 lines fit\n.*request 7$/s,
    );
    for (const filter of ['(', '(?=a)', '(a+)+\\1', 'a{1000}{1000}', '(?:[a-z]{50}){9}'])
      expect(await ask({ filter }), filter).toMatchObject({ status: 'error', reason: 'InvalidInput' });
  });

  it('keeps to a window of time where the lines have times', async () => {
    const inWindow = await ask({ container: 'app', run: 'current', since: '2026-01-01T11:30:00Z', until: '29m' });
    expect(dataOf(inWindow)).toMatch(/: 4 of 130 lines fit\n.*T11:30:00Z.* 30\n.*T11:31:00Z.* 31\n.*90\n.* 91$/);
    expect(dataOf(await ask({ container: 'app', run: 'previous', since: '15m' }))).toContain(
      '[no line has a time, so since and until were not applied]',
    );
    for (const since of ['yesterday', '-5m', '2026-13-01T00:00:00Z', '5'])
      expect((await ask({ since })).reason, since).toBe('InvalidInput');
  });

  it('looks further back where something is searched for', async () => {
    const asked: number[] = [];
    const cluster = memoryCluster({ pods: [pod] }, { logs });
    const { call } = await callTools([kubernetesLogs], {
      ...cluster,
      logs: async (query) => {
        asked.push(query.tailLines);
        return cluster.logs(query);
      },
    });
    const input = { pod: 'web-1', namespace: 'shop', container: 'app', run: 'current' };
    await call('kubernetes_logs', input);
    await call('kubernetes_logs', { ...input, filter: 'x' });
    await call('kubernetes_logs', { ...input, filter: 'y' });
    expect(asked).toEqual([500, 10_000]);
  });

  it('shares the room of an answer between containers and keeps the ends', async () => {
    const long = {
      'shop/web-1/app': lines(400, (index) => `app says ${index} ${'x'.repeat(60)}`),
      'shop/web-1/proxy': lines(400, (index) => `proxy says ${index} ${'y'.repeat(60)}`),
    };
    for (const profile of ['full', 'compact'] as const) {
      const executed = await ask({ run: 'current', tail: 400 }, { logs: long }, profile);
      expect(executed.text).toMatch(/app says 399 .*proxy says 399 /s);
      expect(executed.text).toContain('narrow with container, run, filter, exclude, since or until');
      expect(Buffer.byteLength(executed.text)).toBeLessThan(profile === 'full' ? 8500 : 2500);
    }
  });

  it('says what is wrong with what was asked for', async () => {
    expect(await ask({ pod: 'gone' })).toMatchObject({
      status: 'no_data',
      evidence: { excerpt: 'pod/shop/gone does not exist.' },
    });
    expect((await ask({ container: 'db' })).text).toContain(
      'pod web-1 has no container db; it has: migrate, app, proxy',
    );
    expect((await ask({ container: 'proxy', run: 'previous' })).text).toContain('so there is no previous run');
    expect(await ask({ pod: '--previous' })).toMatchObject({ reason: 'InvalidInput' });
    expect(await ask({ namespace: 'kube-system' })).toMatchObject({ status: 'denied' });
    const hidden = { logs, instead: { 'get pods': { kind: 'forbidden', reason: 'no right' } } } as const;
    expect(await ask({}, hidden)).toMatchObject({ status: 'error', reason: 'Forbidden' });
    expect(await ask({ container: 'app' }, hidden)).toMatchObject({ status: 'ok' });
    const none = { instead: { 'logs ': { kind: 'forbidden', reason: 'no right' } } } as const;
    expect(await ask({}, none)).toMatchObject({ status: 'error', reason: 'NotCaptured', evidence: null });
  });

  it('reads the logs of a captured cluster, redacted', async () => {
    const { call } = await callTools([kubernetesLogs], await openDump('examples/oom-crash-loop/dump'));
    const executed = await call('kubernetes_logs', { pod: 'checkout-5577bf7884-59zsl', namespace: 'shop' });
    expect(executed.status).toBe('ok');
    expect(dataOf(executed)).toMatch(/== container checkout, run before the last restart: \d+ lines/);
  });
});
