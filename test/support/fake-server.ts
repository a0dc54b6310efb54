import { z } from 'zod';
import type { CatalogAuthentication } from '../../src/core/authentication.ts';
import type { Catalog, CatalogSource } from '../../src/core/catalog.ts';
import type { Notification } from '../../src/core/event.ts';
import type { Clock, Log } from '../../src/core/ports.ts';
import type { ListReader } from '../../src/core/lists.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import { api } from '../../src/sources/api.ts';
import { bearer } from '../../src/sources/authentication/bearer.ts';
import { defineSource } from '../../src/sources/define.ts';
import { webhook } from '../../src/sources/webhook.ts';
import type { ServerReader, ServerOptions } from '../../src/server/options.ts';
import { createServer } from '../../src/server/server.ts';
import { verdictFixture } from './rows.ts';

// A server with fakes around it, for tests.

export const apiToken = 'api-token-0123456789abcdef';
export const sourceToken = 'source-token-0123456789abcdef';

/** Takes any JSON object with `alerts`; each alert is one item for counting only. */
const countingSource = defineSource({
  type: 'webhook',
  description: 'for tests',
  config: z.object({}) as never,
  async receive({ body, headers }) {
    const key = headers['idempotency-key'];
    try {
      const { alerts, crash } = JSON.parse(body.toString()) as { alerts?: unknown[]; crash?: boolean };
      if (crash === true) throw new RangeError('Maximum call stack size exceeded');
      if (!Array.isArray(alerts)) return { ok: false, status: 400, field: 'alerts', message: 'alerts is missing' };
      const notification: Notification = {
        items: alerts.map(() => ({}) as never),
        bad: [],
        moreBad: 0,
        unread: null,
        groupKey: null,
        receiver: null,
        truncatedAlerts: 0,
        deliveryKey: typeof key === 'string' ? key : null,
        body: body.toString(),
        contentHash: '',
      };
      return { ok: true, notification };
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return { ok: false, status: 400, field: '', message: 'the body is not JSON' };
    }
  },
});

/** A bearer token, in the key `token` of this Secret. */
export function bearerOf(secretRef: string): CatalogAuthentication {
  return bearer.compile({ secretRef });
}

export function fakeSource(changes: Partial<CatalogSource> = {}): CatalogSource {
  return {
    namespace: 'shop',
    name: 'alertmanager',
    type: 'webhook',
    ready: true,
    conditions: [],
    origin: '',
    config: {},
    path: 'alerts',
    addresses: addressesOf(changes),
    authentication: bearerOf('am'),
    accepts: () => null,
    mediaTypes: ['application/json'],
    subpaths: [],
    settings: null,
    triggerWorkflow: 'triage',
    context: {},
    expireAfterMs: 0,
    cooldownMs: 0,
    mutes: () => null,
    flapCapPerHour: 0,
    stormCapPerMinute: 0,
    rateLimit: null,
    grouping: null,
    suspend: false,
    ...changes,
  };
}

function addressesOf({ namespace = 'shop', path = 'alerts' }: Partial<CatalogSource>): readonly string[] {
  return path === null ? [] : [`/webhook/@${namespace}/${path}`, `/webhook/${path}`];
}

/** A webhook Source at `alerts` with a token, as the catalog compiles it. */
export function webhookSource(config: object, changes: Partial<CatalogSource> = {}): CatalogSource {
  const authentication = { type: 'bearer', secretRef: 'am' };
  const accepted = webhook.config.parse({ path: 'alerts', authentication, ...config });
  return fakeSource({ config: accepted, ...webhook.compile(accepted), ...changes });
}

/** An api Source `shop/deploys`, as the catalog compiles it. */
export function apiSource(config: object, changes: Partial<CatalogSource> = {}): CatalogSource {
  const accepted = api.config.parse(config);
  return fakeSource({ name: 'deploys', type: 'api', config: accepted, ...api.compile(accepted), ...changes });
}

export function fakeCatalog(sources: readonly CatalogSource[]): Catalog {
  return {
    generation: 1,
    sources,
    workflows: [],
    sinks: [],
    sourceByPath: (path) => sources.find(({ addresses }) => addresses.includes(`/webhook/${path}`)),
    source: (namespace, name) => sources.find((source) => source.namespace === namespace && source.name === name),
    workflow: () => undefined,
    sink: () => undefined,
  };
}

