import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { ended, looping } from '../../../test/support/ended-container.ts';
import { eventObject, memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { openReads } from '../../investigation/reads.ts';
import { podCrash } from './pod-crash.ts';
import { podMemory } from './pod-memory.ts';

const node = { kind: 'Node', name: 'n1' };
const killed = (spec: object = {}) => podObject('web-1', { spec, state: looping(ended('OOMKilled', 137)) });
const nodeEvent = (reason: string, message: string, extra: object = {}) =>
  eventObject(node, reason, message, {
    metadata: { name: `n1.${reason}`, namespace: 'default' },
    lastTimestamp: '2026-01-01T11:58:30Z',
    ...extra,
  });

describe('pod-memory', () => {
  test('a loop of kills began when the pod was last ready', async () => {
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T11:20:00Z' }];
    const pod = podObject('web-1', { status: { conditions }, state: looping(ended('OOMKilled', 137)) });
    expect((await analyze(podMemory, 'pod', pod))[0]?.when.from).toBe('2026-01-01T11:20:00.000Z');
    expect((await analyze(podMemory, 'pod', killed()))[0]?.when.from).toBe('2026-01-01T11:58:34.000Z');
  });

  test('the limit of the container: limit, exit code, time and restarts come from the objects', async () => {
    const logs = { 'shop/web-1/app previous': 'memory 255 of 256 MiB\n' };
    const findings = await analyze(podMemory, 'pod', killed(), {}, { logs });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      category: 'oom-killed',
      severity: 'critical',
      object: 'pod/shop/web-1',
      description:
        'Container app of pod web-1 was OOMKilled (exit code 137) at 2026-01-01 11:58:34 UTC, 1m34s after it started; its memory limit is 256Mi; 7 restarts.',
      cause: 'Container app was OOMKilled: it needs more than its memory limit of 256Mi.',
      decisive: true,
      facts: { container: 'app', exit_code: '137', memory_limit: '256Mi', restarts: '7' },
    });
    expect(findings[0]?.evidence.map((evidence) => evidence.read.kind)).toEqual(['object', 'logs']);
    // The crash loop follows from the kill, so it is not a cause of its own.
    expect((await analyze(podCrash, 'pod', killed()))[0]).toMatchObject({ category: 'crash-loop', cause: null });
  });

  test('the limit of the whole pod, and advice that does not touch one container', async () => {
    const spec = { containers: [{ name: 'app' }], resources: { limits: { memory: '512Mi' } } };
    const [finding] = await analyze(podMemory, 'pod', killed(spec));
    expect(finding).toMatchObject({ category: 'pod-memory-limit', decisive: true });
    expect(finding?.cause).toContain('pod-level memory limit of 512Mi');
    const place = { namespace: 'shop', pod: 'web-1', container: 'app', workload: 'deployment/web' };
    const advice = podMemory.categories['pod-memory-limit'].advice(finding as never, place);
    expect(JSON.stringify(advice)).not.toContain('-c app');
  });

  test('no limit: the node only where it says that it had no memory left', async () => {
    const spec = { containers: [{ name: 'app' }] };
    const [unknown] = await analyze(podMemory, 'pod', killed(spec));
    expect(unknown).toMatchObject({ category: 'oom-killed', pointers: [{ kind: 'node', name: 'n1' }] });
    expect(unknown?.cause).toBe(
      'Container app was OOMKilled. No memory limit is set on it or on its pod, and nothing that was read says whose memory ran out.',
    );
    const events = [nodeEvent('SystemOOM', 'System OOM encountered, victim process: java, pid: 4242')];
    const [proved] = await analyze(podMemory, 'pod', killed(spec), { events });
    expect(proved).toMatchObject({ category: 'node-oom', decisive: true, pointers: [{ kind: 'node', name: 'n1' }] });
    expect(proved?.cause).toContain(
      'its node n1 was out of memory (SystemOOM: System OOM encountered, victim process: java',
    );
    const other = [
      nodeEvent('SystemOOM', 'System OOM encountered, victim process: java', {
        firstTimestamp: '2026-01-01T09:00:00Z',
        lastTimestamp: '2026-01-01T09:00:00Z',
      }),
    ];
    expect((await analyze(podMemory, 'pod', killed(spec), { events: other }))[0]?.category).toBe('oom-killed');
  });

  test('a limit of its own, while the kernel reports a kill: the node only where nothing says that the limit was reached', async () => {
    const system = (times: object = {}) =>
      nodeEvent('SystemOOM', 'System OOM encountered, victim process: java', times);
    const once = podObject('web-1', { state: { ...looping(ended('OOMKilled', 137)), restartCount: 1 } });
    const [ofNode] = await analyze(podMemory, 'pod', once, { events: [system()] });
    expect(ofNode).toMatchObject({ category: 'node-oom', decisive: false });
    expect(ofNode?.cause).toContain('Nothing says that its own limit of 256Mi was reached.');
    const group = nodeEvent('OOMKilling', 'Memory cgroup out of memory: Killed process 17 (java) total-vm:1kB', {
      lastTimestamp: '2026-01-01T11:58:29Z',
    });
    const [own] = await analyze(podMemory, 'pod', once, { events: [group, system()] });
    expect(own).toMatchObject({ category: 'oom-killed', decisive: true, facts: { memory_limit: '256Mi' } });
    // A row of reports that goes on for hours says nothing of this moment.
    const row = system({ firstTimestamp: '2026-01-01T09:00:00Z', lastTimestamp: '2026-01-01T12:00:59Z', count: 40 });
    expect((await analyze(podMemory, 'pod', once, { events: [row] }))[0]?.category).toBe('oom-killed');
    // Of seven kills the node reports three.
    expect((await analyze(podMemory, 'pod', killed(), { events: [system()] }))[0]?.category).toBe('oom-killed');
  });

  test('a log is read only where it may answer', async () => {
    const asked = async (pod: object): Promise<readonly string[]> => {
      const cluster = memoryCluster({});
      const reads = await openReads(cluster, () => '2026-01-01T12:00:00.000Z', new AbortController().signal);
      const object = pod as KubernetesObject;
      await podMemory.run(reads, {
        kind: 'pod',
        namespace: 'shop',
        name: 'web-1',
        object,
        relation: 'alert',
        via: null,
      });
      return cluster.asked;
    };
    expect(await asked(podObject('web-1'))).toEqual([]);
    expect(await asked(podObject('web-1', { state: looping(ended('Error', 137)) }))).not.toContainEqual(
      expect.stringContaining('logs'),
    );
  });

  test('a worker that the kernel killed: its parent ends with an error', async () => {
    const log =
      '[2026-01-01 11:58:30 +0000] [1] [ERROR] Worker (pid:17) was sent SIGKILL! Perhaps out of memory?\n[2026-01-01 11:58:34 +0000] [1] [INFO] Shutting down: Master\n';
    const pod = podObject('web-1', { state: looping(ended('Error', 1)) });
    const logs = { 'shop/web-1/app previous': log };
    const events = [
      nodeEvent('OOMKilling', 'Memory cgroup out of memory: Killed process 1609846 (gunicorn) total-vm:1221780kB'),
    ];
    const [proved] = await analyze(podMemory, 'pod', pod, { events }, { logs });
    expect(proved).toMatchObject({ category: 'child-oom', decisive: true });
    expect(proved?.cause).toContain('A process (gunicorn) in container app was killed by the kernel for memory');
    expect(proved?.cause).toContain('The memory limit is 256Mi.');
    const [likely] = await analyze(podMemory, 'pod', pod, {}, { logs });
    expect(likely).toMatchObject({ category: 'child-oom', decisive: false });
    const other = { 'shop/web-1/app previous': 'ERROR child exited: signal: killed\n' };
    expect(await analyze(podMemory, 'pod', pod, {}, { logs: other })).toEqual([]);
  });

  test('SIGKILL while the kernel reports a kill: likely, not proved', async () => {
    const pod = podObject('web-1', { state: looping(ended('Error', 137)) });
    expect(await analyze(podMemory, 'pod', pod)).toEqual([]);
    const events = [nodeEvent('SystemOOM', 'System OOM encountered, victim process: node, pid: 7')];
    const [finding] = await analyze(podMemory, 'pod', pod, { events });
    expect(finding).toMatchObject({ category: 'node-oom', decisive: false });
    expect(finding?.cause).toContain('when its node n1 was out of memory (SystemOOM');
  });

  test('a container that runs again and was ready since: history; two days ago: no news', async () => {
    const well = podObject('web-1', {
      state: {
        ready: true,
        restartCount: 1,
        state: { running: { startedAt: '2026-01-01T11:58:40Z' } },
        lastState: { terminated: ended('OOMKilled', 137) },
      },
    });
    expect((await analyze(podMemory, 'pod', well))[0]).toMatchObject({
      severity: 'high',
      when: { from: '2026-01-01T11:58:34.000Z', until: '2026-01-01T11:58:40.000Z' },
    });
    const unready = podObject('web-1', {
      status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T11:50:00Z' }] },
      state: {
        ready: false,
        restartCount: 1,
        state: { running: { startedAt: '2026-01-01T02:00:00Z' } },
        lastState: { terminated: ended('OOMKilled', 137, { finishedAt: '2026-01-01T01:59:00Z' }) },
      },
    });
    expect((await analyze(podMemory, 'pod', unready))[0]?.when.until).toBe('2026-01-01T02:00:00.000Z');
    const old = ended('OOMKilled', 137, { finishedAt: '2025-12-30T11:58:34Z' });
    const past = podObject('web-1', { state: { ready: true, restartCount: 1, lastState: { terminated: old } } });
    expect(await analyze(podMemory, 'pod', past)).toEqual([]);
  });
});
