import { hash } from 'node:crypto';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { ModelAccess } from '../agent/models/open.ts';
import { createModelSlots } from '../agent/models/slots.ts';
import { openMcpTools } from '../agent/mcp/tools.ts';
import type { Catalog } from '../core/catalog.ts';
import type { CommandRunner } from '../core/command.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { systemClock } from '../lib/clock.ts';
import { watchEventLoop } from '../lib/event-loop.ts';
import { createConnect } from '../lib/connect.ts';
import { createHttpClient } from '../lib/http.ts';
import { finishInTurns } from '../lib/turns.ts';
import { createMetrics } from '../lib/metrics.ts';
import { scattered, startPump } from '../lib/pump.ts';
import { openResourceFolder } from '../resources/folder.ts';
import type { LoadedResources } from '../resources/holder.ts';
import { resourceRecords } from '../resources/records.ts';
import { createLocalRunner } from '../runners/local.ts';
import { killLeftover } from '../runners/process-group.ts';
import { createProgramRunner } from '../runners/program.ts';
import { connectionsWithin, readDescriptorLimit } from '../server/descriptors.ts';
import { isLoopback } from '../lib/address-policy.ts';
import { createServer } from '../server/server.ts';
import { defaultLimits } from '../server/options.ts';
import type { ServerLimits, ServerState } from '../server/options.ts';
import { checkToken, loadOrCreateToken } from '../server/token.ts';
import { createOutbox } from '../sinks/outbox.ts';
import { createSinkTester } from '../sinks/tester.ts';
import { sourceDefinitions } from '../sources/index.ts';
import type { SourceWorld } from '../sources/define.ts';
import { secretText } from '../sources/secret-text.ts';
import { startSources } from '../sources/running.ts';
import { measureCommits } from '../store/commit/metrics.ts';
import type { QueueLimits } from '../store/commit/hooks.ts';
import { crashHooks } from '../store/commit/crash-points.ts';
import { watchStore } from '../store/commit/health.ts';
import { continuation } from '../workflows/ask.ts';
import { createControl } from '../workflows/control.ts';
import { createEngine } from '../workflows/engine/advance.ts';
import { createIntake } from '../intake/intake.ts';
import type { IntakeOptions } from '../intake/intake.ts';
import type { IntakeLimits } from '../intake/queue.ts';
import { releaseDeadLeases, startRunDriver } from '../workflows/driver.ts';
import { createRetention } from '../workflows/retention.ts';
import { stepDefinitions } from '../workflows/steps/index.ts';
import { createAlertSweep } from '../intake/sweep.ts';
import { stepsJson } from '../workflows/view.ts';
import { watchClusterHealth } from './cluster-health.ts';
import { servedAccounts, servedViews, viewOf } from './cluster-views.ts';
import { openCluster } from './cluster.ts';
import { alertOfObject } from './investigate.ts';
import { createLifecycle, workBudget } from './lifecycle.ts';
import { startMinuteWork } from './minute.ts';
import type { AppOptions } from './options.ts';
import { createReaders, readerSecrets, recordedMetrics } from './readers.ts';
import { isPostgresUrl, openStore, tokenFileOf } from './store.ts';
import { createKnownData } from './known-data.ts';
import { createModelChecks } from './model-checks.ts';
import { modelSecrets, readPriceTable, serverModel } from './models.ts';
import { startTraces, telemetrySecrets } from './telemetry.ts';
import { createTemplates } from './templates.ts';
import { startTicker } from './ticker.ts';
import { readVersion } from '../lib/version.ts';

/** A running program. */
export interface App {
  readonly options: AppOptions;
  /** Where it listens, `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token: string;
  /** Where the token is; null = it was given. */
  readonly tokenFile: string | null;
  catalog(): Catalog;
  /**
   * Stops gracefully within `drainMs`: takes nothing new, lets work end, checkpoints the rest, closes the store. False
   * where something did not end in time; nothing is lost then either.
   */
  stop(): Promise<boolean>;
}

