import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment, repositoryRoot, runProcess, startProcess } from '../support/processes.ts';
import { whenReady } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** The command of the steps that the server printed, with its continuation. */
function printedCommand(text: string): string {
  return /^ {2}(curl .*\\\n.*)$/m.exec(text)?.[1] ?? '';
}

it('a server without resources takes the alert of the command that it prints, and keeps it', async () => {
  const cwd = cleanup.temporaryFolder('start');
  const start = async () => {
    const words = [`${repositoryRoot}src/main.ts`, 'serve', '--listen', '127.0.0.1:0'];
    const program = startProcess(process.execPath, words, { cwd, environment: cleanEnvironment() });
    cleanup.defer(() => program.kill());
    return whenReady(program, join(cwd, 'data/punching-fist.db'), { timeoutMs: 60_000 });
  };
  const first = await start();
  const steps = await waitFor(
    'the steps',
    () => /\bnpm start\b/.test(first.process.stderr()) && first.process.stderr(),
  );
  expect(steps).toContain(`serves at ${first.url}   SAMPLE cluster`);
  const { code, stdout } = await runProcess('bash', ['-c', printedCommand(steps)], { cwd });
  expect({ code, answer: JSON.parse(stdout) as unknown }).toMatchObject({ code: 0, answer: { opened: 1, runs: 1 } });
  await waitFor('the report', () => first.process.stdout().includes('OOMKilled'));

  const beside = startProcess(process.execPath, [`${repositoryRoot}src/main.ts`, 'serve', '--listen', '127.0.0.1:0'], {
    cwd,
    environment: cleanEnvironment(),
  });
  expect(await beside.exited).toMatchObject({ code: 2 });
  expect(beside.stderr()).toContain('next:');

  first.process.signal('SIGINT');
  expect(await first.process.exited).toEqual({ code: 0, signal: null });
  const again = await start();
  expect(await again.list('/api/v1/alerts')).toMatchObject([{ name: 'KubePodCrashLooping' }]);
  expect(await again.process.stop()).toEqual({ code: 0, signal: null });
});
