import type { Catalog, CatalogSource, CatalogWorkflow } from '../../src/core/catalog.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { createMetrics } from '../../src/lib/metrics.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { apiToken, fakeCatalog, fakeServer, fakeSource } from '../support/fake-server.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { createControl } from '../../src/workflows/control.ts';
import { createIntake } from '../../src/intake/intake.ts';
import { checkAnswer } from '../support/answers.ts';
import { createFakeClock } from '../support/clock.ts';

export const plan: Plan = {
  version: 1,
  namespace: 'shop',
  name: 'triage',
  runtime: { image: '', environment: {}, llmConfig: null },
  steps: [],
  outputs: [],
  sinks: ['out'],
  deadlineMs: 86_400_000,
  maxConcurrent: null,
  onResolve: 'continue',
};

const workflow: CatalogWorkflow = {
  namespace: 'shop',
  name: 'triage',
  type: 'workflow',
  ready: true,
  conditions: [],
  origin: '',
  accessFrom: [],
  plan,
  planHash: 'hash-of-triage',
};

/** The server over a real store, intake and control; nothing executes. */
export async function createWorld(
  changes: Partial<ServerOptions> = {},
  sources: readonly CatalogSource[] = [fakeSource()],
) {
  const store: Store = openSqliteStore({ path: ':memory:' });
  const clock: Clock = createFakeClock();
  const metrics = await createMetrics({ version: 'test' });
  const catalog: Catalog = {
    ...fakeCatalog(sources),
    workflows: [workflow],
    workflow: (namespace, name) => (namespace === 'shop' && name === 'triage' ? workflow : undefined),
  };
  const holder = { current: () => catalog };
  const intake = createIntake({ store, catalog: holder, clock, metrics, log: silentLog });
  const { server, options } = await fakeServer(
    {
      catalog: holder,
      intake,
      alertRuns: intake,
      sourceWorld: { intake } as unknown as ServerOptions['sourceWorld'],
      control: createControl({ store, catalog: holder, clock, log: silentLog, metrics }),
      reader: store.read,
      clock,
      metrics,
      ...changes,
    },
    sources,
  );
  const headers = { authorization: `Bearer ${apiToken}` };
  /** The answer, which must be one that its route declares. */
  async function ask(method: 'GET' | 'POST', url: string, more: Record<string, string>, payload?: unknown) {
    const body = payload === undefined ? {} : { payload: payload as object };
    const response = await server.inject({ method, url, headers: { ...headers, ...more }, ...body });
    const contentType = String(response.headers['content-type']);
    checkAnswer({ method, url, status: response.statusCode, contentType, body: response.body });
    return response;
  }
  return {
    server,
    store,
    options,
    get: (url: string) => ask('GET', url, {}),
    post: (url: string, payload?: unknown, more: Record<string, string> = {}) => ask('POST', url, more, payload),
    async close() {
      await server.close();
      await store.close();
    },
  };
}

export type World = Awaited<ReturnType<typeof createWorld>>;
