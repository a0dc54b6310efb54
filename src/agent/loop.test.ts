import { describe, expect, test } from 'vitest';
import type { AgentEvent, AgentJournal, NewAgentEvent } from '../core/agent-event.ts';
import type { AgentResult } from '../core/finding.ts';
import { readReport } from '../report/read.ts';
import type { ToolCall } from './message.ts';
import type { BudgetLimits } from './budget.ts';
import { converse } from './loop.ts';
import type { LoopWorld } from './loop.ts';
import { ModelFailure } from './models/model.ts';
import type { ModelAnswer, ModelFailureReason, ModelRequest, PatientModel } from './models/model.ts';
import { newEvent } from './contents.ts';
import { nextMove } from './next-move.ts';
import { conversationOf } from './conversation.ts';
import type { Opened } from './contents.ts';
import type { Toolbox } from './toolbox.ts';

const at = '2026-01-01T00:00:00.000Z';

const opened: Opened = {
  tools: [],
  model: 'test/one',
  profile: 'full',
  delimiter: 'd1',
  system: 'Investigate.',
  user: 'The alert.',
  analysis: readReport({}) satisfies AgentResult,
  linked: [],
  evidenceHash: 'h',
  bounds: {} as Opened['bounds'],
};

const limits: BudgetLimits = {
  turns: 12,
  toolCalls: 10,
  tokens: 100_000,
  costMicros: null,
  wallMs: 60_000,
  bytes: 1_000_000,
};

/** A journal in memory, which is JSON like the real one. */
function journal(events: AgentEvent[] = []): AgentJournal & { readonly kept: AgentEvent[] } {
  return {
    kept: events,
    events: async () => JSON.parse(JSON.stringify(events)) as AgentEvent[],
    append: async (more: readonly NewAgentEvent[]) => {
      for (const event of more)
        events.push({ ...event, runId: 'r', path: '1', sequence: events.length + 1, attempt: 1, at });
    },
  };
}

const good = JSON.stringify({ summary: 'Nothing shows it.', cause: null, findings: [], hypotheses: [], next: [] });

/** A text that is one word with a capital is a {@link ModelFailureReason}. */
type Step = string | readonly Partial<ToolCall>[] | (() => Promise<ModelAnswer>) | Partial<ModelAnswer>;

function answerOf(text: string, calls: readonly ToolCall[] = []): ModelAnswer {
  return {
    message: { role: 'assistant', text, calls, raw: null },
    finish: calls.length > 0 ? 'tool-calls' : 'stop',
    usage: { inputTokens: 90, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 10 },
  };
}

/** A model that answers as it is told, in turn, and the last again and again. */
function scripted(
  steps: readonly Step[],
  contextTokens = 32_000,
): PatientModel & { readonly requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  return {
    name: 'test/one',
    contextTokens,
    price: null,
    requests,
    async ask(request, onFailure) {
      const step = steps[Math.min(requests.length, steps.length - 1)] ?? good;
      requests.push(request);
      request.signal.throwIfAborted();
      const settled = { model: 'test/one', price: null };
      if (typeof step === 'function') return { answer: await step(), ...settled };
      if (typeof step === 'string' && /^[A-Z]\w+$/.test(step)) {
        const failure = new ModelFailure(step as ModelFailureReason, `scripted ${step}`);
        await onFailure(failure, { model: 'test/one', isLast: true });
        throw failure;
      }
      if (typeof step === 'string') return { answer: answerOf(step), ...settled };
      if ('length' in step)
        return {
          answer: answerOf(
            'I look.',
            step.map((call, index) => ({ id: `c${requests.length}.${index}`, name: 'look', input: '{}', ...call })),
          ),
          ...settled,
        };
      return { answer: { ...answerOf(''), ...step }, ...settled };
    },
  };
}

function toolbox(answers: Readonly<Record<string, string>> = {}): Toolbox & { readonly made: ToolCall[] } {
  const made: ToolCall[] = [];
  return {
    declarations: [{ name: 'look', description: 'Looks.', input: { type: 'object' } }],
    hasNamedTools: false,
    missing: [],
    made,
    async execute(call) {
      const cached = made.some(({ name, input }) => name === call.name && input === call.input);
      made.push(call);
      const text = answers[call.input] ?? `seen ${call.input}`;
      return {
        status: call.name === 'look' ? 'ok' : 'denied',
        text,
        command: null,
        evidence: null,
        bytes: text.length,
        reason: null,
        cached,
        durationMs: 1,
      };
    },
  };
}

