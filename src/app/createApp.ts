import { hash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Catalog } from '../core/catalog.ts';
import type { Clock, CommandRunner, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { systemClock } from '../lib/clock.ts';
import { createHttpClient } from '../lib/http.ts';

import { createMetrics } from '../lib/metrics.ts';
import { startPump } from '../lib/pump.ts';
import { openResourceFolder } from '../resources/folder.ts';
import type { LoadedFolder } from '../resources/folder.ts';
import { resourceRecords } from '../resources/records.ts';
import { createLocalRunner } from '../runners/local.ts';
import { isLoopback } from '../server/auth.ts';
import { createServer } from '../server/server.ts';
import type { ServerState } from '../server/options.ts';
import { checkToken, loadOrCreateToken } from '../server/token.ts';
import { createOutbox } from '../sinks/outbox.ts';
import { sourceDefinitions } from '../sources/index.ts';
import { measureCommits } from '../store/commit-metrics.ts';
import { crashHooks } from '../store/crash-points.ts';
import { createControl } from '../workflows/control.ts';
import { createEngine } from '../workflows/engine/advance.ts';
import { auditRuns } from '../workflows/engine/audit.ts';
import { createIntake } from '../workflows/intake.ts';
import type { IntakeOptions } from '../workflows/intake.ts';
import { createStormCounter } from '../workflows/policies.ts';
import { enginePump, releaseDeadLeases } from '../workflows/pump.ts';
import { stepDefinitions } from '../workflows/steps/index.ts';
import { createAlertSweep } from '../workflows/sweep.ts';
import { stepsJson } from '../workflows/view.ts';
import { openCluster } from './cluster.ts';
import { createLifecycle } from './lifecycle.ts';
import type { AppOptions } from './options.ts';
import { isPostgres, openStore, tokenFileOf } from './store.ts';
import { createTemplates } from './templates.ts';
import { readVersion } from './version.ts';

/** A running program. */
export interface App {
  readonly options: AppOptions;
  /** Where it listens, `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token: string;
  /** Where the token is; null = it was given. */
  readonly tokenFile: string | null;
  catalog(): Catalog;
  /** Stops gracefully: takes nothing new, checkpoints what runs, closes the store. */
  stop(): Promise<void>;
}

/** What a caller may give in place of the real thing. */
export interface AppParts {
  readonly log: Log;
  readonly clock?: Clock;
  /** Where the stdout sink writes. */
  writeStdout(text: string): void;
  /** For crash tests: a named point at which the process kills itself. */
  readonly crashAt?: string | undefined;
}

/** How often alerts are expired and stuck runs are looked for. */
const sweepIntervalMs = 60_000;

/**
 * Builds the program in one straight line; each part pushes its teardown on a stack. The only place that knows
 * everything, and one function for that reason: helpers would only hand a wide state around.
 */
export async function createApp(options: AppOptions, parts: AppParts): Promise<App> {
  const { log } = parts;
  const machineClock = parts.clock ?? systemClock();
  const lifecycle = createLifecycle(log);
  const owner = `${hostname()}/${process.pid}`;
  const version = readVersion();
  let state: ServerState = 'starting';

  try {
    const metrics = await createMetrics({ version, onDefect: (message) => log.error({}, message) });

    // Read before the store is opened, so that a wrong path leaves no database behind.
    const resources = openResourceFolder({
      path: options.resources,
      secretsDirectory: options.secretsDirectory,
      loopback: isLoopback(options.host),
      allowInsecureSources: options.allowInsecureSources,
      clock: machineClock,
      log,
      onReload: (folder) => mirrorResources(store, clock, folder),
    });
    lifecycle.onStop('resources', () => resources.stop());

    const opened = await openStore({
      database: options.database,
      clock: machineClock,
      log,
      hooks:
        parts.crashAt === undefined
          ? measureCommits(metrics, () => machineClock.monotonic())
          : crashHooks(parts.crashAt),
    });
    const { store, clock } = opened;
    lifecycle.onStop('store', async () => {
      await resources.stop();
      await store.close();
    });
    const tokenFile = options.token === null ? tokenFileOf(options.database) : null;
    const { token, warning } =
      tokenFile === null
        ? { token: checkToken(options.token ?? '', 'FIST_TOKEN'), warning: null }
        : loadOrCreateToken(tokenFile);
    if (warning !== null) log.warn({}, warning);
    await mirrorResources(store, clock, resources.loaded());
    const { secrets } = resources;

    const cluster = await openCluster(options);
    if (cluster !== null) lifecycle.onStop('cluster', () => cluster.close());
    const commands: CommandRunner | null = options.allowExec
      ? createLocalRunner({ clock, path: process.env['PATH'] ?? '/usr/bin:/bin' })
      : null;

    // Only the lock on an SQLite file proves that no other worker is alive.
    const released = isPostgres(options.database) ? 0 : await releaseDeadLeases(store, clock);
    if (released > 0) log.info({ runs: released }, 'runs of an earlier process go on');

    const intakeOptions: IntakeOptions = {
      store,
      catalog: resources,
      clock,
      metrics,
      log,
      storm: createStormCounter(),
    };
    const intake = createIntake(intakeOptions);
    const control = createControl({ store, catalog: resources, clock });

    const engine = createEngine({
      store,
      clock,
      log,
      metrics,
      owner,
      steps: stepDefinitions,
      templates: createTemplates(),
      catalog: resources,
      cluster: cluster?.cluster ?? null,
      commands,
      jitter: spread,
    });
    const enginePumping = startPump(enginePump({ store, engine, concurrency: options.concurrency, clock, log }));

    const http = createHttpClient();
    lifecycle.onStop('http', () => http.close());
    const outboxPumping = startPump(
      createOutbox({
        store,
        catalog: resources,
        http,
        secrets,
        clock,
        log,
        metrics,
        owner,
        random: Math.random,
        publicUrl: options.publicUrl,
        writeStdout: async (text) => parts.writeStdout(text),
        stepsView: stepsJson,
      }),
    );
    // Side by side: one budget for the whole stop.
    lifecycle.onStop('pumps', () =>
      Promise.all([enginePumping.stop(options.drainMs), outboxPumping.stop(options.drainMs)]),
    );
    lifecycle.onStop(
      'hints',
      store.onCommit(({ runs, deliveries }) => {
        if (runs) enginePumping.hint();
        if (deliveries) outboxPumping.hint();
      }),
    );

    const sweep = createAlertSweep(intakeOptions);
    const sweeping = repeat(clock, log, async () => {
      await sweep.expire();
      await sweep.resume();
      await auditRuns({ store, clock, log, metrics });
    });
    lifecycle.onStop('sweep', () => sweeping.stop());

    const server = await createServer({
      host: options.host,
      port: options.port,
      version,
      publicUrl: options.publicUrl,
      token,
      allowInsecureSources: options.allowInsecureSources,
      state: () => state,
      catalog: resources,
      sourceTypes: sourceDefinitions,
      intake,
      control,
      reader: store.read,
      secrets,
      metrics,
      clock,
      log,
    });
    lifecycle.onStop('server', () => server.close());
    const { url } = await server.listen();
    state = 'ready';

    return {
      options,
      url,
      token,
      tokenFile,
      catalog: () => resources.current(),
      stop() {
        state = 'draining';
        return lifecycle.stop();
      },
    };
  } catch (thrown) {
    await lifecycle.stop();
    throw thrown;
  }
}

/** Keeps `custom_resources` equal to what is loaded, for the API. */
async function mirrorResources(store: Store, clock: Clock, folder: LoadedFolder): Promise<void> {
  const { lists } = store.read;
  const before = (
    await Promise.all([lists.resources('Source'), lists.resources('Workflow'), lists.resources('Sink')])
  ).flat();
  const records = resourceRecords(folder, before, toTimestamp(clock.now()));
  await store.transaction('resources', (tx) => tx.resources.replaceAll(records));
}

/** Full jitter that is the same for the same attempt, so that a retry planned twice is planned for one time. */
function spread(runId: string, path: string, attempt: number): number {
  return Number.parseInt(hash('sha256', `${runId}/${path}/${attempt}`).slice(0, 8), 16) / 0x1_0000_0000;
}

/** Does the work each minute until it is stopped. */
function repeat(clock: Clock, log: Log, work: () => Promise<void>): { stop(): Promise<void> } {
  const stopping = new AbortController();
  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await work().catch((error: unknown) => log.error({ error }, 'the sweep failed; it runs again in a minute'));
      await clock.sleep(sweepIntervalMs, stopping.signal).catch(() => undefined);
    }
  }
  const running = loop();
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}
