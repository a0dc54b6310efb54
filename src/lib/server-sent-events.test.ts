import { expect, test } from 'vitest';
import { parseServerEvents } from './server-sent-events.ts';

async function parse(text: string, size: number) {
  async function* chunks() {
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  }
  const events = [];
  for await (const event of parseServerEvents(chunks())) events.push(event);
  return events;
}

const stream = [
  'retry: 3000\n\n',
  'id: 1\nevent: alert\ndata: {"a":\ndata: 1}\n\n',
  ': heartbeat\nid: 2\n\n',
  'data\r\ndata:x\r\n\r\n',
  'event: lost\ndata: not whole\n',
].join('');

test.each([1, 2, 7, 1000])('events in pieces of %i characters', async (size) => {
  expect(await parse(stream, size)).toEqual([
    { id: '', type: 'message', data: '', retryMs: 3000 },
    { id: '1', type: 'alert', data: '{"a":\n1}', retryMs: 3000 },
    { id: '2', type: 'message', data: '', retryMs: 3000 },
    { id: '2', type: 'message', data: '\nx', retryMs: 3000 },
  ]);
});