function worldOf(parts: Partial<LoopWorld> & Pick<LoopWorld, 'model'>): LoopWorld {
  return {
    toolbox: toolbox(),
    journal: journal(),
    limits,
    maxOutputTokens: 1000,
    requestTimeoutMs: 1000,
    refusal: async () => null,
    now: () => at,
    signal: new AbortController().signal,
    ...parts,
  };
}

async function run(parts: Partial<LoopWorld> & Pick<LoopWorld, 'model'>) {
  const world = worldOf(parts);
  if ((await world.journal.events()).length === 0) await world.journal.append([newEvent('opened', opened)]);
  return converse(world, conversationOf(await world.journal.events()));
}

test('gathers with tools and no schema, then asks for the answer with a schema and no tools', async () => {
  const model = scripted([[{ input: '{"a":1}' }, { input: '{"a":2}' }], 'I know enough.', good]);
  const state = await run({ model });
  expect(model.requests.map(({ tools, schema }) => [tools.length, schema?.name ?? null])).toEqual([
    [1, null],
    [1, null],
    [0, 'report'],
  ]);
  expect(state.closed).toMatchObject({ ended: 'concluded', answer: { cause: null } });
  expect(state.spent).toMatchObject({ turns: 3, toolCalls: 2, tokens: 300 });
  const [, second, last] = model.requests;
  expect(second?.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
  // No calls, which some providers refuse where there are no tools: what was told is text.
  expect(last?.messages.map(({ role }) => role)).toEqual(['system', 'user', 'user']);
  expect(last?.messages.at(-1)).toMatchObject({ text: expect.stringContaining('seen {"a":2}') });
});

describe('an answer that does not fit', () => {
  test.each([
    ['is asked for once more', ['Done.', 'no JSON', good], 'concluded', 3],
    ['twice is none', ['Done.', 'no JSON', '{"summary":1}'], 'BadAnswer', 3],
    [
      'and was cut is called so',
      ['Done.', { finish: 'length' as const }, { finish: 'length' as const }],
      'LengthExceeded',
      3,
    ],
    ['and was filtered is not asked for again', ['Done.', 'ContentFiltered'], 'ContentFiltered', 2],
    ['in a fence does', ['Done.', `Here:\n\`\`\`json\n${good}\n\`\`\``], 'concluded', 2],
  ])('%s', async (_, steps, ended, requests) => {
    const model = scripted(steps);
    const state = await run({ model });
    expect(state.closed).toMatchObject({ ended });
    expect(model.requests).toHaveLength(requests);
  });
});

describe('a model that fails', () => {
  test.each([
    ['RateLimited', 'ModelUnavailable', 1],
    ['QuotaExhausted', 'ModelUnavailable', 1],
    ['Unauthorized', 'ModelUnavailable', 1],
  ] as const)('%s ends the conversation', async (reason, ended, requests) => {
    const model = scripted([reason]);
    const state = await run({ model });
    expect(state.closed).toMatchObject({ ended, detail: `test/one: scripted ${reason}` });
    expect(model.requests).toHaveLength(requests);
  });

  test.each(['ContextTooLong', 'BrokenAnswer', 'ContentFiltered'] as const)(
    '%s while it gathers: it is asked for the answer with what is there',
    async (reason) => {
      const state = await run({ model: scripted([reason, good]) });
      expect(state.closed).toMatchObject({ ended: 'concluded' });
    },
  );

  test('is asked again where the step is tried again', async () => {
    const kept = journal();
    await run({ model: scripted(['Overloaded']), journal: kept });
    const state = await run({ model: scripted(['Done.', good]), journal: kept });
    expect(state.closed).toMatchObject({ ended: 'concluded' });
    expect(state.notes).toMatchObject([{ what: 'gone-on' }]);
  });
});

test('who asks for the same again is told so, then has no tools', async () => {
  const model = scripted([[{ input: '{}' }]]);
  const state = await run({ model, limits: { ...limits, toolCalls: 100, turns: 50 } });
  expect(state.notes.map(({ what }) => what)).toEqual(['nudge', 'nudge', 'tools-withdrawn']);
  expect(state.closed).toMatchObject({ ended: 'BadAnswer' });
  expect(state.spent.turns).toBeLessThan(12);
});

describe('a budget', () => {
  test('of requests keeps one for the answer', async () => {
    let number = 0;
    const endless = scripted([
      () => Promise.resolve(answerOf('', [{ id: `${++number}`, name: 'look', input: `{"a":${number}}` }])),
    ]);
    const state = await run({ model: endless, limits: { ...limits, turns: 4 } });
    expect(endless.requests.map(({ schema }) => schema !== null)).toEqual([false, false, false, true]);
    expect(JSON.stringify(endless.requests.at(-1)?.messages)).toContain('4 requests to the model');
    expect(state.closed).toMatchObject({ ended: 'BudgetExceeded' });
  });

  test('of calls is never passed', async () => {
    const model = scripted([Array.from({ length: 30 }, (_, index) => ({ input: `{"a":${index}}` })), good]);
    const tools = toolbox();
    const state = await run({ model, toolbox: tools });
    expect(tools.made).toHaveLength(10);
    expect(state.closed).toMatchObject({ ended: 'concluded' });
  });

  test('of tokens that has no room for one request makes none', async () => {
    const model = scripted([good]);
    const state = await run({ model, limits: { ...limits, tokens: 900 } });
    expect(model.requests).toHaveLength(0);
    expect(state.closed).toMatchObject({ ended: 'BudgetExceeded' });
  });

  test('of money reserves the dearest before it asks', async () => {
    const price = { input: 1000, cacheRead: 1, cacheWrite: 1250, output: 5000 };
    const model = { ...scripted([good]), price };
    const state = await run({ model, limits: { ...limits, costMicros: 5_000_000 } });
    expect(state.closed).toMatchObject({ ended: 'BudgetExceeded' });
    expect(state.spent.costMicros).toBe(0);
  });

  test('above the step keeps room for the answer, which is given of what was gathered', async () => {
    const kept = journal();
    const wanted: number[] = [];
    const model = scripted([[{ input: '{"a":1}' }], good]);
    const state = await run({
      model,
      journal: kept,
      refusal: async ({ tokens }) => (wanted.push(tokens) === 2 ? 'the day has no room' : null),
    });
    expect(state.notes).toEqual([{ what: 'out-of-budget', text: 'the day has no room' }]);
    expect(state.closed).toMatchObject({ ended: 'concluded' });
    expect(model.requests.map(({ schema }) => schema !== null)).toEqual([false, true]);
    const asked = kept.kept.filter(({ kind }) => kind === 'asked').map(({ tokens }) => tokens);
    expect(wanted).toEqual([2 * (asked[0] ?? 0), expect.any(Number), asked[1]]);
  });

  test('above the step is asked before each request', async () => {
    const state = await run({ model: scripted([good]), refusal: async () => 'the day has 0 tokens left' });
    expect(state.closed).toMatchObject({ ended: 'BudgetExceeded', detail: 'the day has 0 tokens left' });
  });
});

test('a model that hangs is not asked again once the time is over, and no request is given more than is left', async () => {
  let nowMs = Date.parse(at);
  const given: number[] = [];
  const hanging: PatientModel = {
    ...scripted([good]),
    async ask({ timeoutMs }, onFailure) {
      for (;;) {
        given.push(timeoutMs);
        nowMs += timeoutMs;
        const failure = new ModelFailure('Timeout', 'no answer');
        if (!(await onFailure(failure, { model: 'test/one', isLast: false }))) throw failure;
      }
    },
  };
  const state = await run({
    model: hanging,
    requestTimeoutMs: 25_000,
    now: () => new Date(nowMs).toISOString(),
    limits: { ...limits, turns: 100, tokens: 10_000_000 },
  });
  expect(state.closed).toMatchObject({ ended: 'BudgetExceeded' });
  expect(given).toEqual([25_000, 25_000, 25_000]);
});

test('requests that fail count, so that trying again stays within the budget', async () => {
  const failing: PatientModel = {
    ...scripted([good]),
    async ask(_, onFailure) {
      const failure = new ModelFailure('ServerError', 'broken');
      while (await onFailure(failure, { model: 'test/one', isLast: false }));
      throw failure;
    },
  };
  const state = await run({ model: failing, limits: { ...limits, turns: 5 } });
  expect(state.closed).toMatchObject({ ended: 'BudgetExceeded' });
  expect(state.spent.turns).toBe(5);
});

describe('a process that ends', () => {
  const steps: readonly Step[] = [
    [{ input: '{"a":1}' }, { input: '{"a":2}' }],
    [{ input: '{"a":3}' }],
    'I know.',
    good,
  ];

  test('at any moment is gone on with: no call is made twice whose answer is stored', async () => {
    const whole = journal();
    await run({ model: scripted(steps), journal: whole });
    expect(whole.kept.length).toBeGreaterThan(9);
    for (let length = 0; length <= whole.kept.length; length++) {
      const begun = journal(whole.kept.slice(0, length));
      const before = conversationOf(begun.kept);
      const tools = toolbox();
      const model = scripted(steps.slice(before.spent.turns - (before.lost === null ? 0 : 1)));
      const state = await run({ model, toolbox: tools, journal: begun });
      expect(state.closed).toMatchObject({ ended: 'concluded' });
      expect(tools.made).toHaveLength(3 - before.calls.length);
      expect(state.calls).toHaveLength(3);
      // What was sent and not heard of is paid for.
      expect(state.spent.tokens > 400).toBe(before.lost !== null);
    }
  });

  test('is left open where it is stopped', async () => {
    const stopping = new AbortController();
    const model = scripted([
      () => {
        stopping.abort(new Error('stop'));
        return Promise.reject(stopping.signal.reason as Error);
      },
    ]);
    const kept = journal();
    const state = await run({ model, journal: kept, signal: stopping.signal });
    expect(state.closed).toBeNull();
    expect(kept.kept.map(({ kind }) => kind)).toEqual(['opened', 'asked']);
  });
});

test('what does not fit into the window is left out, oldest first, and can still be cited', async () => {
  const long = 'x'.repeat(30_000);
  const model = scripted([[{ input: '{"a":1}' }], [{ input: '{"a":2}' }], 'Done.', good], 20_000);
  const state = await run({ model, toolbox: toolbox({ '{"a":1}': long, '{"a":2}': long }) });
  expect(state.closed).toMatchObject({ ended: 'concluded' });
  expect(state.isShortened).toBe(true);
  const third = JSON.stringify(model.requests[2]?.messages);
  expect(third).toContain('[left out: look, ok]');
  expect(third).toContain(long.slice(0, 1000));
});

/** A small generator of numbers, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test('whatever a model answers, it ends within its budget and with a reason', async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomOf(seed);
    const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
    const step = (): Step =>
      pick<() => Step>([
        () => Array.from({ length: Math.floor(random() * 6) }, () => ({ input: `{"a":${Math.floor(random() * 4)}}` })),
        () => [{ name: 'no_such_tool', input: 'no JSON' }],
        () => pick(['', 'text', '{', '[]', 'null', good, '{"summary":"x"}', `${good} and more`]),
        () => pick(['RateLimited', 'ContextTooLong', 'BrokenAnswer', 'ContentFiltered', 'Timeout'] as const),
        () => ({ finish: pick(['length', 'other'] as const) }),
        () => ({ usage: null }),
        () => ({ usage: { inputTokens: 5000, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1000 } }),
      ])();
    const model = scripted(Array.from({ length: 40 }, step));
    const bounds = { ...limits, turns: 1 + Math.floor(random() * 12), tokens: 5000 + Math.floor(random() * 60_000) };
    const state = await run({ model, limits: bounds });
    expect(state.closed?.ended).toBeDefined();
    expect(state.spent.turns).toBeLessThanOrEqual(bounds.turns);
    expect(state.spent.toolCalls).toBeLessThanOrEqual(bounds.toolCalls);
    // A server may say that it used more than was reserved, once.
    expect(state.spent.tokens).toBeLessThanOrEqual(bounds.tokens + 6000);
  }
});

test('a conversation that is closed has no next move but its end', async () => {
  const kept = journal();
  await run({ model: scripted(['Done.', good]), journal: kept });
  const state = conversationOf(kept.kept);
  expect(nextMove(state, worldOf({ model: scripted([good]) }))).toMatchObject({ kind: 'end', ended: 'concluded' });
});

test('a model with a small window is asked for a short answer after a few turns, however much it asks', async () => {
  const model = scripted(
    Array.from({ length: 20 }, (_, turn) => [{ input: `{"turn":${turn}}` }]),
    8000,
  );
  const begun = journal();
  await begun.append([newEvent('opened', { ...opened, profile: 'compact' })]);
  await run({ model, journal: begun, limits: { ...limits, turns: 20, toolCalls: 20 } });
  const gathered = model.requests.findIndex(({ schema }) => schema !== null);
  expect(gathered).toBe(5);
  const lengths = [...JSON.stringify(model.requests[gathered]?.schema).matchAll(/"(?:maxLength|maxItems)":(\d+)/g)];
  expect(lengths.length).toBeGreaterThan(5);
  expect(Math.max(...lengths.map(([, length]) => Number(length)))).toBeLessThanOrEqual(160);
});

test('an answer that was cut is asked for again in fewer words', async () => {
  const model = scripted(['I know enough.', { ...answerOf('{"summary": "It goes on and'), finish: 'length' }, good]);
  const state = await run({ model });
  expect(state.closed?.ended).toBe('concluded');
  expect(JSON.stringify(model.requests.at(-1)?.messages.at(-1))).toContain('it is too long, say far less');
});
