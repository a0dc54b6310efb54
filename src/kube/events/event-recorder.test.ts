import { describe, expect, test } from 'vitest';
import { createFakeClock } from '../../../test/support/clock.ts';
import { isKubernetesName } from '../../core/cluster.ts';
import type { KubernetesObject, ObjectReference } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { createEventRecorder } from './event-recorder.ts';
import { eventName, fitText, seriesKey } from './event-series.ts';
import { KubeFailure } from '../connection/failure.ts';
import type { KubeReason } from '../connection/failure.ts';
import { silentLog } from '../../lib/silent-log.ts';

const web: ObjectReference = { apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u1' };
const failed = { type: 'Warning', reason: 'RunFailed', action: 'Run', note: 'run 1234 failed after 5 s' } as const;

function refusal(reason: KubeReason): KubeFailure {
  return new KubeFailure(reason, reason, { status: 400, next: undefined, owners: [], afterMs: null });
}

function world() {
  const clock = createFakeClock();
  const lost: Record<string, number> = {};
  const written: string[] = [];
  const objects: KubernetesObject[] = [];
  const eventNames: string[] = [];
  /** Thrown by the next calls, one each. */
  const failures: Error[] = [];
  const fail = (): void => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
  };
  const countOf = (value: unknown): string => String((value as { readonly count?: number } | undefined)?.count ?? 1);
  const recorder = createEventRecorder({
    writer: {
      async create(_kind, object) {
        eventNames.push(object.metadata.name);
        fail();
        const made = object as unknown as KubernetesObject;
        objects.push(made);
        written.push(`${clock.monotonic()} create ${String(made['reason'])} ${countOf(made['series'])}`);
        return made;
      },
      async patch(_kind, { name }, patch: JsonObject) {
        fail();
        if (!objects.some(({ metadata }) => metadata.name === name)) throw refusal('NotFound');
        written.push(`${clock.monotonic()} patch ${countOf(patch['series'])}`);
        return { metadata: { name } };
      },
    },
    instance: 'fist-0_abc',
    onLost: (reason, count) => void (lost[reason] = (lost[reason] ?? 0) + count),
    clock,
    random: () => 0,
    log: silentLog,
  });
  return { clock, recorder, lost, written, objects, eventNames, failures };
}

