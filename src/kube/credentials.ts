import { createHash } from 'node:crypto';
import type { RequestOptions } from 'node:https';
import { Agent, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { KubeConfig } from '@kubernetes/client-node';

/** How long a token, certificate or plug-in's answer is used before it is asked for again. The plug-ins cache too. */
const credentialsAgeMs = 30_000;

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher: Dispatcher;
  /** For answers without an end, each of which holds a connection. */
  readonly streams: () => Dispatcher;
}

/** Headers and connections for the kubeconfig's identity; a new connection pool only where the TLS material changed. */
export function credentialCache(config: KubeConfig, proxyUrl: string | undefined) {
  let current: Credentials | null = null;
  let currentHash = '';
  let readAt = 0;
  let reading: Promise<Credentials> | null = null;
  let streaming: Dispatcher | undefined;

  const read = async (): Promise<Credentials> => {
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername, headers, auth } = options;
    const tls = Object.fromEntries(
      Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
        ([, value]) => value !== undefined && value !== null,
      ),
    );
    const hash = createHash('sha256').update(JSON.stringify(tls)).digest('hex');
    const openPool = (connections: number | null): Dispatcher =>
      proxyUrl === undefined
        ? new Agent({ connect: tls, connections })
        : new ProxyAgent({ uri: proxyUrl, requestTls: tls });
    let { dispatcher } = current ?? {};
    if (dispatcher === undefined || hash !== currentHash) {
      void dispatcher?.close();
      void streaming?.close();
      streaming = undefined;
      dispatcher = openPool(8);
    }
    const basic = typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
    const streams = (): Dispatcher => (streaming ??= openPool(null));
    current = { dispatcher, streams, headers: { ...basic, ...(headers as Record<string, string> | undefined) } };
    currentHash = hash;
    readAt = performance.now();
    return current;
  };
  const renew = async (): Promise<Credentials> => {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
  return {
    get: async (): Promise<Credentials> =>
      current !== null && performance.now() - readAt < credentialsAgeMs ? current : renew(),
    renew,
    close: async (): Promise<void> => {
      await current?.dispatcher.close();
      // Whoever reads a stream has been told to end; what it holds is nobody's.
      await streaming?.destroy();
      current = null;
    },
  };
}
