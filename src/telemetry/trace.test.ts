import { expect, test } from 'vitest';
import { planOf, runRecord, step } from '../../test/support/engine.ts';
import { newEvent } from '../agent/contents.ts';
import type { Contents } from '../agent/contents.ts';
import type { AgentEvent, NewAgentEvent } from '../core/agent-event.ts';
import type { RunRecord, StepRecord } from '../core/run.ts';
import { addMs } from '../core/time.ts';
import { otlpRequest } from './otlp.ts';
import type { Span } from './span.ts';
import { traceOf } from './trace.ts';

const now = '2026-01-01T00:00:00.000Z';
const after = (seconds: number): string => addMs(now, seconds * 1000);

const run: RunRecord = {
  ...runRecord(planOf([step('look')]), now, {}),
  id: '01980000-0000-7000-8000-00000000000a',
  name: 'triage',
  namespace: 'shop',
  status: 'succeeded',
  startedAt: now,
  completedAt: after(60),
};

function attempt(number: number, changes: Partial<StepRecord> = {}): StepRecord {
  return {
    id: `s${number}`,
    runId: run.id,
    name: 'look',
    type: 'agent',
    path: '1',
    attempt: number,
    status: 'succeeded',
    fence: number,
    result: null,
    error: null,
    errorCode: null,
    retryable: false,
    process: null,
    startedAt: after(number * 10),
    completedAt: after(number * 10 + 9),
    createdAt: now,
    ...changes,
  };
}

/** Events of a run in their order, a second each. */
function journal(...events: readonly (readonly [attempt: number, event: NewAgentEvent])[]): readonly AgentEvent[] {
  return events.map(([number, event], index) => ({
    ...event,
    runId: run.id,
    path: '1',
    sequence: index + 1,
    attempt: number,
    at: after(number * 10 + index + 1),
  }));
}

const opened = newEvent('opened', {
  model: 'bedrock/eu.anthropic.claude/v1',
  bounds: { maxOutputTokens: 900 },
} as unknown as Contents['opened']);
const asked = newEvent('asked', { phase: 'gather' });
const answered = newEvent('answered', {
  phase: 'gather',
  model: 'bedrock/eu.anthropic.claude/v1',
  message: { role: 'assistant', text: 'words of the model', calls: [], raw: null },
  finish: 'stop',
  usage: { inputTokens: 1, cacheReadTokens: 20, cacheWriteTokens: 300, outputTokens: 4 },
});

function called(id: string, changes: object = {}): NewAgentEvent {
  const result = { status: 'ok', reason: null, durationMs: 500, text: 'what was read', ...changes };
  const call = { id, name: 'kubernetes_get', input: '{"name":"web-1"}' };
  return newEvent('called', { call, result } as unknown as Contents['called']);
}

const briefOf = ({ name, error, startMs, endMs }: Span): readonly unknown[] => [
  name,
  error,
  (startMs - Date.parse(now)) / 1000,
  (endMs - Date.parse(now)) / 1000,
];

test('a run over two processes is one trace, in which the request that nobody heard the end of is interrupted', () => {
  const steps = [attempt(1, { status: 'failed', errorCode: 'Interrupted' }), attempt(2)];
  const events = journal([1, opened], [1, asked], [2, asked], [2, answered], [2, called('c1')]);
  const spans = traceOf({ run, steps, events });
  expect(spans.map(briefOf)).toEqual([
    ['invoke_workflow triage', null, 0, 60],
    ['invoke_agent look', 'Interrupted', 10, 19],
    ['chat eu.anthropic.claude/v1', 'Interrupted', 12, 19],
    ['invoke_agent look', null, 20, 29],
    ['chat eu.anthropic.claude/v1', null, 23, 24],
    ['execute_tool kubernetes_get', null, 24.5, 25],
  ]);
  const [root, first, , second] = spans;
  expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([
    null,
    root?.spanId,
    first?.spanId,
    root?.spanId,
    second?.spanId,
    second?.spanId,
  ]);
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(['0198000000007000800000000000000a']));
  // Another process makes the same of the same rows.
  expect(traceOf({ run, steps, events })).toEqual(spans);
});

test('a request has the provider, the model and what it used, as the conventions count it', () => {
  const [, agent, chat] = traceOf({
    run,
    steps: [attempt(1)],
    events: journal([1, opened], [1, asked], [1, answered]),
  });
  const used = {
    'gen_ai.provider.name': 'aws.bedrock',
    'gen_ai.request.model': 'eu.anthropic.claude/v1',
    'gen_ai.usage.input_tokens': 321,
    'gen_ai.usage.cache_read.input_tokens': 20,
    'gen_ai.usage.cache_creation.input_tokens': 300,
    'gen_ai.usage.output_tokens': 4,
  };
  expect(chat?.attributes).toMatchObject({ ...used, 'gen_ai.request.max_tokens': 900 });
  expect(agent?.attributes).toMatchObject(used);
});

test('a call that was refused has the reason, and what a model made up is in no name and no id', () => {
  const made = { status: 'denied', reason: 'UnknownTool' };
  const events = journal([1, opened], [1, called('a b\n<script>', made)], [1, called('c2', { status: 'no_data' })]);
  const [, , unknown, empty] = traceOf({ run, steps: [attempt(1)], events });
  expect(unknown).toMatchObject({ name: 'execute_tool unknown', error: 'UnknownTool' });
  expect(unknown?.attributes['gen_ai.tool.call.id']).toBeUndefined();
  expect(empty).toMatchObject({ error: null, attributes: { 'gen_ai.tool.call.id': 'c2' } });
});

test('what an earlier run was told is no work of this one, and steps without a model are none', () => {
  const reused = called('c1');
  const events = journal([1, opened], [1, { ...reused, content: { ...reused.content, isReused: true } }]);
  const steps = [attempt(1), attempt(1, { id: 's9', path: '2', name: 'other' })];
  expect(traceOf({ run, steps, events }).map(({ name }) => name)).toEqual([
    'invoke_workflow triage',
    'invoke_agent look',
  ]);
  expect(traceOf({ run, steps, events: [] })).toEqual([]);
});

test('a run that failed says why', () => {
  const failed: RunRecord = { ...run, status: 'failed', errorCode: 'ModelUnavailable' };
  const steps = [attempt(1, { status: 'failed', errorCode: 'ModelUnavailable' })];
  const spans = traceOf({ run: failed, steps, events: journal([1, opened]) });
  expect(spans.map(({ error }) => error)).toEqual(['ModelUnavailable', 'ModelUnavailable']);
  expect(spans[0]?.attributes['error.type']).toBe('ModelUnavailable');
});

test('nothing that was said or read leaves', () => {
  const events = journal([1, opened], [1, asked], [1, answered], [1, called('c1')]);
  const request = otlpRequest(traceOf({ run, steps: [attempt(1)], events }), { version: '1', resource: {} });
  const text = JSON.stringify(request);
  for (const words of ['words of the model', 'what was read', 'web-1']) expect(text).not.toContain(words);
});
