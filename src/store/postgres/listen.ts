import { Client } from 'pg';
import { storeError } from './errors.ts';

export interface ListenOptions {
  readonly url: string;
  readonly channel: string;
  readonly onNotification: (payload: string) => void;
  /** The connection listens, at first or again: what was sent before is not heard any more. */
  readonly onConnected: () => void;
  readonly onError: (error: unknown) => void;
}

const limits = { connect: 5_000, query: 5_000, keepAlive: 5_000 } as const;
/** A connection that the network swallowed says nothing: it is asked so often. */
const heartbeatMs = 10_000;
const firstPauseMs = 250;
const longestPauseMs = 5_000;

/**
 * Keeps one connection on LISTEN: what breaks is made anew until `close`. It only hears hints, so whoever uses it also
 * polls. Needs a session of its own: a pooler that shares sessions between transactions delivers nothing.
 */
export function listen(options: ListenOptions): { close(): Promise<void> } {
  let closed = false;
  let pauseMs = firstPauseMs;
  let timer: NodeJS.Timeout | undefined;
  let current: Client | undefined;

  function later(delayMs: number, work: () => Promise<void>): void {
    if (closed) return;
    timer = setTimeout(() => void work(), delayMs).unref();
  }

  /** Reads the certificates that the URL names, which may be missing while somebody replaces them. */
  function createClient(): Client | undefined {
    try {
      return new Client({
        connectionString: options.url,
        application_name: 'punching-fist listener',
        keepAlive: true,
        keepAliveInitialDelayMillis: limits.keepAlive,
        connectionTimeoutMillis: limits.connect,
        query_timeout: limits.query,
      });
    } catch (error) {
      again(error);
      return undefined;
    }
  }

  async function connect(): Promise<void> {
    const client = createClient();
    if (client === undefined) return;
    current = client;
    client.on('error', (error) => lost(client, error));
    client.on('end', () => lost(client, new Error('the connection ended')));
    client.on('notification', ({ payload }) => options.onNotification(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(options.channel)}`);
      pauseMs = firstPauseMs;
      later(heartbeatMs, () => beat(client));
      options.onConnected();
    } catch (error) {
      lost(client, error);
    }
  }

  async function beat(client: Client): Promise<void> {
    try {
      await client.query('SELECT 1');
      if (client === current) later(heartbeatMs, () => beat(client));
    } catch (error) {
      lost(client, error);
    }
  }

  function lost(client: Client, error: unknown): void {
    if (client !== current) return;
    current = undefined;
    clearTimeout(timer);
    end(client);
    again(error);
  }

  function again(error: unknown): void {
    if (closed) return;
    options.onError(storeError(error));
    later(pauseMs, connect);
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }

  void connect();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      const client = current;
      current = undefined;
      if (client !== undefined) end(client);
    },
  };
}

/** Without a wait: the peer may never answer. */
function end(client: Client): void {
  client.removeAllListeners('notification');
  client.end().catch(() => undefined);
}
