import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../../../test/support/cleanup.ts';
import { createFakeClock } from '../../../test/support/clock.ts';
import { createRandom } from '../../../test/support/random.ts';
import { failure, startScriptedApi } from '../../../test/support/scripted-api.ts';
import type { Script, ScriptedAnswer } from '../../../test/support/scripted-api.ts';
import { waitFor } from '../../../test/support/wait.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import type { Informer, InformerChange } from '../watch/informer.ts';
import { endOfJob, hasEnded, troubleOfJob } from './job-state.ts';
import { createJobs } from './jobs.ts';
import { createLogStream, logStart } from '../live/log-stream.ts';
import type { LogPosition } from '../live/log-stream.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

function job(status: object = {}, metadata: object = {}): KubernetesObject {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'look', namespace: 'shop', uid: 'u1', resourceVersion: '1', ...metadata },
    status: { ...status },
  };
}

const complete = job({ conditions: [{ type: 'Complete', status: 'True' }] });
const identity = { namespace: 'shop', name: 'look', uid: 'u1' };

/** An informer that tells what a test says. */
function toldInformer() {
  const listeners = new Set<(change: InformerChange) => void>();
  const informer = {
    onChange(listener: (change: InformerChange) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as Informer;
  const tell = (change: InformerChange): void => {
    for (const listener of listeners) listener(change);
  };
  return { informer, tell, listeners };
}

async function world(script: Script) {
  const clock = createFakeClock();
  const api = await startScriptedApi(cleanup, script);
  const told = toldInformer();
  const jobs = createJobs(api.transport, told.informer, { clock, random: () => 0 });
  return { clock, api, jobs, ...told };
}

describe('the state of a Job', () => {
  test('ends by its conditions alone', () => {
    expect(endOfJob(job())).toBeNull();
    expect(endOfJob(job({ conditions: [{ type: 'FailureTarget', status: 'True', reason: 'x' }] }))).toBeNull();
    expect(endOfJob(job({ conditions: [{ type: 'Failed', status: 'False' }] }))).toBeNull();
    expect(endOfJob(complete)).toEqual({ kind: 'succeeded' });
    const failed = { type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message: 'too long' };
    expect(endOfJob(job({ conditions: [{ type: 'Suspended', status: 'False' }, failed] }))).toEqual({
      kind: 'failed',
      reason: 'DeadlineExceeded',
      message: 'too long',
    });
  });

  const pod = (status: object): KubernetesObject => ({ metadata: { name: 'p' }, status: { ...status } });
  const refused = (message: string): KubernetesObject => ({ metadata: { name: 'e' }, reason: 'FailedCreate', message });

  test('what keeps it from having a pod: quota, admission, no node, no image', () => {
    expect(troubleOfJob([], [])).toBeNull();
    const quota =
      'Error creating: pods "look-x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2';
    expect(troubleOfJob([], [refused('first'), refused(quota)])).toEqual({ reason: 'QuotaExceeded', message: quota });
    const words: readonly (readonly [string, string])[] = [
      [
        'AdmissionRefused',
        'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged',
      ],
      ['AdmissionRefused', 'Error creating: admission webhook "no.example.com" denied the request: never'],
      ['AdmissionRefused', 'Error creating: pods "x" is forbidden: error looking up service account shop/x: not found'],
      ['Invalid', 'Error creating: Pod "x" is invalid: spec.containers[0].image: Required value'],
      [
        'NamespaceTerminating',
        'Error creating: unable to create new content in namespace x because it is being terminated',
      ],
    ];
    for (const [reason, message] of words) expect(troubleOfJob([], [refused(message)])).toMatchObject({ reason });
    const unscheduled = pod({
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }],
    });
    expect(troubleOfJob([unscheduled], [refused(quota)])).toEqual({ reason: 'Unschedulable', message: '0/1 nodes' });
    const waiting = (reason: string) =>
      pod({ containerStatuses: [{ name: 'run', state: { waiting: { reason, message: 'no' } } }] });
    expect(troubleOfJob([waiting('ImagePullBackOff')], [])).toEqual({ reason: 'ImagePullBackOff', message: 'no' });
    expect(troubleOfJob([waiting('ContainerCreating')], [])).toBeNull();
  });

  test('a container has ended where its pod has, or where nothing starts it again', () => {
    expect(hasEnded(pod({ phase: 'Failed' }), 'run')).toBe(true);
    const containerStatuses = [{ name: 'run', state: { terminated: { exitCode: 0 } } }];
    const running = { ...pod({ phase: 'Running', containerStatuses }), spec: { restartPolicy: 'Never' } };
    expect([hasEnded(running, 'run'), hasEnded(running, 'other')]).toEqual([true, false]);
    expect(hasEnded({ ...running, spec: { restartPolicy: 'OnFailure' } }, 'run')).toBe(false);
  });
});

