import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { logLines, spawnServer, whenReady } from '../support/server.ts';
import { chaosDatabases } from './database.ts';
import type { ChaosDatabase, ChaosDatabases } from './database.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const token = 'the-token-of-this-test';
const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: large }
spec:
  type: webhook
  config: { path: large }
  triggerWorkflow: look
  stormCapPerMinute: 0
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: look }
spec:
  steps:
    - { name: is-known, type: conditional, condition: '{{ .alert.alertname }} == Large' }
`;

/** 650 alerts: three parts, one commit each. */
const notification = {
  version: '4',
  groupKey: 'large',
  alerts: Array.from({ length: 650 }, (_, index) => ({
    status: 'firing',
    labels: { alertname: 'Large', pod: `pod-${index}` },
    annotations: { summary: 'It hurts' },
    startsAt: '2026-01-01T00:00:00Z',
  })),
};

async function openPlace(databases: ChaosDatabases) {
  const folder = cleanup.temporaryFolder('parts');
  const path = join(folder, 'resources');
  mkdirSync(path);
  writeFileSync(join(path, 'resources.yaml'), resources);
  const database = await databases.create(cleanup, folder);
  return {
    database,
    /** One life of a server: takes the notification, or dies of it. */
    async live(crashAt?: string) {
      const environment = { FIST_TOKEN: token, ...(crashAt === undefined ? {} : { FIST_CRASH_AT: crashAt }) };
      const process = spawnServer({ resources: path, database: database.url, environment });
      cleanup.defer(() => process.kill());
      const server = await whenReady(process, database.url, { token });
      const answer = await server.post('/webhook/large', notification).catch(() => null);
      if (answer === null) await process.exited;
      await process.kill();
      return { answer, hit: logLines(process.stderr()).some((line) => line['message'] === 'crash point') };
    },
  };
}

async function rows(database: ChaosDatabase) {
  const one = async (sql: string) => database.query(sql);
  return {
    alerts: await one('SELECT fingerprint, episode, workflow_id IS NULL AS idle FROM alerts ORDER BY fingerprint'),
    // Those of runs come when they come.
    openings: await one(
      "SELECT a.fingerprint, t.episode FROM alert_transitions t JOIN alerts a ON a.id = t.alert_id WHERE t.reason = 'Opened' ORDER BY a.fingerprint",
    ),
    runs: await one(
      'SELECT a.fingerprint, r.episode FROM workflows r JOIN alerts a ON a.id = r.alert_id ORDER BY a.fingerprint',
    ),
    events: await one('SELECT receive_count FROM source_events'),
    letters: await one('SELECT id FROM dead_letters'),
  };
}

describe.each(chaosDatabases)('a large notification on $name', (databases) => {
  it('whose server dies between two parts has the same rows after its repeat as without', async () => {
    const whole = await openPlace(databases);
    expect((await whole.live()).answer).toMatchObject({ status: 200, body: { received: 650, opened: 650 } });
    const broken = await openPlace(databases);
    expect(await broken.live('after:intake:1')).toEqual({ answer: null, hit: true });
    expect((await rows(broken.database)).alerts).toHaveLength(250);
    expect((await rows(broken.database)).events).toEqual([]);
    expect(await broken.live('before:intake:3')).toEqual({ answer: null, hit: true });
    expect((await rows(broken.database)).alerts).toHaveLength(500);
    expect((await broken.live()).answer).toMatchObject({
      status: 200,
      body: { received: 650, opened: 150, repeated: 500, runs: 150 },
    });
    expect(await rows(broken.database)).toEqual(await rows(whole.database));
  });
});
