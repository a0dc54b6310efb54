import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Change } from '../../core/changes.ts';

/** Who reads the stream. `id` is the position after what is told. */
export interface StreamClient {
  /** Begins the answer. From then on the client is told everything, so that it may read its lists. */
  begin(): void;
  change(id: string, change: Change): void;
  /** Tells that changes were left out: what was read before has to be read again. */
  reset(id: string, reason: string): void;
  /** Shows that the connection lives, and where the stream is. */
  beat(id: string): void;
  /** Ends the answer, soon also where it is not read. */
  end(): void;
}

/** Characters that wait for a reader, all that one look may find; then it is reset, so that a slow one costs no memory. */
const mostWaiting = 1024 * 1024;

/** For reading the end. */
const lastReadMs = 250;

/** Milliseconds after which a client tries again. */
const retryMs = 3000;

/**
 * Writes server-sent events (HTML, 9.2) of the changes that a client wants. What does not fit into its buffer is left out,
 * and it is reset once it has read what is there.
 */
export function createStreamClient(reply: FastifyReply, wants: (change: Change) => boolean): StreamClient {
  const { raw } = reply;
  let hasLost = false;
  let lastId = '';
  function write(text: string): void {
    if (hasLost || raw.writableEnded) return;
    if (raw.writableLength + text.length > mostWaiting) hasLost = true;
    else raw.write(text);
  }
  function reset(id: string, reason: string): void {
    lastId = id;
    write(`id: ${id}\nevent: reset\ndata: ${JSON.stringify({ reason })}\n\n`);
  }
  raw.on('drain', () => {
    if (!hasLost) return;
    hasLost = false;
    reset(lastId, 'the client reads too slowly');
  });
  return {
    begin() {
      reply.hijack();
      raw.writeHead(200, {
        ...(reply.getHeaders() as OutgoingHttpHeaders),
        'content-type': 'text/event-stream; charset=utf-8',
        // Proxies that gather answers (nginx) shall not gather this one.
        'x-accel-buffering': 'no',
      });
      raw.write(`retry: ${retryMs}\n\n`);
    },
    reset,
    change(id, change) {
      lastId = id;
      if (wants(change)) write(`id: ${id}\nevent: ${change.kind}\ndata: ${JSON.stringify(change)}\n\n`);
    },
    beat(id) {
      lastId = id;
      write(`: heartbeat\nid: ${id}\n\n`);
    },
    end() {
      raw.end();
      setTimeout(() => raw.destroy(), lastReadMs).unref();
    },
  };
}
