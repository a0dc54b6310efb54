import { afterEach, expect, test } from 'vitest';
import type { Answered, Called, Closed, Opened } from '../src/agent/contents.ts';
import { newEvent } from '../src/agent/contents.ts';
import { systemClock } from '../src/lib/clock.ts';
import { shortId } from '../src/lib/short-id.ts';
import { succeeded } from '../src/workflows/steps/define.ts';
import { createCleanup } from './support/cleanup.ts';
import { createEngineWorld, planOf, step } from './support/engine.ts';
import type { Deed } from './support/engine.ts';
import { apiToken } from './support/fake-server.ts';
import { runFist } from './support/program.ts';
import { waitFor } from './support/wait.ts';
import { createWorld } from './server/world.ts';

// The commands that show and continue a conversation with a model: the real server and engine, and a step that writes a journal.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const clock = systemClock();
const hostile = 'red \u001b[31m \u202eend';
const dangerous = /[[\p{Cf}\p{Cc}]--\n]/v;

const opened: Opened = {
  tools: [],
  model: 'fake/small',
  profile: 'full',
  delimiter: 'd',
  system: 'You investigate.',
  user: `<<data d from labels>>\n${hostile}\n<<end d>>`,
  analysis: {} as Opened['analysis'],
  linked: [],
  evidenceHash: 'h',
  bounds: {} as Opened['bounds'],
};
const usage = { inputTokens: 900, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 100 };
const calls = [{ id: 'c1', name: 'kubernetes_logs', input: '{"pod":"web-1"}' }];
const answered = (text: string, more: Partial<Answered> = {}): Answered => ({
  phase: 'gather',
  model: 'fake/small',
  message: { role: 'assistant', text, calls: [], raw: null },
  finish: 'stop',
  usage,
  ...more,
});
const called: Called = {
  call: { id: 'c1', name: 'kubernetes_logs', input: '{"pod":"web-1"}' },
  result: {
    status: 'ok',
    text: `line\n${'x'.repeat(3000)}`,
    command: 'kubectl logs web-1',
    evidence: {
      id: 'e1',
      kind: 'logs',
      object: 'pod/shop/web-1',
      command: '',
      time: '2026-01-01T00:00:00.000Z',
      excerpt: '',
    },
    bytes: 3005,
    reason: null,
    cached: false,
    durationMs: 5,
  },
};
const closed: Closed = { ended: 'concluded', detail: '', answer: null };
const reserved = { tokens: 5000, costMicros: 60_000 };
const used = { tokens: 1000, costMicros: 12_000 };

/** A conversation of two requests and a call. `pause` lets a test look at it between the two. */
function conversation(pause: () => Promise<void> = async () => undefined): Deed {
  return async ({ journal }) => {
    await journal.append([newEvent('opened', opened), newEvent('asked', { phase: 'gather' }, reserved)]);
    const wants = answered('I read the log.', {
      finish: 'tool-calls',
      message: { role: 'assistant', text: `I read ${hostile}`, calls, raw: null },
    });
    await journal.append([newEvent('answered', wants, used), newEvent('called', called)]);
    await pause();
    await journal.append([newEvent('asked', { phase: 'close' }, reserved)]);
    await journal.append([newEvent('answered', answered('{}', { phase: 'close' }), used), newEvent('closed', closed)]);
    return succeeded({});
  };
}

async function start(deed: Deed) {
  const world = await createWorld({ limits: { streamPollMs: 10 }, clock });
  cleanup.defer(() => world.close());
  const { port } = await world.server.listen();
  const engine = createEngineWorld({ store: world.store, clock, deeds: { think: deed } });
  const env = { FIST_SERVER: `http://127.0.0.1:${port}`, FIST_TOKEN: apiToken };
  return { ...world, engine, fist: (...words: string[]) => runFist(words, env) };
}

const plan = planOf([step('look'), step('think')]);

