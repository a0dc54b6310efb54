import { createApp } from '../app/createApp.ts';
import type { App } from '../app/createApp.ts';
import { readModelDefaults } from '../app/models.ts';
import { readServeOptions } from '../app/options.ts';
import { describeDatabase } from '../app/store.ts';
import { prepareSample } from '../app/sample.ts';
import type { Sample, StartFlags } from '../app/sample.ts';
import { createKnownValues } from '../lib/known-values.ts';
import { createLog, logLevels } from '../lib/log.ts';
import { AppError } from '../core/errors.ts';
import type { Log } from '../core/ports.ts';
import type { LogLevel } from '../lib/log.ts';
import { readVersion } from '../lib/version.ts';
import { inWordsOf } from './called-as.ts';
import type { Terminal } from './output.ts';
import { readSettings } from './settings.ts';
import { exitCodeOf, onStopSignals } from './signals.ts';

/** Exit code of a graceful stop in which something did not end in its time. */
const lateExitCode = 4;
/** After the budget of a stop the process ends anyhow, were even its timers late. */
const patienceMs = 2000;

/**
 * `fist serve`: runs until SIGINT or SIGTERM, then stops gracefully: 0, or 4 where something did not end in time. A second
 * signal ends at once (130, 143) and still loses nothing, because everything that was acknowledged is committed. Without
 * `--resources` it serves the sample and prints what to do with it.
 */
export async function serve(terminal: Terminal, flags: StartFlags): Promise<number> {
  const writeStdout = terminal.outlive?.() ?? ((text: string) => terminal.out(text));
  const secrets = createKnownValues();
  const log = await createLog({ level: readLevel(flags.logLevel), mask: (text) => secrets.mask(text) });
  const { resources } = flags;
  const sample = resources === undefined ? await prepareSample(flags, terminal.env) : null;
  const flagsOrSample = sample?.flags ?? { ...flags, resources: resources ?? '' };
  const environment = await environmentOf(terminal);
  const options = readServeOptions(flagsOrSample, environment, readModelDefaults(environment));
  const asked = Promise.withResolvers<void>();
  const starting = new AbortController();
  function stop(): void {
    log.info({}, 'stopping; a second signal ends at once');
    // Also where the start itself does not end.
    setTimeout(() => process.exit(lateExitCode), options.drainMs + patienceMs).unref();
    asked.resolve();
    starting.abort();
  }
  // From here on, so that a signal during the start stops it gracefully as well.
  const forgetSignals = onStopSignals(stop, (signal) => process.exit(exitCodeOf[signal]));
  try {
    const app = await createApp(options, {
      log,
      writeStdout,
      stdoutColumns: terminal.columns,
      noteSecret: (value) => secrets.add(value),
      crashAt: terminal.env['FIST_CRASH_AT'],
      signal: starting.signal,
    });
    introduce(app, log);
    if (sample !== null) terminal.err(inWordsOf(terminal.called, firstSteps(app, sample)));
    await asked.promise;
    // What did not end in time may hold the event loop.
    if (!(await app.stop())) process.exit(lateExitCode);
  } catch (thrown) {
    forgetSignals();
    if (starting.signal.aborted && thrown === starting.signal.reason) return 0;
    throw thrown;
  }
  return 0;
}

/** What a person needs to go on: where alerts are taken, and what is missing. */
function introduce(app: App, log: Log): void {
  const { url, tokenFile, options } = app;
  log.info({ url, database: describeDatabase(options.database), tokenFile }, 'ready');
  const { dump, kubeconfig, context, resources } = options;
  if (dump === null && kubeconfig === null && context === null)
    log.warn(
      { next: '--context NAME for a live cluster, or --dump PATH for a captured one' },
      'no cluster was named: investigations end without a finding',
    );
  const { sources } = app.catalog();
  if (sources.length === 0)
    log.warn(
      { resources, next: `fist lint ${resources} (files *.yaml and *.yml of the folder itself count)` },
      'there is no Source: no alert can come in by a webhook',
    );
  for (const { namespace, name, path, authentication } of sources) {
    if (path === null) continue;
    const tells = { source: `${namespace}/${name}`, url: `${url}/webhook/${path}` };
    log.info({ ...tells, authentication: authentication?.type ?? 'none' }, 'takes alerts');
  }
}

/** What a newcomer does with a server on the sample, as commands to copy. */
function firstSteps(app: App, { dump, alertFile, tokenFile, busyPort }: Sample): string {
  const { url, options } = app;
  const isUsual = url === 'http://127.0.0.1:8080';
  const fist = `${isUsual ? '' : `FIST_SERVER=${url} `}fist`;
  const cluster = dump === null ? '' : `   SAMPLE cluster: ${dump}`;
  return `
fist ${readVersion()} serves at ${url}${cluster}
${busyPort === null ? '' : `Port ${busyPort} is in use, so it took the next free one.\n`}Ctrl-C stops it; ${describeDatabase(options.database)} keeps what it has.

Send a recorded alert from another terminal; the report is printed here:

  curl -fsS ${url}/webhook/alertmanager --data @${alertFile} \\
    -H 'Content-Type: application/json' -H "Authorization: Bearer $(cat ${tokenFile})"

  ${fist} get alerts

Your own Alertmanager, and your own cluster:

  ${fist} connect alertmanager --url http://127.0.0.1:9093
  npm start -- --context NAME

`;
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