/** What a caller may give in place of the real thing. */
export interface AppParts {
  readonly log: Log;
  readonly clock?: Clock;
  /** Hears the token and each value of a Secret before anybody uses it, so that the log is without them. */
  noteSecret?(value: string): void;
  /** Where the stdout sink writes; rejects where it could not. */
  writeStdout(text: string): void | Promise<void>;
  /** Columns of the terminal behind it; absent = it is none. */
  readonly stdoutColumns?: number | undefined;
  /** Asked in place of the models that the options and the resources name; null = it gives none. The demo's recorded answers. */
  readonly openModel?: (() => ModelAccess) | null;
  /** For crash tests: a named point at which the process kills itself. */
  readonly crashAt?: string | undefined;
  /** For tests of overload. */
  readonly limits?: AppLimits | undefined;
  /** Ends the wait for a database at the start; `createApp` rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** The bounds of what waits in memory; each part has its own defaults. */
export interface AppLimits {
  readonly server?: Partial<ServerLimits>;
  readonly intake?: Partial<IntakeLimits>;
  readonly queue?: QueueLimits;
}

/**
 * Builds the program in one straight line; each part pushes its teardown on a stack. The only place that knows
 * everything, and one function for that reason: helpers would only hand a wide state around.
 */
export async function createApp(options: AppOptions, parts: AppParts): Promise<App> {
  const { log } = parts;
  const machineClock = parts.clock ?? systemClock();
  const lifecycle = createLifecycle({ log, clock: machineClock, budgetMs: options.drainMs });
  const owner = `${hostname()}/${process.pid}`;
  const version = readVersion();
  let state: ServerState = 'starting';

  try {
    const metrics = await createMetrics({ version });

    const descriptors = readDescriptorLimit();
    const maxConnections = connectionsWithin(descriptors, options.concurrency, defaultLimits.maxConnections);
    if (maxConnections < defaultLimits.maxConnections)
      log.warn({ descriptors, maxConnections, next: 'ulimit -n 8192' }, 'fewer connections than usual can be held');

    const { models: defaults, readers, telemetry } = options;
    const ownSecrets = [...modelSecrets(defaults), ...readerSecrets(readers), ...telemetrySecrets(telemetry)];
    for (const value of ownSecrets) parts.noteSecret?.(value);
    const models = { defaults, prices: readPriceTable(options.modelPrices) };

    // Read before the store is opened, so that a wrong path leaves no database behind.
    const checkedAgainst = {
      loopback: isLoopback(options.host),
      allowInsecureSources: options.allowInsecureSources,
      asksForCertificates: options.tls?.clientAuthorities != null,
      models,
      mcpCommands: options.mcpCommands,
      runsCommands: options.allowExec || options.operator?.jobs != null,
      clock: machineClock,
      log,
      noteSecret: (value: string) => parts.noteSecret?.(value),
    };
    const operator =
      options.operator === null
        ? null
        : await (
            await import('./operator.ts')
          ).openOperator(options.operator, { ...checkedAgainst, signal: parts.signal });
    if (operator !== null) lifecycle.onStop('operator', () => operator.close());
    const resources =
      operator?.resources ??
      openResourceFolder({
        ...checkedAgainst,
        accounts: servedAccounts,
        path: options.resources ?? '',
        secretsDirectory: options.secretsDirectory,
        publicUrl: options.publicUrl ?? (options.port === 0 ? null : `http://${options.host}:${options.port}`),
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
      ...(parts.limits?.queue === undefined ? {} : { limits: parts.limits.queue }),
      ...(parts.signal === undefined ? {} : { signal: parts.signal }),
    });
    const { clock, queue } = opened;
    const { store, health: storeHealth } = watchStore(opened.store, { clock, log });
    lifecycle.onStop('store', async () => {
      await resources.stop();
      await queue?.close();
      await store.close();
    });
    // A stop that was asked for while a database was waited for.
    parts.signal?.throwIfAborted();
    const tokenFile = options.token === null ? tokenFileOf(options.database) : null;
    const { token, warning } =
      tokenFile === null
        ? { token: checkToken(options.token ?? '', 'FIST_TOKEN'), warning: null }
        : loadOrCreateToken(tokenFile);
    parts.noteSecret?.(token);
    if (warning !== null) log.warn({}, warning);
    await resources.mirrorTo((loaded) => mirrorResources(store, clock, loaded));
    const { secrets } = resources;

    const cluster = operator?.cluster ?? (await openCluster(options));
    if (cluster !== null) lifecycle.onStop('cluster', () => cluster.close());
    const recorded = cluster === null ? null : await recordedMetrics(cluster.cluster);
    const watched = cluster === null ? null : watchClusterHealth(cluster.cluster, clock);
    const running = { clock, path: process.env['PATH'] ?? '/usr/bin:/bin' };
    const commands: CommandRunner | null = options.allowExec
      ? createLocalRunner(running)
      : (operator?.commands ?? null);
    const programs = createProgramRunner({ ...running, allowed: options.mcpCommands });

    // Only the lock on an SQLite file proves that no other worker is alive.
    const released = isPostgresUrl(options.database) ? 0 : await releaseDeadLeases(store, clock);
    if (released > 0) log.info({ runs: released }, 'runs of an earlier process go on');

    const intakeOptions: IntakeOptions = {
      store,
      catalog: resources,
      clock,
      metrics,
      log,
      ...(parts.limits?.intake === undefined ? {} : { limits: parts.limits.intake }),
    };
    const intake = createIntake(intakeOptions);
    const control = createControl({ store, catalog: resources, clock, log, metrics });

    const http = createHttpClient({ policy: options.destinations });
    lifecycle.onStop('http', () => http.close());
    await http.load();
    const delivering = {
      http,
      connect: createConnect({ policy: options.destinations }),
      secrets,
      clock,
      dataFolder: dirname(tokenFileOf(options.database)),
      writeStdout: async (text: string) => parts.writeStdout(text),
      events: cluster?.events ?? null,
    };
    const modelChecks = createModelChecks({
      store,
      catalog: resources,
      secrets,
      clock,
      models: { ...models, http, slots: createModelSlots(), clock, random: Math.random },
    });
    const sinkTester = createSinkTester({ ...delivering, catalog: resources });
    const sourceWorld: SourceWorld = {
      catalog: resources,
      intake,
      reader: store.read,
      http,
      secrets,
      clock,
      log,
      metrics,
      conversations: { continuation: (question, isTold) => continuation(store.read, question, isTold) },
      alertOfObject,
    };

    const server = await createServer({
      host: options.host,
      port: options.port,
      version,
      publicUrl: options.publicUrl,
      token,
      identities: operator?.identities ?? null,
      allowInsecureSources: options.allowInsecureSources,
      allowMcpStart: options.allowMcpStart,
      tls: options.tls,
      state: () => state,
      catalog: resources,
      sourceTypes: sourceDefinitions,
      sourceWorld,
      intake,
      alertRuns: intake,
      control,
      sinkTester,
      modelChecks,
      knownData: createKnownData({ learned: store.read.learned, clock, readers: options.readers }),
      reader: store.read,
      storeHealth,
      cluster: watched?.health ?? null,
      model: serverModel(models),
      secrets,
      metrics,
      clock,
      log,
      limits: { maxConnections, ...parts.limits?.server },
    });
    // Before the work in the order of building, so that it answers 503 and not ready while the work drains.
    lifecycle.onStop('server', (leftMs) => server.close(leftMs));
    const traces = startTraces(telemetry, { reader: store.read, version, owner, http, clock, log, metrics });
    // Half of what is left: nothing waits for a collector.
    lifecycle.onStop('traces', (leftMs) => traces.stop(leftMs / 2));
    const engine = createEngine({
      store,
      clock,
      log,
      metrics,
      owner,
      steps: stepDefinitions,
      templates: createTemplates(),
      catalog: resources,
      viewOf: (plan) => viewOf(plan, watched?.cluster ?? null, operator?.views ?? servedViews),
      commands,
      readers: createReaders(options.readers, { recorded, http, secrets, clock, store: store.read }),
      openModel: async (namespace, config) => parts.openModel?.() ?? modelChecks.open(namespace, config),
      openMcp: (namespace, servers, step) =>
        openMcpTools(servers, {
          ...step,
          fetch: http.fetch,
          programs,
          secret: (reference) => secretText(secrets, namespace, reference),
        }),
      killLeftover: (leftover) => killLeftover(clock, leftover),
      secretValues: async () => [...(await resources.secretValues()), ...ownSecrets],
      modelBudget: options.modelBudget,
      onRunEnd: (id) => traces.ended(id),
      isAlone: queue === null,
      jitter: spread,
    });
    const driver = startRunDriver({ store, engine, queue, concurrency: options.concurrency, clock, log });

    const sources = startSources({
      ...sourceWorld,
      definitions: sourceDefinitions,
      store,
      random: Math.random,
      cluster: cluster?.watch ?? null,
      isAlone: queue === null,
    });
    lifecycle.onStop('sources', () => sources.stop());

    const outbox = createOutbox({
      store,
      catalog: resources,
      ...delivering,
      childRuns: intake,
      log,
      metrics,
      owner,
      random: Math.random,
      publicUrl: options.publicUrl,
      stdoutColumns: parts.stdoutColumns,
      stepsView: stepsJson,
    });
    const outboxPumping = startPump(queue === null ? outbox : scattered(outbox, Math.random));
    lifecycle.onStop('work', async (leftMs) => {
      const { timeoutMs, finishMs } = workBudget(leftMs);
      const pumps = [driver, outboxPumping].map((pump) => pump.stop(timeoutMs, finishMs));
      return (await Promise.all(pumps)).every(Boolean);
    });
    lifecycle.onStop(
      'hints',
      store.onCommit(({ deliveries }) => {
        if (deliveries) outboxPumping.hint();
      }),
    );

    const minute = startMinuteWork({ store, clock, log, metrics, sweep: createAlertSweep(intakeOptions) });
    lifecycle.onStop('ticker', () => minute.stop());

    const controllers = operator?.startControllers({
      read: store.read,
      metrics,
      modelChecks,
      clock: machineClock,
      log,
    });
    if (controllers !== undefined) lifecycle.onStop('controllers', (leftMs) => controllers.stop(leftMs));

    const retention = createRetention({ store, clock, log, metrics, rules: options.retention });
    // Apart from the minute's other work, because it may take a good part of the minute.
    const retaining = startTicker({
      store,
      clock,
      log,
      metrics,
      name: 'retention',
      work: async (signal) => void (await retention.apply(signal)),
    });
    lifecycle.onStop('retention', () => retaining.stop());

    lifecycle.onStop(
      'event loop',
      watchEventLoop((seconds) => metrics.observe('fist_event_loop_delay_seconds', {}, seconds)),
    );

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
async function mirrorResources(store: Store, clock: Clock, loaded: LoadedResources): Promise<void> {
  const { lists } = store.read;
  const before = (
    await Promise.all([lists.resources('Source'), lists.resources('Workflow'), lists.resources('Sink')])
  ).flat();
  const records = await finishInTurns(resourceRecords(loaded, before, toTimestamp(clock.now())));
  await store.transaction('resources', (tx) => tx.resources.replaceAll(records));
}

/** Full jitter that is the same for the same attempt, so that a retry planned twice is planned for one time. */
function spread(runId: string, path: string, attempt: number): number {
  return Number.parseInt(hash('sha256', `${runId}/${path}/${attempt}`).slice(0, 8), 16) / 0x1_0000_0000;
}
