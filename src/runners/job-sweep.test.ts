import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { RunRecord, RunStatus } from '../core/run.ts';
import type { InformerChange } from '../kube/watch/informer.ts';
import { silentLog } from '../lib/silent-log.ts';
import { runLabel } from './job-object.ts';
import { sweepJobs } from './job-sweep.ts';

function jobOf(name: string, run: string): KubernetesObject {
  return { metadata: { namespace: 'shop', name, uid: `uid of ${name}`, labels: { [runLabel]: run } } };
}

/** Jobs by key, runs by id; `away` = the API server is. */
function world(jobs: readonly KubernetesObject[], runs: Readonly<Record<string, RunStatus>>) {
  const clock = createFakeClock();
  const there = new Map(jobs.map((job) => [`shop/${job.metadata.name}`, job]));
  const statuses = new Map(Object.entries(runs));
  const asked: string[] = [];
  const state = { away: false };
  let tell: (change: InformerChange) => void = () => undefined;
  const stopping = new AbortController();
  const ended = sweepJobs(
    {
      informer: {
        get: (key) => there.get(key),
        onChange(listener) {
          tell = listener;
          for (const [key, object] of there) listener({ type: 'added', key, object });
          return () => undefined;
        },
      },
      jobs: {
        async delete(job) {
          asked.push(`${job.namespace}/${job.name} ${job.uid}`);
          if (state.away) throw new AppError('ClusterUnavailable', 'nothing answers');
          const key = `${job.namespace}/${job.name}`;
          const object = there.get(key);
          if (object === undefined || !there.delete(key)) return 'absent';
          tell({ type: 'deleted', key, object });
          return 'deleted';
        },
      },
      runs: {
        async find(id) {
          const status = statuses.get(id);
          return status === undefined ? undefined : ({ id, status } as RunRecord);
        },
      },
      clock,
      random: () => 0.5,
      log: silentLog,
    },
    stopping.signal,
  );
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) await clock.advance(1000);
  }
  async function stop(): Promise<void> {
    stopping.abort();
    await ended;
  }
  return { there, statuses, asked, state, pass, stop };
}

describe('Jobs of runs that have ended', () => {
  test.each(['succeeded', 'failed', 'cancelled'] as const)(
    'a run is %s: its Jobs are deleted, once',
    async (status) => {
      const { there, asked, pass, stop } = world([jobOf('one', 'r1'), jobOf('other', 'r1')], { r1: status });
      await pass(60);
      expect([...there.keys()]).toEqual([]);
      expect(asked).toEqual(['shop/one uid of one', 'shop/other uid of other']);
      await stop();
    },
  );

  test('those of runs that go on, and of runs of somebody else, stay; the end of a run is seen within ten seconds', async () => {
    const { there, statuses, asked, pass, stop } = world([jobOf('one', 'r1'), jobOf('foreign', 'unknown')], {
      r1: 'running',
    });
    await pass(60);
    expect(asked).toEqual([]);
    statuses.set('r1', 'cancelled');
    await pass(11);
    expect([...there.keys()]).toEqual(['shop/foreign']);
    await stop();
  });

  test('an API server that is away is asked again, ever more seldom, until it is back', async () => {
    const { there, asked, state, pass, stop } = world([jobOf('one', 'r1')], { r1: 'cancelled' });
    state.away = true;
    await pass(600);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.length).toBeLessThan(40);
    state.away = false;
    await pass(31);
    expect([...there.keys()]).toEqual([]);
    await stop();
  });
});
