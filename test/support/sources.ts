import { alertOfObject } from '../../src/app/investigate.ts';
import type { Catalog, CatalogSink, CatalogSource, CatalogWorkflow } from '../../src/core/catalog.ts';
import type { SourceEventRecord } from '../../src/core/event.ts';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { Log } from '../../src/core/ports.ts';
import type { RunRecord } from '../../src/core/run.ts';
import type { Store } from '../../src/core/store.ts';
import { createIntake } from '../../src/intake/intake.ts';
import { createHttpClient } from '../../src/lib/http.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import type { SourceDefinition, SourceWorld as Parts } from '../../src/sources/define.ts';
import { startSources } from '../../src/sources/running.ts';
import type { RunningSources, RunningSourcesOptions } from '../../src/sources/running.ts';
import type { FakeClock } from './clock.ts';
import { source, workflow } from './intake.ts';

// Running Sources over a real store and a real intake, on a clock that the test moves.

export interface SourceWorld {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly intake: RunningSourcesOptions['intake'];
  /** What the catalog has; a test may change it, as a reload does. */
  sources: readonly CatalogSource[];
  workflow: CatalogWorkflow | undefined;
  sinks: readonly CatalogSink[];
  /** By `name/key`. */
  readonly secrets: Map<string, string>;
  /** What all Sources work with. */
  readonly parts: Parts;
  readonly counted: ReadonlyMap<string, number>;
  /** Lines of the log at `warn`. */
  readonly warned: readonly string[];
  /** One more replica. */
  start(options?: Partial<RunningSourcesOptions>): RunningSources;
  /** Ends all that were started. */
  stop(): Promise<void>;
  runs(): Promise<readonly RunRecord[]>;
  events(): Promise<readonly SourceEventRecord[]>;
  alerts(): Promise<readonly AlertRecord[]>;
  /** What the status of a Source says is wrong. */
  problem(name: string): Promise<string | null>;
}

/** Hundreds of queries at once wait for the few connections of a test, the last of them too long on a slow machine. */
async function oneByOne<Item, Found>(items: readonly Item[], find: (item: Item) => Promise<Found>): Promise<Found[]> {
  const found: Found[] = [];
  for (const item of items) found.push(await find(item));
  return found;
}

/** A Source as the catalog compiles it. */
export function compiled(
  definition: SourceDefinition,
  config: object,
  changes: Partial<CatalogSource> = {},
): CatalogSource {
  const accepted = definition.config.parse(config);
  const name = changes.name ?? definition.type;
  return source({ type: definition.type, name, config: accepted, ...definition.compile(accepted), ...changes });
}

export function createSourceWorld(
  store: Store,
  clock: FakeClock,
  definitions: readonly SourceDefinition[],
): SourceWorld {
  const counted = new Map<string, number>();
  const warned: string[] = [];
  const metrics: RunningSourcesOptions['metrics'] = {
    increment(name, labels, by = 1) {
      const key = [name, ...Object.values(labels)].join(' ');
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
    observe: () => undefined,
    set: () => undefined,
  };
  const log: Log = {
    ...silentLog,
    warn: (_fields, message) => void warned.push(message),
    error: (_fields, message) => void warned.push(message),
    child: () => log,
  };
  const started: RunningSources[] = [];
  const find = (namespace: string, name: string): CatalogSource | undefined =>
    world.sources.find((one) => one.namespace === namespace && one.name === name);
  const catalogOf = (sources: readonly CatalogSource[]): Catalog => ({
    generation: 1,
    sources,
    workflows: [],
    sinks: [],
    sourceByPath: () => undefined,
    source: find,
    workflow: (namespace, name) => (name === world.workflow?.name ? { ...world.workflow, namespace } : undefined),
    sink: (_namespace, name) => world.sinks.find((one) => one.name === name),
  });
  let compiledNow: Catalog | undefined;
  // Another only after a change, as a server's: what looks each second does nothing else.
  const catalog = {
    current: (): Catalog =>
      compiledNow?.sources === world.sources ? compiledNow : (compiledNow = catalogOf(world.sources)),
  };
  const intake = createIntake({ store, catalog, clock, metrics, log });
  const http = createHttpClient();
  const parts: Parts = {
    catalog,
    intake,
    reader: store.read,
    http,
    secrets: { get: (_namespace, { name, key }) => world.secrets.get(`${name}/${key}`) ?? null },
    clock,
    log,
    metrics,
    conversations: { continuation: () => Promise.reject(new Error('no run asked a model')) },
    alertOfObject,
  };
  const world: SourceWorld = {
    parts,
    secrets: new Map(),
    sinks: [],
    store,
    clock,
    intake,
    sources: [],
    workflow: workflow(),
    counted,
    warned,
    start(options = {}) {
      const own = {
        definitions,
        ...parts,
        store,
        random: () => 0,
        watchOf: () => null,
        isAlone: false,
      };
      const running = startSources({ ...own, ...options });
      started.push(running);
      return running;
    },
    async stop() {
      await Promise.all(started.splice(0).map((running) => running.stop()));
      await http.close();
    },
    async runs() {
      const { items } = await store.read.lists.runs({ limit: 500 });
      return oneByOne(items.toReversed(), async ({ id }) => (await store.read.runs.find(id)) as RunRecord);
    },
    async events() {
      const { items } = await store.read.lists.events({ limit: 500 });
      return oneByOne(items.toReversed(), async ({ id }) => (await store.read.lists.event(id)) as SourceEventRecord);
    },
    async alerts() {
      const { items } = await store.read.lists.alerts({ limit: 500 });
      return oneByOne(items, async ({ id }) => (await store.read.lists.alert(id)) as AlertRecord);
    },
    async problem(name) {
      return (await store.read.lists.activity()).sources.get(`default/${name}`)?.lastProblem ?? null;
    },
  };
  return world;
}
