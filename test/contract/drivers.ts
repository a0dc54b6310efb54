import type { CatalogSink } from '../../src/core/catalog.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { StepRecord } from '../../src/core/run.ts';
import type { Store } from '../../src/core/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Pump } from '../../src/lib/pump.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { openRunQueue } from '../../src/store/postgres/queue.ts';
import type { PostgresRunQueue } from '../../src/store/postgres/queue.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { startRunDriver } from '../../src/workflows/driver.ts';
import { succeeded } from '../../src/workflows/steps/define.ts';
import type { StepIo } from '../../src/workflows/steps/define.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { createEngineWorld } from '../support/engine.ts';
import type { Deed, EngineWorld } from '../support/engine.ts';
import { waitFor } from '../support/wait.ts';
import { contractStores } from './stores.ts';
import type { ContractStore } from './stores.ts';

// The two drivers of design 3.1.18 behind one face, so that one suite runs on both: embedded over SQLite with a clock that
// the test moves, distributed over PostgreSQL and pg-boss in real time.

export interface DriverOptions {
  readonly deeds?: Readonly<Record<string, Deed>>;
  readonly concurrency?: number;
  /** No commit and no job wakes the driver: only polling is left. */
  readonly isDeaf?: boolean;
  /** Its next look by itself is an hour away: only commits and jobs are left. */
  readonly isBlind?: boolean;
  readonly sinks?: readonly Partial<CatalogSink>[];
}

/** One process with its engine and driver. */
export interface DriverProcess extends EngineWorld {
  readonly driver: Pump;
}

export interface DriverWorld extends Pick<ContractStore, 'query' | 'store' | 'clock'> {
  /** Runs of a load test: as many as take about a second. */
  readonly many: number;
  /** Starts a process. On PostgreSQL each has a store and a queue of its own. */
  start(options?: DriverOptions): Promise<DriverProcess>;
  /** Lets time pass until the probe holds. */
  until(what: string, probe: () => Promise<boolean> | boolean): Promise<void>;
  pass(milliseconds: number): Promise<void>;
  /** What a crash of the holder leaves: its lease is over, and nobody gave it back. */
  endLease(runId: string): Promise<void>;
  steps(runId: string): Promise<readonly StepRecord[]>;
  close(): Promise<void>;
}

export interface ContractDriver {
  readonly name: string;
  open(): Promise<DriverWorld>;
}

/** The shortest time between two looks of a driver by itself. */
const leastPollMs = 500;
const hourMs = 3_600_000;

/** A clock on which the next look of a driver by itself does not come. */
function blind(clock: Clock): Clock {
  return {
    ...clock,
    sleep: (milliseconds, signal) => clock.sleep(milliseconds < leastPollMs ? milliseconds : hourMs, signal),
  };
}

const [sqlite, postgres] = contractStores;
if (sqlite === undefined || postgres === undefined) throw new Error('both databases are needed');

const embedded: ContractDriver = {
  name: 'embedded on SQLite',
  async open() {
    const clock = createFakeClock();
    const opened = await sqlite.open({ clock });
    return driverWorld(opened, {
      many: 1000,
      prepare: async () => ({ store: opened.store, clock, queue: null }),
      pass: (milliseconds) => clock.advance(milliseconds),
      async until(what, probe) {
        for (let step = 0; !(await probe()); step += 1) {
          if (step > 5000) throw new Error(`waited for ${what}`);
          // At first only what needs no time.
          await clock.advance(step < 20 ? 0 : 50);
        }
      },
    });
  },
};

