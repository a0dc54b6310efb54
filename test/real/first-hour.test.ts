import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram, startAlertmanager } from '../support/monitoring.ts';
import { cleanEnvironment, repositoryRoot, runProcess } from '../support/processes.ts';
import { startServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const hasAlertmanager = findProgram('Alertmanager') !== null;
const assets = findApiServer();

/** Runs the program in a folder of its own. */
function fistIn(cwd: string) {
  return (...args: string[]) =>
    runProcess(process.execPath, [`${repositoryRoot}src/main.ts`, ...args], {
      cwd,
      environment: cleanEnvironment({ HOME: cwd }),
      timeoutMs: 60_000,
    });
}

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { about: string; result: string; text: string; next?: string }[];
}

const parse = (text: string) => JSON.parse(text) as Report;

describe.skipIf(assets === null)(
  assets === null ? 'skipped: API server not found' : 'fist check of a real API server',
  () => {
    it('names each right that is missing with its rule, and asks for nothing else', async () => {
      const server = await startApiServer(cleanup, assets ?? '');
      server.kubectl(['create', 'serviceaccount', 'reader', '--namespace', 'default']);
      server.kubectl(['create', 'clusterrole', 'reader', '--verb=get,list', '--resource=pods,nodes,services']);
      server.kubectl(['create', 'clusterrole', 'looker', '--verb=get', '--resource=configmaps']);
      for (const role of ['reader', 'looker'])
        server.kubectl([
          'create',
          'clusterrolebinding',
          role,
          `--clusterrole=${role}`,
          '--serviceaccount=default:reader',
        ]);
      const kubeconfig = server.kubeconfig('reader', { token: server.token('default', 'reader') });
      const folder = cleanup.temporaryFolder('check');
      const fist = fistIn(folder);

      const { code, stdout } = await fist('check', '--kubeconfig', kubeconfig, '-o', 'json');
      const { ok, checks } = parse(stdout);
      expect({ code, ok }).toEqual({ code: 1, ok: false });
      const about = (resource: string) => checks.find(({ text }) => text.startsWith(`${resource}:`));
      expect(checks[0]).toMatchObject({ result: 'ok', text: expect.stringContaining('default:reader') as string });
      expect(['pods', 'nodes', 'services'].map((name) => about(name)?.result)).toEqual(['ok', 'ok', 'ok']);
      expect(about('configmaps')).toMatchObject({
        result: 'failed',
        text: expect.stringContaining('may not list;') as string,
      });
      expect(about('pods/log')).toMatchObject({
        result: 'failed',
        next: 'allow it: a ClusterRole with the rule {apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}, bound to system:serviceaccount:default:reader',
      });
      expect(about('deployments')?.next).toContain(
        '{apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list"]}',
      );
      expect(checks.some(({ about: part, text }) => part === 'cluster' && /clock/.test(text))).toBe(true);

      const asked = server.audit().filter(({ user }) => user.username.endsWith(':reader'));
      expect(asked.length).toBeGreaterThan(40);
      expect(new Set(asked.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource ?? ''}`))).toEqual(
        new Set(['create selfsubjectaccessreviews', 'create selfsubjectreviews']),
      );

      server.kubectl(['create', 'clusterrole', 'all', '--verb=get,list', '--resource=*.*']);
      server.kubectl(['create', 'clusterrolebinding', 'all', '--clusterrole=all', '--serviceaccount=default:reader']);
      const text = await waitFor('all rights', async () => {
        const again = await fist('check', '--kubeconfig', kubeconfig);
        return again.code === 0 && again.stdout;
      });
      expect(text).toMatch(/✔ all \d+ checks passed\n$/);
    });
  },
);

const before = `
route:
  receiver: people # day and night
  group_wait: 1s
  group_interval: 1s
receivers:
  - name: people
`;

describe.skipIf(!hasAlertmanager)(
  hasAlertmanager ? 'fist connect alertmanager' : 'skipped: Alertmanager not found',
  () => {
    it('prints what a real one lacks, adds it to its file, and knows when it is connected', async () => {
      const folder = cleanup.temporaryFolder('connect');
      const file = join(folder, 'alertmanager.yml');
      const url = `http://${await startAlertmanager(cleanup, folder, before)}`;
      const fist = fistIn(folder);
      const example = `${repositoryRoot}examples/oom-crash-loop`;
      const token = join(folder, 'secrets/alertmanager-token/token');
      const server = await startServer({
        resources: `${repositoryRoot}examples/connect`,
        database: join(folder, 'fist.db'),
        flags: ['--secrets-dir', join(folder, 'secrets'), '--dump', `${example}/dump`],
      });
      cleanup.defer(() => server.process.stop());
      const webhook = `${server.url}/webhook/alertmanager`;
      const flags = ['--webhook', webhook, '--credentials-file', token];

      const printed = await fist('connect', 'alertmanager', '--url', url, ...flags);
      expect(printed).toMatchObject({ code: 0, stdout: expect.stringContaining(`- url: "${webhook}"`) as string });
      expect((await fist('check', '--alertmanager', url, ...flags)).stdout).toContain(
        '✗ it has no receiver that sends to',
      );

      const written = await fist('connect', 'alertmanager', '--url', url, '--write', file, ...flags);
      expect(written).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('/-/reload') as string });
      expect(readFileSync(`${file}.before-fist`, 'utf8')).toBe(before);
      expect(readFileSync(file, 'utf8')).toContain('receiver: people # day and night');
      expect((await fetch(`${url}/-/reload`, { method: 'POST' })).status).toBe(200);

      const quiet = await fist('connect', 'alertmanager', '--url', url, '--write', file, '--quiet', ...flags);
      expect(quiet).toMatchObject({ code: 0, stderr: '' });
      const connected = await fist('connect', 'alertmanager', '--url', url, ...flags);
      expect(connected.stdout).toMatch(/^connected: Alertmanager \S+ at \S+ sends to \S+ by receiver fist\b/);
      const { checks } = parse((await fist('check', '--alertmanager', url, '-o', 'json', ...flags)).stdout);
      const own = checks.filter(({ about }) => about === 'alertmanager');
      expect(own.map(({ result }) => result)).toEqual(['ok', 'ok', 'ok']);
    });

    it('refuses a file that is not what runs, and changes nothing', async () => {
      const folder = cleanup.temporaryFolder('connect');
      const url = `http://${await startAlertmanager(cleanup, folder, before)}`;
      const other = join(folder, 'other.yml');
      copyFileSync(join(folder, 'alertmanager.yml'), other);
      writeFileSync(other, before.replaceAll('people', 'nobody'));
      const refused = await fistIn(folder)('connect', 'alertmanager', '--url', url, '--write', other);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain('is not what Alertmanager runs with');
      expect(readFileSync(other, 'utf8')).toBe(before.replaceAll('people', 'nobody'));
    });

    it('says where nothing answers, or something else does', async () => {
      const folder = cleanup.temporaryFolder('connect');
      const url = `http://${await startAlertmanager(cleanup, folder, before)}`;
      const nobody = await fistIn(folder)('connect', 'alertmanager', '--url', 'http://127.0.0.1:1');
      expect(nobody).toMatchObject({ code: 3, stdout: '' });
      const wrong = await fistIn(folder)('connect', 'alertmanager', '--url', `${url}/elsewhere`);
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toContain('is no Alertmanager');
    });
  },
);
