import { describe, expect, test } from 'vitest';
import type { Message } from '../message.ts';
import { toPrompt } from './prompt.ts';
import { writeRaw } from './raw.ts';

const model = 'anthropic/claude';
const withTools = { model, hasTools: true };
const opening: readonly Message[] = [
  { role: 'system', text: 'Be careful.' },
  { role: 'user', text: 'What is wrong?' },
];
const call = { id: 'c1', name: 'kubernetes_get', input: '{"kind":"pod"}' };
const asked: Message = { role: 'assistant', text: 'Let me look.', calls: [call], raw: null };
const told: Message = { role: 'tool', results: [{ id: 'c1', name: 'kubernetes_get', text: 'it is broken' }] };

describe('with tools', () => {
  test('a conversation in the form of the SDKs', () => {
    expect(toPrompt([...opening, asked, told], withTools)).toEqual([
      { role: 'system', content: 'Be careful.' },
      { role: 'user', content: [{ type: 'text', text: 'What is wrong?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Let me look.' },
          { type: 'tool-call', toolCallId: 'c1', toolName: 'kubernetes_get', input: { kind: 'pod' } },
        ],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'c1',
            toolName: 'kubernetes_get',
            output: { type: 'text', value: 'it is broken' },
          },
        ],
      },
    ]);
  });

  test('neighbours of the user become one, what is empty is left out', () => {
    const messages: readonly Message[] = [
      ...opening,
      { role: 'assistant', text: ' \n', calls: [], raw: null },
      { role: 'user', text: 'Go on.' },
    ];
    expect(toPrompt(messages, withTools).slice(1)).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'What is wrong?\n\nGo on.' }] },
    ]);
  });

  test('every call has one answer, in the order of the calls, also where none was stored', () => {
    const calls = ['a', 'b', 'c'].map((id) => ({ ...call, id }));
    const results = ['c', 'a'].map((id) => ({ id, name: call.name, text: id === 'a' ? '' : `answer of ${id}` }));
    const prompt = toPrompt([...opening, { ...asked, calls }, { role: 'tool', results }], withTools);
    expect(JSON.stringify(prompt.at(-1))).toMatch(/"a".*no answer.*"b".*no answer.*"c".*answer of c/);
    expect(prompt).toHaveLength(4);
  });

  test('input that is no object, and names that nobody may have, are handed back in a form that is taken', () => {
    const calls = [
      { id: 'c1', name: 'rm -rf /', input: '{"broken' },
      { id: 'c2', name: '', input: '[1]' },
    ];
    const prompt = toPrompt([...opening, { ...asked, text: '', calls }, told], withTools);
    expect(prompt[2]?.content).toEqual([
      { type: 'tool-call', toolCallId: 'c1', toolName: 'rm_-rf__', input: { unreadable: '{"broken' } },
      { type: 'tool-call', toolCallId: 'c2', toolName: 'unknown', input: { unreadable: '[1]' } },
    ]);
  });

  test('the system and the end so far are marked as what stays', () => {
    const cacheMark = { anthropic: { cacheControl: { type: 'ephemeral' } } };
    const prompt = toPrompt([...opening, asked, told], { ...withTools, cacheMark });
    expect(prompt.map(({ providerOptions }) => providerOptions !== undefined)).toEqual([true, false, false, true]);
  });
});

describe('the own parts of a provider', () => {
  const metadata = { anthropic: { signature: 'signed' } };
  const parts = [
    { type: 'reasoning', text: 'It may be the memory.', providerMetadata: metadata },
    { type: 'text', text: 'Let me look.' },
    { type: 'tool-call', toolCallId: 'c1', toolName: 'kubernetes_get', input: '{"kind":"pod"}' },
  ] as const;
  const thought: Message = { ...asked, raw: writeRaw(model, opening, parts) };
  const kinds = (messages: readonly Message[], of = model) => {
    const content = toPrompt(messages, { model: of, hasTools: true })[2]?.content;
    return Array.isArray(content) ? content.map(({ type }) => type) : [];
  };

  test('go back as they came, in their order, through JSON and a store that sorts keys', () => {
    const stored = JSON.parse(JSON.stringify([...opening, thought, told])) as readonly Message[];
    expect(toPrompt(stored, withTools)[2]?.content).toEqual([
      { type: 'reasoning', text: 'It may be the memory.', providerOptions: metadata },
      { type: 'text', text: 'Let me look.' },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'kubernetes_get', input: { kind: 'pod' } },
    ]);
    const sorted = stored.map((message) => Object.fromEntries(Object.entries(message).toReversed())) as unknown;
    expect(kinds(sorted as readonly Message[])).toEqual(['reasoning', 'text', 'tool-call']);
  });

  test('do not go to another model', () => {
    expect(kinds([...opening, thought, told], 'anthropic/other')).toEqual(['text', 'tool-call']);
  });

  test('do not go back once something before them was changed', () => {
    const [system, question] = opening as [Message, Message];
    expect(kinds([system, { ...question, text: 'shortened' } as Message, thought, told])).toEqual([
      'text',
      'tool-call',
    ]);
    expect(kinds([...opening, thought, { role: 'tool', results: [] }])).toContain('reasoning');
  });

  test('are kept only where there is more than text and calls', () => {
    expect(writeRaw(model, opening, parts.slice(1))).toBeNull();
  });
});

describe('without tools', () => {
  const messages = [...opening, asked, told, { role: 'user', text: 'Conclude.' }] as const;

  test('calls and answers are told in words, so that no provider refuses or drops them', () => {
    expect(toPrompt(messages, { model, hasTools: false })).toEqual([
      { role: 'system', content: 'Be careful.' },
      { role: 'user', content: [{ type: 'text', text: 'What is wrong?' }] },
      {
        role: 'assistant',
        content: [{ type: 'text', text: 'Let me look.\nI called kubernetes_get with {"kind":"pod"}' }],
      },
      {
        role: 'user',
        content: [{ type: 'text', text: 'kubernetes_get answered:\nit is broken\n\nConclude.' }],
      },
    ]);
  });
});