const distributed: ContractDriver = {
  name: 'distributed on PostgreSQL',
  async open() {
    const opened = await postgres.open();
    const cleanup = createCleanup();
    const onError = (error: unknown): void => void error;
    const world = driverWorld(opened, {
      many: 150,
      async prepare({ isDeaf }) {
        const queue = await openRunQueue({ url: opened.database, onError });
        const store = await openPostgresStore({
          url: opened.database,
          clock: systemClock(),
          onError,
          connections: 6,
          ...(isDeaf === true ? {} : { sendJobs: queue.sendJobs }),
        });
        cleanup.defer(() => store.close());
        cleanup.defer(() => queue.close());
        return { store, clock: store.clock, queue };
      },
      pass: (milliseconds) => opened.clock.sleep(milliseconds),
      until: async (what, probe) => void (await waitFor(what, probe, { everyMs: 10 })),
    });
    return {
      ...world,
      async close() {
        await world.stopAll();
        await cleanup.run();
        await opened.execute(
          'DO $$ BEGIN DELETE FROM punchingfist_jobs.job; EXCEPTION WHEN undefined_table THEN END $$',
        );
        await opened.close();
      },
    };
  },
};

interface Parts extends Pick<DriverWorld, 'many' | 'until' | 'pass'> {
  prepare(options: DriverOptions): Promise<{ store: Store; clock: Clock; queue: PostgresRunQueue | null }>;
}

function driverWorld(opened: ContractStore, parts: Parts): DriverWorld & { stopAll(): Promise<void> } {
  const drivers: Pump[] = [];
  const { store, clock, query } = opened;
  async function stopAll(): Promise<void> {
    let stopped = false;
    const stopping = Promise.all(drivers.splice(0).map((driver) => driver.stop(5000))).finally(() => (stopped = true));
    await parts.until('the drivers end', () => stopped);
    await stopping;
  }
  return {
    store,
    clock,
    query,
    many: parts.many,
    until: parts.until,
    pass: parts.pass,
    stopAll,
    async start(options = {}) {
      const { store: own, clock: ownClock, queue } = await parts.prepare(options);
      const world = createEngineWorld({ store: own, clock: ownClock, ...options });
      const isDeaf = options.isDeaf === true;
      const driver = startRunDriver({
        store: isDeaf ? { ...own, onCommit: () => () => undefined } : own,
        engine: world.engine,
        queue: isDeaf && queue !== null ? { ...queue, onSent: () => () => undefined } : queue,
        concurrency: options.concurrency ?? 8,
        clock: options.isBlind === true ? blind(ownClock) : ownClock,
        log: silentLog,
      });
      drivers.push(driver);
      return { ...world, driver };
    },
    async endLease(runId) {
      const past = new Date(clock.now() - 1).toISOString();
      await query
        .updateTable('workflows')
        .set({ lease_until: past, wake_at: past })
        .where('id', '=', runId)
        .where('lease_until', 'is not', null)
        .execute();
    },
    steps: (runId) => store.read.runs.steps(runId),
    async close() {
      await stopAll();
      await opened.close();
    },
  };
}

export const contractDrivers: readonly ContractDriver[] = [embedded, distributed];

export interface Recorder {
  /** Most steps of each key that were in work at a time. */
  readonly most: ReadonlyMap<string, number>;
  /** `run/path` of each attempt. */
  readonly executed: readonly string[];
  readonly mostAll: () => number;
  readonly deed: Deed;
}

/** Notes how many steps of each key are in work at a time. */
export function createRecorder(world: Pick<DriverWorld, 'clock'>, keyOf: (io: StepIo) => string): Recorder {
  const inWork = new Map<string, number>();
  const most = new Map<string, number>();
  const executed: string[] = [];
  let all = 0;
  let mostAll = 0;
  return {
    most,
    executed,
    mostAll: () => mostAll,
    deed: async (io) => {
      const key = keyOf(io);
      const count = (inWork.get(key) ?? 0) + 1;
      inWork.set(key, count);
      most.set(key, Math.max(most.get(key) ?? 0, count));
      all += 1;
      mostAll = Math.max(mostAll, all);
      executed.push(`${io.runId}/${io.path}`);
      await world.clock.sleep(15);
      inWork.set(key, (inWork.get(key) ?? 0) - 1);
      all -= 1;
      return succeeded({});
    },
  };
}