describe('the recorder of Events', () => {
  test('what is said again is counted in the Event that is there, and written every half minute at most', async () => {
    const { clock, recorder, written, objects, lost } = world();
    recorder.record(web, failed);
    await clock.advance(1);
    expect(objects[0]).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace: 'shop', name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) as string },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'punching-fist',
      reportingInstance: 'fist-0_abc',
      regarding: web,
      ...failed,
    });
    expect(objects[0]).not.toHaveProperty('series');
    for (let run = 0; run < 100; run += 1) {
      recorder.record(web, { ...failed, note: `run ${run}abc failed after ${run} s` });
      await clock.advance(1000);
    }
    await clock.advance(60_000);
    expect(written).toEqual([
      '0 create RunFailed 1',
      '30000 patch 31',
      '60000 patch 61',
      '90000 patch 91',
      '120000 patch 101',
    ]);
    // Ten minutes of silence: it is news again.
    await clock.advance(10 * 60_000);
    recorder.record(web, failed);
    await clock.advance(1);
    expect(written.at(-1)).toMatch(/create RunFailed 1$/);
    expect(new Set(objects.map(({ metadata: { name } }) => name)).size).toBe(2);
    expect(lost).toEqual({});
    const stopped = recorder.stop(1000);
    await clock.advance(1000);
    await stopped;
  });

  test('other objects, reasons and kinds of notes are Events of their own', async () => {
    const { clock, recorder, written } = world();
    recorder.record(web, failed);
    recorder.record({ ...web, name: 'db', uid: 'u2' }, failed);
    recorder.record(web, { ...failed, reason: 'RunStarted' });
    recorder.record(web, { ...failed, note: 'run 99 was cancelled' });
    recorder.record({ apiVersion: 'v1', kind: 'Node', name: 'n1' }, failed);
    await clock.advance(10);
    expect(written).toHaveLength(5);
  });

  test('one object tells 25 new ones, and one more every five minutes; the rest is counted', async () => {
    const { clock, recorder, written, lost } = world();
    for (let one = 0; one < 40; one += 1) recorder.record(web, { ...failed, reason: `Reason${one}` });
    recorder.record({ ...web, name: 'db' }, failed);
    await clock.advance(60_000);
    expect(written).toHaveLength(26);
    expect(lost).toEqual({ RateLimited: 15 });
    await clock.advance(4 * 60_000);
    for (let one = 40; one < 43; one += 1) recorder.record(web, { ...failed, reason: `Reason${one}` });
    await clock.advance(1000);
    expect(written).toHaveLength(27);
    expect(lost).toEqual({ RateLimited: 17 });
  });

  test('what cannot be told for a while is told later, with how often it was; and is lost after eight tries', async () => {
    const { clock, recorder, written, lost, failures } = world();
    const away = new AppError('ClusterUnavailable', 'away');
    failures.push(away, away, away);
    recorder.record(web, failed);
    await clock.advance(100);
    recorder.record(web, failed);
    await clock.advance(10_000);
    expect(written).toEqual([expect.stringMatching(/create RunFailed 2$/)]);
    failures.push(...Array.from({ length: 8 }, () => away));
    recorder.record(web, failed);
    await clock.advance(10 * 60_000);
    expect(lost).toEqual({ Unreachable: 1 });
    expect(failures).toEqual([]);
  });

  test('what the API server refuses is lost, and not tried again with each', async () => {
    const { clock, recorder, written, lost, failures } = world();
    failures.push(refusal('Forbidden'));
    for (let time = 0; time < 3; time += 1) {
      recorder.record(web, failed);
      await clock.advance(60_000);
    }
    expect(written).toEqual([]);
    expect(lost).toEqual({ Refused: 3 });
    await clock.advance(11 * 60_000);
    recorder.record(web, failed);
    await clock.advance(1);
    expect(written).toHaveLength(1);
  });

  test('an Event that has gone is made anew; one whose answer was lost is there, and counted on', async () => {
    const { clock, recorder, written, objects, eventNames, failures, lost } = world();
    failures.push(new AppError('ClusterUnavailable', 'no answer'), refusal('AlreadyExists'));
    recorder.record(web, failed);
    await clock.advance(1);
    objects.push({ metadata: { name: eventNames[0] ?? '' } });
    recorder.record(web, failed);
    await clock.advance(40_000);
    expect(written).toEqual([expect.stringMatching(/patch 2$/)]);
    expect(new Set(eventNames).size).toBe(1);
    objects.length = 0;
    recorder.record(web, failed);
    await clock.advance(120_000);
    expect(written[1]).toMatch(/create RunFailed 3$/);
    expect(lost).toEqual({});
  });

  test('a stop tells what is left for as long as it may, and counts the rest', async () => {
    const { clock, recorder, written, lost, failures } = world();
    recorder.record(web, failed);
    await clock.advance(1);
    recorder.record(web, failed);
    const stopped = recorder.stop(5000);
    await clock.advance(5000);
    await stopped;
    expect(written.at(-1)).toMatch(/patch 2$/);
    recorder.record(web, failed);
    expect(lost).toEqual({ Stopped: 1 });

    const stuck = world();
    stuck.failures.push(...Array.from({ length: 20 }, () => new AppError('ClusterUnavailable', 'away')));
    stuck.recorder.record(web, failed);
    const late = stuck.recorder.stop(1000);
    await stuck.clock.advance(60_000);
    await late;
    expect(stuck.lost).toEqual({ Stopped: 1 });
    expect(failures).toEqual([]);
  });

  test('a flood about many objects holds a thousand series and blocks nobody', async () => {
    const { clock, recorder, written, lost } = world();
    for (let one = 0; one < 5000; one += 1) recorder.record({ ...web, name: `web-${one}`, uid: String(one) }, failed);
    await clock.advance(10 * 60_000);
    expect(lost).toEqual({ Full: 4000 });
    expect(written).toHaveLength(1000);
  });
});

describe('what an Event says', () => {
  test('fits: a cut note of whole characters, words that are there, no secrets and nothing that moves a cursor', () => {
    const long = fitText({ type: 'Normal', reason: '', action: 'x'.repeat(300), note: 'ü'.repeat(2000) });
    expect(Buffer.byteLength(long.note)).toBeLessThanOrEqual(1024);
    expect(long.note).toMatch(/^ü+…$/);
    expect([long.reason, long.action.length]).toEqual(['Unknown', 128]);
    const { note } = fitText({
      ...failed,
      note: 'password=hunter2hunter2 \u001b[2Jtoken: ghp_0123456789abcdefghijABCDEFGHIJ012345',
    });
    expect(note).not.toContain('hunter2');
    expect(note).not.toContain('ghp_');
    expect(note).not.toContain('\u001b');
  });

  test('names are taken by the API server, whatever the object is called', () => {
    const names = ['web', 'system:node:x', 'A_B', '-.-', 'x'.repeat(253), `${'a.'.repeat(120)}b`, 'ü'];
    for (const name of names) expect(eventName({ ...web, name }, 'x')).toSatisfy(isKubernetesName);
    expect(eventName({ ...web, name: 'system:node:x' }, 'x')).toMatch(/^system-node-x\.[0-9a-f]{16}$/);
    expect(eventName(web, 'x')).not.toBe(eventName(web, 'y'));
  });

  test('numbers and ids do not make another series', () => {
    const key = (note: string): string => seriesKey(web, { ...failed, note });
    expect(key('run 0f3a-22 took 5 s')).toBe(key('run 9bc1-07 took 61 s'));
    expect(key('run 1 failed')).not.toBe(key('run 1 was cancelled'));
  });
});
