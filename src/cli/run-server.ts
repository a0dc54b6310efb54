import { createApp } from '../app/createApp.ts';
import type { App } from '../app/app.ts';
import type { AppOptions } from '../app/options.ts';
import { describeDatabase } from '../app/store.ts';
import { createKnownValues } from '../lib/known-values.ts';
import { createLog, logLevels } from '../lib/log.ts';
import { AppError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import type { LogLevel } from '../lib/log.ts';
import { endProcess } from './end-process.ts';
import type { Terminal } from './output.ts';
import { readSettings } from './settings.ts';
import { exitCodeOf, onStopSignals } from './signals.ts';

/** Exit code of a graceful stop in which something did not end in its time. */
const lateExitCode = 4;
/** After the budget of a stop the process ends anyhow, were even its timers late. */
const patienceMs = 2000;

/** What one way to run a server brings. */
export interface ServerRun {
  /** Throws InvalidInput. */
  options(environment: Terminal['env']): Promise<AppOptions>;
  /** Says what a person needs to go on. */
  ready(app: App, log: Log): void;
}

/**
 * Runs a server until SIGINT or SIGTERM, then stops it gracefully: 0, or 4 where something did not end in time. A second
 * signal ends at once (130, 143) and still loses nothing, because everything that was acknowledged is committed.
 */
export async function runServer(terminal: Terminal, logLevel: string, run: ServerRun): Promise<number> {
  const writeStdout = terminal.outlive?.() ?? ((text: string) => terminal.out(text));
  const secrets = createKnownValues();
  const log = await createLog({ level: readLevel(logLevel), mask: (text) => secrets.mask(text) });
  const options = await run.options(await environmentOf(terminal));
  const asked = Promise.withResolvers<void>();
  const starting = new AbortController();
  function stop(): void {
    log.info({}, 'stopping; a second signal ends at once');
    // Also where the start itself does not end.
    setTimeout(() => endProcess(lateExitCode), options.drainMs + patienceMs).unref();
    asked.resolve();
    starting.abort();
  }
  // From here on, so that a signal during the start stops it gracefully as well.
  const forgetSignals = onStopSignals(stop, (signal) => endProcess(exitCodeOf[signal]));
  try {
    const app = await createApp(options, {
      log,
      writeStdout,
      stdoutColumns: terminal.columns,
      noteSecret: (value) => secrets.add(value),
      crashAt: terminal.env['FIST_CRASH_AT'],
      signal: starting.signal,
    });
    log.info({ url: app.url, database: describeDatabase(options.database), tokenFile: app.tokenFile }, 'ready');
    run.ready(app, log);
    await asked.promise;
    // What did not end in time may hold the event loop.
    if (!(await app.stop())) endProcess(lateExitCode);
  } catch (thrown) {
    forgetSignals();
    if (starting.signal.aborted && thrown === starting.signal.reason) return 0;
    throw thrown;
  }
  return 0;
}

/** Where alerts are taken. */
export function introduceSources(app: App, log: Log): void {
  for (const { namespace, name, path, addresses, authentication } of app.catalog().sources) {
    // The short one, where it has it.
    const address = addresses.at(-1);
    if (path === null || address === undefined) continue;
    const tells = { source: `${namespace}/${name}`, url: `${app.url}${address}` };
    log.info({ ...tells, authentication: authentication?.type ?? 'none' }, 'takes alerts');
  }
}

/** Its token is no flag, which everybody on the machine could read; a configuration file may have it. */
async function environmentOf({ env, folder = process.cwd() }: Terminal): Promise<Terminal['env']> {
  const token = (await readSettings(env, folder)).get('token')?.value;
  return token === undefined ? env : { ...env, FIST_TOKEN: token };
}

function readLevel(text: string): LogLevel {
  const level = logLevels.find((candidate) => candidate === text);
  if (level !== undefined) return level;
  throw new AppError('InvalidInput', `--log-level ${text} is not one of ${logLevels.join(', ')}`);
}
