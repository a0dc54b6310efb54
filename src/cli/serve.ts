import { createApp } from '../app/createApp.ts';
import { readServeOptions } from '../app/options.ts';
import type { ServeFlags } from '../app/options.ts';
import { createLog, logLevels } from '../lib/log.ts';
import { AppError } from '../core/errors.ts';
import type { LogLevel } from '../lib/log.ts';
import type { Terminal } from './output.ts';

/**
 * `fist serve`: runs until SIGINT or SIGTERM, then stops gracefully; a second signal ends at once and still loses
 * nothing, because everything that was acknowledged is committed.
 */
export async function serve(terminal: Terminal, flags: ServeFlags): Promise<number> {
  const log = await createLog({ level: readLevel(flags.logLevel) });
  const app = await createApp(readServeOptions(flags, terminal.env), {
    log,
    writeStdout: (text) => terminal.out(text),
    crashAt: terminal.env['FIST_CRASH_AT'],
  });
  log.info({ url: app.url, database: app.options.database, tokenFile: app.tokenFile }, 'ready');
  await untilSignal();
  log.info({}, 'stopping; a second signal ends at once');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  await app.stop();
  return 0;
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function readLevel(text: string): LogLevel {
  const level = logLevels.find((candidate) => candidate === text);
  if (level !== undefined) return level;
  throw new AppError('InvalidInput', `--log-level ${text} is not one of ${logLevels.join(', ')}`);
}
