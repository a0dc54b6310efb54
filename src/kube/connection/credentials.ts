import { createHash } from 'node:crypto';
import { Agent, Pool, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';

/** How long a token, certificate or plug-in's answer is used before it is asked for again. The plug-ins cache too. */
const credentialsAgeMs = 60_000;
/** A server that takes nothing is no reason to read files, or to start plug-ins, with each request. */
const renewalSpacingMs = 1000;

/**
 * A peer that is gone without a word is known after 25 s, also where only it would have to say something: the system asks after so long
 * without a packet, and then ten times, each second (as Node sets it; measured on Linux). client-go pings after 30 s and waits 15 s.
 * What stands between, and answers for a server that is gone, is not known by it.
 */
const keepAliveMs = 15_000;

/** What requests are signed with, and what connections are made with. */
export interface Identity {
  readonly headers: Readonly<Record<string, string>>;
  /** `ca`, `cert`, `key`, ... as node:tls takes them. */
  readonly tls: Readonly<Record<string, unknown>>;
}

/** Reads files, or asks plug-ins. `refused`: the server did not take what was there, so nothing that was kept is of use. */
export type ReadIdentity = (refused: boolean) => Promise<Identity>;

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  /** For answers without an end, each of which holds a connection. */
  readonly streams: () => Dispatcher;
}

/** Headers and connections of an identity; a new connection pool only where the TLS material changed. */
export function credentialCache(readIdentity: ReadIdentity, proxyUrl: string | undefined, connected: () => void) {
  let current: Credentials | null = null;
  let currentHash = '';
  let readAt = 0;
  let renewedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<Credentials> | null = null;
  let streaming: Dispatcher | undefined;

  const factory = (origin: string | URL, options: object): Dispatcher =>
    new Pool(origin, options).on('connect', connected);
  const openPool = (tls: Identity['tls'], connections: number | null): Dispatcher =>
    proxyUrl === undefined
      ? new Agent({ connect: { ...tls, keepAliveInitialDelay: keepAliveMs }, connections, factory })
      : new ProxyAgent({ uri: proxyUrl, requestTls: tls, proxyTls: { keepAliveInitialDelay: keepAliveMs }, factory });

  const read = async (refused: boolean): Promise<Credentials> => {
    const { headers, tls } = await readIdentity(refused);
    const hash = createHash('sha256').update(JSON.stringify(tls)).digest('hex');
    let { dispatcher } = current ?? {};
    if (dispatcher === undefined || hash !== currentHash) {
      void dispatcher?.close();
      void streaming?.close();
      streaming = undefined;
      dispatcher = openPool(tls, 8);
    }
    const streams = (): Dispatcher => (streaming ??= openPool(tls, null));
    current = { dispatcher, streams, headers };
    currentHash = hash;
    readAt = performance.now();
    return current;
  };
  const renew = async (refused: boolean): Promise<Credentials> => {
    reading ??= read(refused).finally(() => {
      reading = null;
    });
    return reading;
  };
  return {
    get: async (): Promise<Credentials> =>
      current !== null && performance.now() - readAt < credentialsAgeMs ? current : renew(false),
    /** After 401. */
    renew: async (): Promise<Credentials> => {
      const nowMs = performance.now();
      if (current !== null && reading === null && nowMs - renewedAt < renewalSpacingMs) return current;
      renewedAt = nowMs;
      return renew(true);
    },
    close: async (): Promise<void> => {
      await current?.dispatcher.close();
      // Whoever reads a stream has been told to end; what it holds is nobody's.
      await streaming?.destroy();
      current = null;
    },
  };
}
