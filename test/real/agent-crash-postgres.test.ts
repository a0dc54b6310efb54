import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AgentEvent } from '../../src/core/agent-event.ts';
import { createCleanup } from '../support/cleanup.ts';
import { crashAnswer, crashPoints, expectWholeConversation } from '../support/agent-crash.ts';
import { agentResources, exampleAlert, injectionExample, webhookToken } from '../support/agent-world.ts';
import { firing, startTestApp } from '../support/app.ts';
import { startModelServer } from '../support/model-server.ts';
import type { ModelServer } from '../support/model-server.ts';
import { promptOf } from '../support/obedient-model.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

// Two replicas on PostgreSQL: the one that holds a run is killed in each state of its conversation, and the other goes on with it.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const token = 'the-token-of-both-replicas';
/** A lease is thirty seconds. */
const patience = { timeoutMs: 60_000 };
const resourcesOf = (model: ModelServer): string => agentResources(model, { source: '  stormCapPerMinute: 0\n' });

interface Pair {
  /** The holder is killed at this point; the other replica ends the run. */
  killAt(crashAt: string): Promise<void>;
  /** What the runs of this database say that they used, and what their days were charged with. */
  readonly spent: () => Promise<{ readonly tokens: number; readonly charged: number }>;
}

/** A database with one replica that stays, and works on one run at a time; who is to die comes and goes. */
async function openPair(name: string, isTimed: boolean): Promise<Pair> {
  const postgres = await sharedPostgres();
  const database = await postgres.createDatabase();
  const query = (sql: string) => postgres.query(sql, new URL(database).pathname.slice(1));
  const model = await startModelServer();
  cleanup.defer(() => model.stop());
  const tokens = { 'default/alertmanager-token': webhookToken, 'default/model': model.key };
  const survivor = await startTestApp(cleanup, {
    files: { 'resources.yaml': resourcesOf(model) },
    tokens,
    database,
    token,
    concurrency: 1,
    dump: `${injectionExample}/dump`,
  });
  const dying = cleanup.temporaryFolder('dying');
  mkdirSync(join(dying, 'resources'));
  writeFileSync(join(dying, 'resources', 'resources.yaml'), resourcesOf(model));
  const alert = exampleAlert();
  const { annotations } = alert;
  const alertOf = (alertname: string) => firing({ ...alert.labels, alertname }, 60_000, { annotations });
  const runOf = async (alertname: string) => (await survivor.alertNamed(alertname)).workflowId;
  const endLease = async (id: string): Promise<void> => {
    await query(
      `UPDATE workflows SET lease_until = '2000-01-01T00:00:00.000Z', wake_at = '2000-01-01T00:00:00.000Z'
      WHERE id = '${id}' AND lease_until IS NOT NULL`,
    );
  };
  const isTakenOver = async (id: string): Promise<boolean> =>
    (await query(`SELECT fence FROM workflows WHERE id = '${id}'`))[0]?.['fence'] === 2;
  let serial = 0;
  return {
    async killAt(crashAt) {
      serial += 1;
      const [held, killed] = [`Held${name}${serial}`, `Killed${name}${serial}`];
      const release = Promise.withResolvers<void>();
      model.always((request) =>
        promptOf(request).includes(held) ? { ...crashAnswer(request), after: release.promise } : crashAnswer(request),
      );
      // The one that stays has its hands full.
      const before = model.requests.length;
      await survivor.notify('billing-alerts', [alertOf(held)], webhookToken);
      await waitFor('the other replica to be busy', () => model.requests.length > before);
      const environment = { FIST_CRASH_AT: crashAt, FIST_TOKEN: token };
      const flags = ['--dump', `${injectionExample}/dump`, '--secrets-dir', join(survivor.folder, 'secrets')];
      const process = spawnServer({ resources: join(dying, 'resources'), database, flags, environment });
      cleanup.defer(() => process.kill());
      await whenReady(process, database, { token });
      await survivor.notify('billing-alerts', [alertOf(killed)], webhookToken);
      expect((await process.exited).signal).toBe('SIGKILL');
      const id = (await runOf(killed)) ?? '';
      if (!isTimed) await endLease(id);
      release.resolve();
      await waitFor('the other replica to take it', () => isTakenOver(id), patience);
      const run = await survivor.endedRun(killed);
      const events = await survivor.list<AgentEvent>(`/api/v1/runs/${id}/agent-events?limit=200`);
      const requests = model.requests.filter((request) => promptOf(request).includes(killed)).length;
      expectWholeConversation({ run, events, requests });
      expect(run.steps.map(({ attempt, status }) => `${attempt} ${status}`)).toEqual(['1 failed', '2 succeeded']);
      expect((await survivor.endedRun(held)).status).toBe('succeeded');
      expect(model.refusals).toEqual([]);
    },
    async spent() {
      const [runs] = await query('SELECT sum(model_tokens)::int AS tokens FROM workflows');
      const [days] = await query('SELECT sum(tokens)::int AS tokens FROM model_spending');
      return { tokens: Number(runs?.['tokens']), charged: Number(days?.['tokens']) };
    },
  };
}

async function killAtEach(name: string, points: readonly (readonly [string, string])[], isTimed: boolean) {
  const pair = await openPair(name, isTimed);
  for (const [crashAt, what] of points)
    await pair.killAt(crashAt).catch((error: unknown) => {
      throw new Error(`killed ${what}`, { cause: error });
    });
  return pair.spent();
}

test('killed at each event of a conversation: the other replica goes on where it was, and each token is charged once', async () => {
  const lanes = [0, 1].map((lane) => crashPoints.filter((_, index) => index % 2 === lane));
  const timed = crashPoints.filter(([point]) => point === 'after:agent-events:4');
  const all = await Promise.all([
    ...lanes.map((points, lane) => killAtEach(`Lane${lane}No`, points, false)),
    // And one whose lease runs out by itself.
    killAtEach('Timed', timed, true),
  ]);
  for (const { tokens, charged } of all) {
    expect(tokens).toBeGreaterThan(1000);
    expect(charged).toBe(tokens);
  }
});
