import { expect, test } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { answerOf } from './answer.ts';

function textOf(content: readonly JsonObject[], structured: JsonObject | null = null): string {
  return answerOf('prometheus', 'query', { content, structured, isError: false }).text;
}

test.each<[string, JsonObject, string]>([
  ['text', { type: 'text', text: 'up 1\nup 2' }, 'up 1\nup 2'],
  [
    'an image',
    { type: 'image', mimeType: 'image/png', data: 'iVBO' },
    '[image image/png, 4 characters of base64: not shown]',
  ],
  ['a file of text', { type: 'resource', resource: { uri: 'file:///a', text: 'hello' } }, '[file:///a]\nhello'],
  [
    'a file of bytes',
    { type: 'resource', resource: { uri: 'file:///a', mimeType: 'application/zip', blob: 'UEsD' } },
    '[file:///a application/zip, 4 characters of base64: not shown]',
  ],
  ['a link', { type: 'resource_link', uri: 'file:///a', name: 'a' }, '[link file:///a a]'],
  ['what is not known', { type: 'video' }, '[video: not shown]'],
])('%s', (_, block, text) => {
  expect(textOf([block])).toBe(text);
});

test('what is structured is shown where there is no text', () => {
  expect(textOf([], { up: 1 })).toBe('{\n "up": 1\n}');
  expect(textOf([{ type: 'text', text: 'up is 1' }], { up: 1 })).toBe('up is 1');
});

test('nothing is no data, and no error', () => {
  expect(
    answerOf('prometheus', 'query', { content: [{ type: 'text', text: ' ' }], structured: null, isError: false }),
  ).toEqual({
    status: 'no_data',
    text: 'the tool answered nothing',
    command: null,
    evidence: { kind: 'mcp', object: 'mcp/prometheus/query' },
    narrow: 'ask for less, with arguments of the tool',
  });
});

test('an error of the tool proves nothing', () => {
  const content = [{ type: 'text', text: 'no such metric' }];
  expect(answerOf('prometheus', 'query', { content, structured: null, isError: true })).toEqual({
    status: 'error',
    reason: 'McpToolFailed',
    text: 'no such metric',
    command: null,
    evidence: null,
  });
});