/** Empty lists; a test replaces what it looks at. */
export function emptyLists(): ListReader {
  const empty = async () => ({ items: [], nextCursor: null });
  return {
    alerts: empty,
    alert: async () => undefined,
    alertByIdentity: async () => undefined,
    transitions: async () => [],
    transitionsOf: async () => [],
    idsLike: async () => [],
    storage: async () => ({ kind: 'SQLite', bytes: 0, schema: 1 }),
    runs: empty,
    runsOfGroup: async () => [],
    foundWithin: async () => new Set(),
    events: empty,
    event: async () => undefined,
    deliveries: empty,
    deadLetters: empty,
    deadLetter: async () => undefined,
    changesSince: async () => [],
    runsChangedSince: async () => [],
    runsEndedAfter: async () => [],
    alertsOf: async () => [],
    runsOf: async () => [],
    eventsOf: async () => [],
    resources: async () => [],
    depths: async () => ({ runs: 0, deliveries: 0 }),
    oldestDeliveries: async () => new Map(),
    activity: async () => ({ sources: new Map(), sinks: new Map() }),
  };
}

/** A store in which nothing was learned yet. */
export const nothingLearned: ServerReader['learned'] = {
  verdictsOf: async () => [],
  verdictsOnAlerts: async () => [],
  modelChecks: async () => [],
  lastModelCheck: async () => null,
  namespaceData: async () => [],
};

function emptyReader(lists: ListReader): ServerReader {
  return {
    lists,
    runs: { find: async () => undefined, steps: async () => [], evidence: async () => [] },
    agent: { events: async () => [] },
    learned: nothingLearned,
    deliveries: { find: async () => undefined },
  };
}

/** What reached the parts behind the server. */
export interface Reached {
  readonly accepted: { readonly source: CatalogSource; readonly notification: Notification }[];
  readonly deadLetters: {
    readonly source: string;
    readonly reason: string;
    readonly message: string;
    readonly body: string;
  }[];
  readonly logged: {
    readonly level: string;
    readonly fields: Readonly<Record<string, unknown>>;
    readonly message: string;
  }[];
}

export const realClock: Clock = {
  now: () => Date.parse('2026-01-01T00:00:00Z'),
  monotonic: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, milliseconds);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    }),
};

function recordingLog(logged: Reached['logged']): Log {
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) =>
    void logged.push({ level, fields, message });
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}

/** A server that listens nowhere yet, on loopback if asked to. */
export async function fakeServer(
  changes: Partial<ServerOptions> = {},
  sources: readonly CatalogSource[] = [fakeSource()],
) {
  const reached: Reached = { accepted: [], deadLetters: [], logged: [] };
  const metrics = await createMetrics({ version: 'test' });
  const options: ServerOptions = {
    host: '127.0.0.1',
    port: 0,
    version: '0.1.0',
    publicUrl: null,
    token: apiToken,
    identities: null,
    allowInsecureSources: false,
    allowMcpStart: false,
    tls: null,
    state: () => 'ready',
    catalog: { current: () => fakeCatalog(sources) },
    sourceTypes: [countingSource],
    // Those that answer by themselves are tried with a whole program.
    sourceWorld: {
      intake: { request: async () => ({ kind: 'started', runId: 'new-run' }) },
    } as unknown as ServerOptions['sourceWorld'],
    intake: {
      async accept(source, notification) {
        reached.accepted.push({ source, notification });
        const received = notification.items.length;
        return { received, opened: received, repeated: 0, resolved: 0, ignored: 0, runs: 0 };
      },
      async deadLetter(source, reason, message, body) {
        reached.deadLetters.push({ source: `${source.namespace}/${source.name}`, reason, message, body });
      },
    },
    alertRuns: {
      startForAlert: async () => ({ runId: 'new-run', workflow: 'shop/triage', retryOf: null }),
    },
    control: {
      cancel: async () => undefined,
      retry: async () => 'new-run',
      ask: async () => 'new-run',
      judge: async () => verdictFixture(),
      retryDelivery: async () => undefined,
      retryDeliveries: async () => 0,
      cancelDelivery: async () => undefined,
      cancelDeliveries: async () => 0,
    },
    sinkTester: { test: () => Promise.resolve({ sent: true, conditionHolds: null, messages: [] }) },
    knownData: { of: async () => [] },
    modelChecks: { condition: async () => null, check: async () => [] },
    reader: emptyReader(emptyLists()),
    storeHealth: { problem: async () => null },
    cluster: null,
    model: null,
    secrets: { get: (_namespace, { name, key }) => (name === 'am' && key === 'token' ? sourceToken : null) },
    metrics,
    clock: realClock,
    log: recordingLog(reached.logged),
    ...changes,
  };
  const server = await createServer(options);
  return { server, reached, metrics, options };
}
