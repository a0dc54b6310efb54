import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { createModelSlots } from '../agent/models/slots.ts';
import { openMcpTools } from '../agent/mcp/tools.ts';
import { systemClock } from '../lib/clock.ts';
import { watchEventLoop } from '../lib/event-loop.ts';
import { createConnect } from '../lib/connect.ts';
import { createHttpClient } from '../lib/http.ts';
import { createMetrics } from '../lib/metrics.ts';
import { createLocalRunner } from '../runners/local.ts';
import { killLeftover } from '../runners/process-group.ts';
import { createProgramRunner } from '../runners/program.ts';
import { connectionsWithin, readDescriptorLimit } from '../server/descriptors.ts';
import { createServer } from '../server/server.ts';
import { defaultLimits } from '../server/options.ts';
import type { ServerState } from '../server/options.ts';
import { startOutbox } from '../sinks/outbox.ts';
import { createSinkTester } from '../sinks/tester.ts';
import { sourceDefinitions } from '../sources/index.ts';
import type { SourceWorld } from '../sources/define.ts';
import { secretText } from '../sources/secret-text.ts';
import { startSources } from '../sources/running.ts';
import { measureCommits } from '../store/commit/metrics.ts';
import { crashHooks } from '../store/commit/crash-points.ts';
import { watchStore } from '../store/commit/health.ts';
import { continuation } from '../workflows/ask.ts';
import { createControl } from '../workflows/control.ts';
import { createEngine } from '../workflows/engine/advance.ts';
import { spread } from '../workflows/engine/jitter.ts';
import { createIntake } from '../intake/intake.ts';
import type { IntakeOptions } from '../intake/intake.ts';
import { releaseDeadLeases, startRunDriver } from '../workflows/driver.ts';
import { stepDefinitions } from '../workflows/steps/index.ts';
import { createAlertSweep } from '../intake/sweep.ts';
import { stepsJson } from '../workflows/view.ts';
import type { App, AppParts } from './app.ts';
import { alertOfObject } from './investigate.ts';
import { createLifecycle, workBudget } from './lifecycle.ts';
import { mirrorResources } from './mirror.ts';
import { startMinuteWork, startRetention } from './minute.ts';
import type { AppOptions } from './options.ts';
import { readerSecrets } from './readers.ts';
import { openResources } from './resources.ts';
import { isPostgresUrl, openStore, tokenFileOf } from './store.ts';
import { createKnownData } from './known-data.ts';
import { createModelChecks } from './model-checks.ts';
import { modelSecrets, readPriceTable, serverModel } from './models.ts';
import { startTraces, telemetrySecrets } from './telemetry.ts';
import { createTemplates } from './templates.ts';
import { openTenancy } from './tenancy.ts';
import { openToken } from './token.ts';
import { readVersion } from '../lib/version.ts';

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
    const { operator, resources } = await openResources(options, {
      models,
      clock: machineClock,
      log,
      noteSecret: (value) => parts.noteSecret?.(value),
      signal: parts.signal,
    });
    if (operator !== null) lifecycle.onStop('operator', () => operator.close());
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
    const { token, tokenFile, warning } = openToken(options);
    parts.noteSecret?.(token);
    if (warning !== null) log.warn({}, warning);
    await resources.mirrorTo((loaded) => mirrorResources(store, clock, loaded));
    const { secrets } = resources;

    const http = createHttpClient({ policy: options.destinations });
    lifecycle.onStop('http', () => http.close());
    await http.load();
    const reading = { http, secrets, clock, store: store.read, lifecycle };
    const tenancy = await openTenancy(options, operator?.cluster ?? null, reading);
    const running = { clock, path: process.env['PATH'] ?? '/usr/bin:/bin' };
    const commands = options.allowExec ? createLocalRunner(running) : (operator?.commands ?? null);
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

    const delivering = {
      http,
      connect: createConnect({ policy: options.destinations }),
      secrets,
      clock,
      dataFolder: dirname(tokenFileOf(options.database)),
      writeStdout: async (text: string) => parts.writeStdout(text),
      eventsOf: tenancy.eventsOf,
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
      cluster: tenancy.health,
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
      viewOf: tenancy.viewOf,
      commands,
      readers: tenancy.readersOf,
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
      watchOf: tenancy.watchOf,
      isAlone: queue === null,
    });
    lifecycle.onStop('sources', () => sources.stop());

    const outbox = startOutbox({
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
      isAlone: queue === null,
    });
    lifecycle.onStop('work', async (leftMs) => {
      const { timeoutMs, finishMs } = workBudget(leftMs);
      const pumps = [driver, outbox].map((pump) => pump.stop(timeoutMs, finishMs));
      return (await Promise.all(pumps)).every(Boolean);
    });

    const minute = startMinuteWork({ store, clock, log, metrics, sweep: createAlertSweep(intakeOptions) });
    lifecycle.onStop('ticker', () => minute.stop());

    const world = { read: store.read, metrics, modelChecks, clock: machineClock, log };
    const controllers = operator?.startControllers(world);
    if (controllers !== undefined) lifecycle.onStop('controllers', (leftMs) => controllers.stop(leftMs));

    const retaining = startRetention({ store, clock, log, metrics, rules: options.retention });
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
