import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { startServer } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { countUnfinished } from './checker.ts';
import { sqliteFile } from './database.ts';

// A limit on the size of files stands for a full disk: the server's own, changed while it runs.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

function limitFiles(pid: number, bytes: number | 'unlimited'): void {
  const { status, stderr } = spawnSync('prlimit', [`--fsize=${bytes}:unlimited`, '--pid', String(pid)]);
  if (status !== 0) throw new Error(`prlimit: ${stderr.toString()}`);
}

const resourcesYaml = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: full }
spec: { type: webhook, config: { path: full }, triggerWorkflow: one-step, stormCapPerMinute: 0 }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: one-step }
spec:
  steps: [{ name: first, type: conditional, condition: 'yes' }]
`;

function notification(id: number): object {
  const labels = { alertname: 'Full', id: String(id) };
  const annotations = { description: 'x'.repeat(8000) };
  return { version: '4', alerts: [{ status: 'firing', labels, annotations, startsAt: '2026-01-01T00:00:00Z' }] };
}

async function readiness(server: TestServer): Promise<readonly [status: number, body: string]> {
  const response = await fetch(`${server.url}/readyz`);
  return [response.status, await response.text()];
}

describe.skipIf(!hasPrlimit)('a full disk', () => {
  it('refuses alerts, says so, loses nothing, and is over when there is room again', async () => {
    const folder = cleanup.temporaryFolder('full');
    mkdirSync(join(folder, 'resources'));
    writeFileSync(join(folder, 'resources', 'resources.yaml'), resourcesYaml);
    const database = sqliteFile(join(folder, 'fist.db'));
    const start = async () => {
      const server = await startServer({ resources: join(folder, 'resources'), database: database.url });
      cleanup.defer(() => server.process.kill());
      return server;
    };
    const server = await start();
    const acknowledged: number[] = [];
    let sent = 0;
    const send = async () => {
      const id = sent++;
      const { status, body } = await server.post('/webhook/full', notification(id));
      if (status === 200) acknowledged.push(id);
      else expect([status, (body as { code: string }).code]).toEqual([503, 'StoreUnavailable']);
      return status;
    };

    expect(await send()).toBe(200);
    const sizes = ['', '-wal'].map((end) => statSync(`${database.url}${end}`).size);
    limitFiles(server.process.pid, Math.max(...sizes) + 200_000);
    while ((await send()) === 200) expect(sent).toBeLessThan(500);

    const logged = server.process.stderr().length;
    const [status, reason] = await waitFor('not ready', async () => {
      const answer = await readiness(server);
      return answer[0] === 503 && answer;
    });
    expect([status, reason]).toEqual([503, expect.stringMatching(/^\[-\]store failed: its? /)]);
    for (let n = 0; n < 100; n++) await send();
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    const lines = server.process.stderr().slice(logged).split('\n');
    const complaints = lines.filter((line) => /"level":"(warn|error)"/.test(line));
    expect(complaints.length, complaints.join('\n')).toBeLessThan(15);

    limitFiles(server.process.pid, 'unlimited');
    await waitFor('ready again', async () => (await readiness(server))[0] === 200, { timeoutMs: 30_000 });
    expect(await send()).toBe(200);
    await server.process.kill();

    const again = await start();
    await waitFor('every run to end', async () => (await countUnfinished(database)) === 0, { timeoutMs: 20_000 });
    const rows = await database.query("SELECT json_extract(labels, '$.id') AS id FROM alerts ORDER BY created_at, id");
    expect(rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b)).toEqual(acknowledged);
    expect((await again.process.stop()).code).toBe(0);
  });
});
