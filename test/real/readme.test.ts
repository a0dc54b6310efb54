import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { parseBlocks } from '../docs.ts';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram, startAlertmanager } from '../support/monitoring.ts';
import { cleanEnvironment, freePort, repositoryRoot, runProcess, startProcess } from '../support/processes.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const canRun = findProgram('Alertmanager') !== null && existsSync(join(repositoryRoot, '.git'));

const before = `
route: { receiver: people, group_wait: 1s, group_interval: 1s }
receivers:
  - name: people
`;

/** An alert that fires already; its object is one of the recorded cluster. */
async function fire(alertmanager: string): Promise<void> {
  const { alerts } = JSON.parse(readFileSync(`${repositoryRoot}examples/oom-crash-loop/alert.json`, 'utf8')) as {
    alerts: { labels: Record<string, string>; annotations: Record<string, string> }[];
  };
  const [{ labels, annotations } = { labels: {}, annotations: {} }] = alerts;
  const answer = await fetch(`${alertmanager}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ labels, annotations }]),
  });
  expect(answer.status).toBe(200);
}

it.skipIf(!canRun)(
  'the five commands of the README lead from a clone to a report from a real Alertmanager',
  async () => {
    const [block, ...others] = parseBlocks(readFileSync(join(repositoryRoot, 'README.md'), 'utf8')).filter(
      ({ marks }) => marks.includes('alertmanager'),
    );
    expect(others).toEqual([]);
    expect(block?.commands).toHaveLength(5);
    const folder = cleanup.temporaryFolder('readme');
    const file = join(folder, 'alertmanager.yml');
    const alertmanager = `http://${await startAlertmanager(cleanup, folder, before)}`;
    await fire(alertmanager);

    const listen = `127.0.0.1:${await freePort()}`;
    const environment = cleanEnvironment({ HOME: folder, FIST_LISTEN: listen, FIST_SERVER: `http://${listen}` });
    const [clone = '', start = '', ...rest] = (block?.commands ?? []).map((command) =>
      command
        .replace('URL', `file://${repositoryRoot}`)
        .replace('http://127.0.0.1:9093', alertmanager)
        .replace('/etc/alertmanager/alertmanager.yml', file),
    );
    const cloned = await runProcess('bash', ['-c', `${clone} && pwd`], { cwd: folder, environment });
    expect(cloned.code).toBe(0);
    const cwd = cloned.stdout.trim();
    // The packages of the tests; test/install.test.ts installs.
    symlinkSync(join(repositoryRoot, 'node_modules'), join(cwd, 'node_modules'));

    const startedAt = performance.now();
    // In a group of its own, as a terminal starts it and Ctrl-C ends it.
    const server = startProcess('setsid', ['bash', '-c', `exec ${start}`], { cwd, environment });
    const signalGroup = (signal: 'SIGINT' | 'SIGKILL') => {
      if (server.exitStatus() === null) process.kill(-server.pid, signal);
    };
    cleanup.defer(async () => {
      signalGroup('SIGKILL');
      await server.exited;
    });
    await waitFor('the first useful line', () => server.stderr().includes(`serves at http://${listen}`), {
      timeoutMs: 60_000,
      explain: () => server.stderr(),
    });
    console.log(`the first useful line came after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);

    let report = '';
    for (const command of rest) {
      report = await waitFor(
        command,
        async () => {
          const { code, stdout } = await runProcess('bash', ['-c', command], { cwd, environment, timeoutMs: 60_000 });
          return code === 0 && (command !== rest.at(-1) || stdout.includes('OOMKilled')) && `${stdout}\n`;
        },
        { timeoutMs: 60_000, everyMs: 500, explain: () => server.stderr() },
      );
    }
    expect(report).toContain('KubePodCrashLooping');
    await waitFor('the report where the server prints', () => server.stdout().includes('OOMKilled'));
    signalGroup('SIGINT');
    // npm ends as the shell between them does, by the signal; the server by itself.
    await server.exited;
    expect(server.stderr()).toContain('stopping');
    await waitFor('the end of the server', () =>
      fetch(`http://${listen}/livez`).then(
        () => false,
        () => true,
      ),
    );
  },
);