test('fist trace shows what was said, asked, answered and paid, and nothing that a terminal would act on', async () => {
  const { engine, fist } = await start(conversation());
  const id = await engine.addRun(plan);
  await engine.runAll();
  const { code, out, err } = await fist('trace', `run/${id}`);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).not.toMatch(dangerous);
  const times = out.replaceAll(/\d\d:\d\d:\d\d/g, 'TIME').split('\n');
  expect(times.map((line) => line.slice(0, 90))).toEqual([
    '   1  TIME  opened    fake/small, full prompt',
    '      instructions:',
    '      | You investigate.',
    '      what is known:',
    '      | <<data d from labels>>',
    '      | red \\u{1b}[31m \\u{202e}end',
    '      | <<end d>>',
    '   2  TIME  asked     what to look at next; reserves 5000 tokens, $0.0600',
    '   3  TIME  answered  wants kubernetes_logs; fake/small, 1000 tokens, $0.0120',
    '      the model:',
    '      | I read red \\u{1b}[31m \\u{202e}end',
    '   4  TIME  called    kubernetes_logs {"pod":"web-1"}: ok, e1, pod/shop/web-1, 3005 bytes',
    '      asked for:',
    '      | {"pod":"web-1"}',
    '      the answer:',
    '      | line',
    `      | ${'x'.repeat(82)}`,
    '      | [... 1505 more characters; --full shows them]',
    '   5  TIME  asked     the answer; reserves 5000 tokens, $0.0600',
    '   6  TIME  answered  in words; fake/small, 1000 tokens, $0.0120',
    '      the model:',
    '      | {}',
    '   7  TIME  closed    concluded',
    '',
    '2 requests, 1 tool call, 2000 tokens, $0.0240',
    '',
  ]);
  const full = await fist('trace', `run/${id}`, '--full');
  expect(full.out).toContain('x'.repeat(3000));
  const json = await fist('trace', `run/${shortId(id)}`, '-o', 'json');
  expect(JSON.parse(json.out)).toMatchObject({ runId: id, events: [{ kind: 'opened' }, {}, {}, {}, {}, {}, {}] });
  expect(json.out).not.toMatch(dangerous);
});

test('fist trace of a run without a model says so', async () => {
  const { engine, fist } = await start(conversation());
  const id = await engine.addRun(planOf([step('look')]));
  await engine.runAll();
  expect(await fist('trace', `run/${id}`)).toEqual({
    code: 0,
    out: '',
    err: `no model was asked in run/${shortId(id)}; next: fist describe run/${shortId(id)}\n`,
  });
  expect(await fist('trace', 'alert/1')).toMatchObject({ code: 2, out: '' });
});

test('fist watch tells each step, request and call as it happens, and ends with the run', async () => {
  const goOn = Promise.withResolvers<void>();
  const { engine, fist, store } = await start(conversation(() => goOn.promise));
  const id = await engine.addRun(plan);
  const watching = fist('watch', `run/${shortId(id)}`);
  const working = engine.runAll();
  await waitFor('the call', async () => ((await store.read.runs.find(id))?.agentEvents === 4 ? true : null));
  goOn.resolve();
  await working;
  const { code, out, err } = await watching;
  const lines = out
    .replaceAll(/\d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/after \d\.\ds/g, 'after TIME')
    .split('\n');
  expect(lines).toEqual([
    'step 1 look (scripted) begins',
    'step 1 look (scripted) succeeded after TIME',
    'step 2 think (scripted) begins',
    '   1  TIME  opened    fake/small, full prompt',
    '   2  TIME  asked     what to look at next; reserves 5000 tokens, $0.0600',
    '   3  TIME  answered  wants kubernetes_logs; fake/small, 1000 tokens, $0.0120',
    '   4  TIME  called    kubernetes_logs {"pod":"web-1"}: ok, e1, pod/shop/web-1, 3005 bytes',
    '   5  TIME  asked     the answer; reserves 5000 tokens, $0.0600',
    '   6  TIME  answered  in words; fake/small, 1000 tokens, $0.0120',
    '   7  TIME  closed    concluded',
    'step 2 think (scripted) succeeded after TIME',
    `run/${shortId(id)} succeeded; 2 requests, 1 tool call, 2000 tokens, $0.0240`,
    '',
  ]);
  expect({ code, err }).toEqual({ code: 0, err: `next: fist describe run/${shortId(id)}\n` });
});

test('fist watch of a run that failed ends with 1 and says why', async () => {
  const { engine, fist } = await start(() => ({
    ok: false,
    code: 'ModelUnavailable',
    message: `the provider said ${hostile}`,
    retryable: false,
    result: null,
    evidence: [],
  }));
  const id = await engine.addRun(plan);
  await engine.runAll();
  const { code, out } = await fist('watch', `run/${id}`);
  expect(code).toBe(1);
  expect(out).toContain('step 2 think (scripted) failed after');
  expect(out).toContain(`run/${shortId(id)} failed: ModelUnavailable`);
  expect(out).not.toMatch(dangerous);
});

test('fist get and fist describe show what a run cost', async () => {
  const { engine, fist } = await start(conversation());
  const id = await engine.addRun(plan);
  const without = await engine.addRun(planOf([step('look')]));
  await engine.runAll();
  const { out } = await fist('get', 'runs', '-o', 'wide');
  const rows = out.split('\n').map((line) => line.split(/ {2,}/));
  const [tokens, cost] = ['TOKENS', 'COST'].map((heading) => rows[0]?.indexOf(heading) ?? -1);
  expect(rows.find(([first]) => first === id)?.slice(tokens, (cost ?? 0) + 1)).toEqual(['2000', '$0.0240']);
  expect((await fist('describe', `run/${id}`)).out).toContain(
    `Model      2000 tokens, $0.0240; fist trace run/${shortId(id)}`,
  );
  expect((await fist('describe', `run/${without}`)).out).not.toContain('Model');
});
