import type { LanguageModelV4Content, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { toAnswer } from './answer.ts';
import { ModelFailure } from './model.ts';

type Finish = LanguageModelV4GenerateResult['finishReason']['unified'];

function result(content: readonly LanguageModelV4Content[], unified: Finish = 'stop') {
  return {
    content: [...content],
    finishReason: { unified, raw: unified },
    usage: {
      inputTokens: { total: 1000, noCache: 300, cacheRead: 600, cacheWrite: 100 },
      outputTokens: { total: 50, text: 40, reasoning: 10 },
    },
  };
}

const text = (said: string): LanguageModelV4Content => ({ type: 'text', text: said });
const call = (toolCallId: string): LanguageModelV4Content => ({
  type: 'tool-call',
  toolCallId,
  toolName: 'look',
  input: '{}',
});
const request = { messages: [], schema: null };
const ofSchema = { messages: [], schema: { name: 'report', schema: {} } };

test('text, calls and the parts of the usage that have their own prices', () => {
  expect(toAnswer(result([text('Let me '), text('look.'), call('c1')], 'tool-calls'), request, 'm')).toEqual({
    message: { role: 'assistant', text: 'Let me look.', calls: [{ id: 'c1', name: 'look', input: '{}' }], raw: null },
    finish: 'tool-calls',
    usage: { inputTokens: 300, cacheReadTokens: 600, cacheWriteTokens: 100, outputTokens: 50 },
  });
});

test('a server that says nothing of tokens has no usage, and one that contradicts itself none below 0', () => {
  const nothing = { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined };
  const silent = { inputTokens: nothing, outputTokens: { total: undefined, text: undefined, reasoning: undefined } };
  expect(toAnswer({ ...result([text('x')]), usage: silent }, request, 'm').usage).toBeNull();
  const odd = { ...silent, inputTokens: { ...nothing, total: 100, cacheRead: 300 } };
  expect(toAnswer({ ...result([text('x')]), usage: odd }, request, 'm').usage).toMatchObject({ inputTokens: 0 });
});

describe('how it ended', () => {
  test.each<readonly [Finish, readonly LanguageModelV4Content[], string]>([
    ['stop', [call('c1')], 'tool-calls'],
    ['tool-calls', [text('x')], 'other'],
    ['length', [], 'length'],
    ['length', [call('c1')], 'length'],
    ['other', [text('x')], 'other'],
  ])('%s with %j is %s', (unified, content, finish) => {
    expect(toAnswer(result(content, unified), request, 'm').finish).toBe(finish);
  });

  test.each<readonly [Finish, readonly LanguageModelV4Content[], string]>([
    ['stop', [], 'BrokenAnswer'],
    ['stop', [text(' \n')], 'BrokenAnswer'],
    ['stop', [text('<think>hm</think>')], 'BrokenAnswer'],
    ['error', [text('x')], 'BrokenAnswer'],
    ['interrupted', [text('x')], 'BrokenAnswer'],
    ['content-filter', [text('x')], 'ContentFiltered'],
  ])('%s with %j is no answer: %s, whose tokens are known', (unified, content, reason) => {
    const thrown: unknown = (() => {
      try {
        return toAnswer(result(content, unified), request, 'm');
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(ModelFailure);
    expect(thrown).toMatchObject({ reason, usage: { outputTokens: 50 } });
  });
});

test('ids are unique in the conversation, and ones that every provider takes', () => {
  const before = toAnswer(result([call('call_0')]), request, 'm').message;
  const { message } = toAnswer(
    result([call('call_0'), call('call_0'), call(''), call('a b'), call('fine-1')]),
    { ...request, messages: [before] },
    'm',
  );
  const ids = message.calls.map(({ id }) => id);
  expect(ids).toEqual(['call_1_0', 'call_1_1', 'call_1_2', 'call_1_3', 'fine-1']);
});

test('the own parts have the ids that the calls have', () => {
  const thought: LanguageModelV4Content = { type: 'reasoning', text: 'hm' };
  const { message } = toAnswer(result([thought, call('')]), request, 'm');
  expect(JSON.stringify(message.raw)).toContain(`"${message.calls[0]?.id}"`);
});

test('thoughts that a server left in the text are none of it', () => {
  const said = '<think>first\n{}</think>\n{"a":1}';
  for (const asked of [request, ofSchema])
    expect(toAnswer(result([text(said)]), asked, 'm').message.text).toBe('{"a":1}');
});
