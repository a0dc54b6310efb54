import { enableCompileCache } from 'node:module';

/** Runs the command line; the exit code is in `process.exitCode` afterwards. */
export async function run(args: readonly string[]): Promise<void> {
  enableCompileCache();
  watchParent();
  const { runProgram } = await import('./cli/program.ts');
  process.exitCode = await runProgram(args);
}

/** Under the wrapper bin/fist.js: stops when the wrapper is gone, even by kill -9, which closes the IPC channel. */
function watchParent(): void {
  if (process.env['FIST_PARENT'] !== 'ipc' || process.channel == null) return;
  delete process.env['FIST_PARENT'];
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

if (import.meta.main) await run(process.argv.slice(2));