describe('a Job', () => {
  const wanted = { metadata: { namespace: 'shop', name: 'look', labels: { run: 'r1', path: '2' } }, spec: {} };
  const labels = { run: 'r1', path: '2' };

  test('that is there already is adopted where its labels are ours', async () => {
    const there: KubernetesObject[] = [job({}, { labels })];
    const { jobs } = await world(({ method }) =>
      method === 'POST' ? failure(409, 'AlreadyExists', 'there') : { status: 200, body: there[0] ?? {} },
    );
    expect(await jobs.create(wanted, ['run', 'path'])).toEqual({ job: identity, isAdopted: true });
    there[0] = job({}, { labels: { ...labels, run: 'r2' } });
    await expect(jobs.create(wanted, ['run', 'path'])).rejects.toMatchObject({ reason: 'AlreadyExists' });
    there[0] = job();
    await expect(jobs.create(wanted, [])).rejects.toMatchObject({ reason: 'AlreadyExists' });
  });

  test('whose making was not answered is looked for, and made once', async () => {
    let isMade = false;
    const { jobs, api } = await world(({ method }, response) => {
      if (method === 'POST') {
        isMade = true;
        response.destroy();
        return null;
      }
      return isMade ? { status: 200, body: job({}, { labels }) } : failure(404, 'NotFound', 'no', { name: 'look' });
    });
    expect(await jobs.create(wanted, ['run'])).toEqual({ job: identity, isAdopted: true });
    expect(api.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('that a quota refuses may be tried later; what admission refuses may not', async () => {
    const answers = [
      failure(403, 'Forbidden', 'jobs.batch "look" is forbidden: exceeded quota: few, requested: count/jobs.batch=1'),
      failure(403, 'Forbidden', 'admission webhook "no.example.com" denied the request: not today'),
    ];
    const { jobs } = await world(() => answers.shift() ?? { status: 201, body: job() });
    await expect(jobs.create(wanted, [])).rejects.toMatchObject({
      reason: 'QuotaExceeded',
      retryable: true,
      next: 'kubectl --context x describe resourcequotas -n shop',
    });
    await expect(jobs.create(wanted, [])).rejects.toMatchObject({
      reason: 'AdmissionRefused',
      retryable: false,
      message: 'could not create Job shop/look: admission webhook "no.example.com" denied the request: not today',
    });
    expect(await jobs.create(wanted, [])).toEqual({ job: identity, isAdopted: false });
  });

  test('is waited for by what is told, and asked for where nothing is', async () => {
    let now: ScriptedAnswer = { status: 200, body: job() };
    const { jobs, api, clock, tell, listeners } = await world(() => now);
    const aborting = new AbortController();
    const told = jobs.untilEnd(identity, aborting.signal);
    const asked = jobs.untilEnd(identity, aborting.signal);
    const given = jobs.untilEnd(identity, AbortSignal.any([aborting.signal, AbortSignal.timeout(1)]));
    await expect(given).rejects.toThrow('timeout');
    await waitFor('two questions', () => clock.sleeping() === 2);
    tell({ type: 'updated', key: 'shop/look', object: complete, before: job() });
    await expect(told).resolves.toEqual({ kind: 'succeeded' });
    await expect(asked).resolves.toEqual({ kind: 'succeeded' });
    expect(listeners.size).toBe(0);

    const before = api.requests.length + 1;
    const missed = jobs.untilEnd(identity, aborting.signal);
    await waitFor('the question', () => api.requests.length === before);
    tell({ type: 'updated', key: 'shop/other', object: complete, before: job() });
    now = { status: 503, headers: { 'retry-after': '0' } };
    await clock.advance(30_000);
    await waitFor('three tries, and a pause', () => api.requests.length === before + 3 && clock.sleeping() === 1);
    now = { status: 200, body: complete };
    await clock.advance(30_000);
    await expect(missed).resolves.toEqual({ kind: 'succeeded' });
  });

  test('that is deleted, or made anew under its name, is gone', async () => {
    const answers = [
      { status: 200, body: job() },
      failure(404, 'NotFound', 'no', { name: 'look' }),
      { status: 200, body: job({}, { uid: 'u2' }) },
    ];
    const { jobs, clock, tell } = await world(() => answers.shift() ?? { status: 500 });
    const waiting = jobs.untilEnd(identity, new AbortController().signal);
    await waitFor('the question', () => clock.sleeping() === 1);
    tell({ type: 'deleted', key: 'shop/look', object: complete });
    await expect(waiting).resolves.toEqual({ kind: 'gone' });
    await expect(jobs.untilEnd(identity, new AbortController().signal)).resolves.toEqual({ kind: 'gone' });
  });
});

describe('the log of a pod', () => {
  const running = {
    metadata: { name: 'p', uid: 'pu' },
    spec: { restartPolicy: 'Never' },
    status: { phase: 'Running' },
  };
  const over = { ...running, status: { phase: 'Succeeded' } };
  const line = (second: number, text: string): string => `2026-01-01T00:00:0${second}.000000000Z ${text}\n`;

  /** The answers of the log, one after the other; the pod is over once they are all gone but one. */
  async function follow(
    logs: readonly ((response: ServerResponse) => ScriptedAnswer | null)[],
    mostBytes = 1e6,
    overAt = logs.length,
  ) {
    let at = 0;
    const { clock, api, jobs } = await world(({ path }, response) => {
      if (!path.endsWith('/log')) return { status: 200, body: at >= overAt - 1 ? over : running };
      at += 1;
      return logs[at - 1]?.(response) ?? null;
    });
    const written: string[] = [];
    const request = {
      namespace: 'shop',
      pod: 'p',
      container: 'run',
      mostBytes,
      write: async (bytes: Uint8Array) => void written.push(Buffer.from(bytes).toString()),
      signal: new AbortController().signal,
    };
    const end = jobs.followLog(request);
    const ended = end.then(
      () => true,
      () => true,
    );
    await waitFor('the end', async () => {
      await clock.advance(1000);
      return Promise.race([ended, new Promise<false>((resolve) => setTimeout(resolve, 2, false))]);
    });
    const queries = api.requests.filter(({ path }) => path.endsWith('/log')).map(({ query }) => query);
    return { end, text: written.join(''), queries };
  }

  const whole = (text: string) => () => ({ status: 200, body: text });
  const breaks = (text: string) => (response: ServerResponse) => {
    response.writeHead(200);
    response.write(text, () => setTimeout(() => response.destroy(), 5));
    return null;
  };
  const silent = (text: string) => (response: ServerResponse) => {
    response.writeHead(200);
    response.write(text);
    return null;
  };

  test('is followed over a start that takes long, a connection that breaks and one that falls silent, each line once', async () => {
    const { end, text, queries } = await follow([
      () => ({ status: 204 }),
      () => failure(400, 'BadRequest', 'container "run" in pod "p" is waiting to start: ContainerCreating'),
      breaks(line(1, 'one') + line(1, 'two') + '2026-01-01T00:00:01.5000'),
      silent(line(1, 'one') + line(1, 'two') + line(1, 'three') + line(2, 'four')),
      whole(line(2, 'four') + line(3, 'five')),
      whole(line(3, 'five') + '2026-01-01T00:00:04.000000000Z no end'),
    ]);
    expect(text).toBe('one\ntwo\nthree\nfour\nfive\nno end');
    expect(await end).toEqual({
      kind: 'ended',
      bytes: text.length,
      position: { at: '2026-01-01T00:00:04.000000000Z', lines: 1 },
    });
    expect(queries).toEqual([
      { container: 'run', timestamps: 'true', follow: 'true' },
      { container: 'run', timestamps: 'true', follow: 'true' },
      { container: 'run', timestamps: 'true', follow: 'true' },
      { container: 'run', timestamps: 'true', follow: 'true', sinceTime: '2026-01-01T00:00:01Z' },
      { container: 'run', timestamps: 'true', follow: 'true', sinceTime: '2026-01-01T00:00:02Z' },
      { container: 'run', timestamps: 'true', sinceTime: '2026-01-01T00:00:03Z' },
    ]);
  });

  test('is read up to its limit', async () => {
    const { end, text } = await follow([silent(line(1, 'x'.repeat(100)) + line(2, 'y'))], 10, 3);
    expect(text).toBe('x'.repeat(10));
    expect(await end).toMatchObject({ kind: 'limit', bytes: 10 });
  });

  test('is read no faster than it is taken', async () => {
    const line = `2026-01-01T00:00:01.000000000Z ${'x'.repeat(1000)}\n`.repeat(60);
    let sent = 0;
    const { jobs } = await world(({ path }, response) => {
      if (!path.endsWith('/log')) return { status: 200, body: running };
      response.writeHead(200);
      const fill = (): void => {
        while (response.write(line)) sent += line.length;
        sent += line.length;
        response.once('drain', fill);
      };
      fill();
      return null;
    });
    let taken = 0;
    const blocked = Promise.withResolvers<undefined>();
    const aborting = new AbortController();
    const end = jobs.followLog({
      namespace: 'shop',
      pod: 'p',
      container: 'run',
      mostBytes: 1e12,
      write: async (bytes) => {
        taken += bytes.length;
        if (taken > 5e6) await blocked.promise;
      },
      signal: aborting.signal,
    });
    await waitFor('somebody who takes no more', () => taken > 5e6);
    let before = -1;
    await waitFor('the sender to be held up', async () => {
      const isStill = sent === before;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return isStill;
    });
    // What lies between are the buffers of the system, and ours.
    expect(sent - taken).toBeLessThan(20e6);
    aborting.abort();
    blocked.resolve(undefined);
    expect(await end).toMatchObject({ kind: 'aborted' });
  });

  test('of a pod that is gone, of one whose node does not answer, and of one that may not be read', async () => {
    const gone = await world(() => failure(404, 'NotFound', 'no', { name: 'p' }));
    const request = {
      namespace: 'shop',
      pod: 'p',
      container: 'run',
      mostBytes: 10,
      write: async () => undefined,
      signal: new AbortController().signal,
    };
    expect(await gone.jobs.followLog(request)).toMatchObject({ kind: 'gone' });
    const away = await follow(
      Array.from({ length: 7 }, () => () => ({ status: 502 })),
      10,
      1,
    );
    expect(await away.end).toMatchObject({ kind: 'unreadable' });
    const back = await follow(
      [...Array.from({ length: 5 }, () => () => ({ status: 502 })), breaks(''), whole(line(1, 'x'))],
      10,
      6,
    );
    expect(await back.end, 'what failed before the end does not count').toMatchObject({ kind: 'ended', bytes: 2 });
    const message = 'User "x" cannot get resource "pods/log" in API group "" in the namespace "shop"';
    const refusal = () => failure(403, 'Forbidden', `forbidden: ${message}`);
    const refused = await follow([refusal, refusal]);
    await expect(refused.end).rejects.toMatchObject({
      code: 'Forbidden',
      next: 'allow it: a Role in namespace shop with the rule {apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}, bound to x',
    });
    const aborted = await gone.jobs.followLog({ ...request, signal: AbortSignal.abort() });
    expect(aborted).toMatchObject({ kind: 'aborted', bytes: 0 });
  });
});

test('property: however a log is cut into pieces and broken off, each line comes once and in its order', async () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const random = createRandom(seed);
    let ms = Date.parse('2026-10-25T00:59:58Z');
    const lines = Array.from({ length: random.between(1, 30) }, (_, at) => {
      ms += random.pick([0, 0, 1, 400, 1500]);
      // A node whose summer time ends just now.
      const zone = ms >= Date.parse('2026-10-25T01:00:00Z') ? '+01:00' : '+02:00';
      const local = new Date(ms + Number(zone.slice(1, 3)) * 3_600_000).toISOString().replace('Z', `000000${zone}`);
      return { ms, text: `${at} ${'ü'.repeat(random.between(0, 5))}\n`, at: local };
    });
    let position: LogPosition = logStart;
    const got: Buffer[] = [];
    for (let tries = 0; tries < 50; tries += 1) {
      const sinceMs = position.at === '' ? 0 : Date.parse(position.at.replace(/\.\d+/, ''));
      const rest = lines.filter((one) => one.ms >= sinceMs);
      const bytes = Buffer.from(rest.map(({ at, text }) => `${at} ${text}`).join(''));
      const isBroken = tries < 20;
      const until = isBroken ? random.between(0, bytes.length) : bytes.length;
      const stream = createLogStream(position, async (piece) => void got.push(Buffer.from(piece)));
      for (let from = 0; from < until;) {
        const to = Math.min(until, from + random.between(1, 40));
        await stream.add(bytes.subarray(from, to));
        from = to;
      }
      position = stream.position();
      if (!isBroken) break;
    }
    expect(Buffer.concat(got).toString(), `seed ${seed}`).toBe(lines.map(({ text }) => text).join(''));
  }
});

test('a line that is too long to be held comes in parts, and the next one has its time', async () => {
  const got: string[] = [];
  const stream = createLogStream(logStart, async (piece) => void got.push(Buffer.from(piece).toString()));
  const long = 'x'.repeat(200_000);
  const bytes = Buffer.from(`2026-01-01T00:00:01.000000000Z ${long}\n2026-01-01T00:00:02.000000000Z y\n`);
  for (let from = 0; from < bytes.length; from += 10_000) await stream.add(bytes.subarray(from, from + 10_000));
  expect(got.join('')).toBe(`${long}\ny\n`);
  expect(got.length).toBeGreaterThan(2);
  expect(stream.position()).toEqual({ at: '2026-01-01T00:00:02.000000000Z', lines: 1 });
});
