import { expect, test } from 'vitest';
import { newEvent } from '../../agent/contents.ts';
import type { Answered, Called, Failed } from '../../agent/contents.ts';
import type { NewAgentEvent } from '../../core/agent-event.ts';
import { countAgentEvents } from './model-metrics.ts';

const message = { role: 'assistant', text: 'x', calls: [], raw: null } as const;
const answer: Answered = { phase: 'gather', model: 'local/org/small', message, finish: 'stop', usage: null };
const failure: Failed = { phase: 'gather', model: 'anthropic/m', reason: 'RateLimited', message: '', isLast: false };

function called(name: string, changes: Partial<Called['result']> = {}): NewAgentEvent {
  const result = { text: '', command: null, evidence: null, bytes: 0, cached: false, durationMs: 1, reason: null };
  return newEvent('called', {
    call: { id: 'c', name, input: '{}' },
    result: { ...result, status: 'ok', ...changes },
  });
}

function counted(...events: readonly NewAgentEvent[]): readonly string[] {
  const lines: string[] = [];
  const increment = (name: string, labels: object, by = 1) =>
    void lines.push(`${name} ${Object.values(labels).join(' ')} ${by}`);
  countAgentEvents({ increment }, events);
  return lines;
}

test('an answer is counted by its tokens and its cost', () => {
  const usage = { inputTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 3, outputTokens: 7 };
  expect(counted(newEvent('answered', { ...answer, usage }, { tokens: 20, costMicros: 1_500_000 }))).toEqual([
    'fist_llm_requests_total local org/small answered 1',
    'fist_llm_tokens_total local org/small input 10',
    'fist_llm_tokens_total local org/small cache_write 3',
    'fist_llm_tokens_total local org/small output 7',
    'fist_llm_cost_dollars_total local org/small 1.5',
  ]);
});

test('what nobody knows is counted as it is charged', () => {
  expect(counted(newEvent('answered', answer, { tokens: 20, costMicros: 0 }))).toEqual([
    'fist_llm_requests_total local org/small answered 1',
    'fist_llm_tokens_total local org/small unknown 20',
  ]);
  expect(counted(newEvent('failed', failure, { tokens: 5, costMicros: 2_000_000 }))).toEqual([
    'fist_llm_requests_total anthropic m RateLimited 1',
    'fist_llm_tokens_total anthropic m unknown 5',
    'fist_llm_cost_dollars_total anthropic m 2',
  ]);
  expect(counted(newEvent('failed', failure))).toEqual(['fist_llm_requests_total anthropic m RateLimited 1']);
});

test('a call is counted by its tool, unless a model made the name up', () => {
  expect(
    counted(called('loki_query', { status: 'no_data' }), called('rm -rf', { status: 'error', reason: 'UnknownTool' })),
  ).toEqual(['fist_agent_tool_calls_total loki_query no_data 1', 'fist_agent_tool_calls_total unknown error 1']);
});

test('what reserves and what is told is not counted', () => {
  const asked = newEvent('asked', { phase: 'gather' }, { tokens: 9, costMicros: 9 });
  expect(counted(asked, newEvent('noted', { what: 'nudge', text: 'x' }))).toEqual([]);
});

test('a conversation is counted by how it ended', () => {
  expect(counted(newEvent('closed', { ended: 'BudgetExceeded', detail: '', answer: null }))).toEqual([
    'fist_agent_conversations_total BudgetExceeded 1',
  ]);
});
