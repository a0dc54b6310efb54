import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AgentEvent } from '../../src/core/agent-event.ts';
import { crashAnswer, crashPoints, expectWholeConversation } from '../support/agent-crash.ts';
import { agentResources, exampleAlert, injectionExample, webhookToken } from '../support/agent-world.ts';
import { firing } from '../support/app.ts';
import type { RunDetail } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startModelServer } from '../support/model-server.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

// A server that is killed in each state of a conversation: another process goes on where it was.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const alert = exampleAlert();
test.each(crashPoints)(
  '%s: %s',
  async (crashAt) => {
    const folder = cleanup.temporaryFolder('agent-crash');
    const model = await startModelServer();
    cleanup.defer(() => model.stop());
    model.always(crashAnswer);
    const resources = join(folder, 'resources');
    mkdirSync(resources);
    writeFileSync(join(resources, 'resources.yaml'), agentResources(model));
    for (const [name, token] of Object.entries({ 'alertmanager-token': webhookToken, model: model.key })) {
      mkdirSync(join(folder, 'secrets', 'default', name), { recursive: true });
      writeFileSync(join(folder, 'secrets', 'default', name, 'token'), token, { mode: 0o600 });
    }
    const database = join(folder, 'fist.db');
    const start = async (environment: Readonly<Record<string, string>> = {}) => {
      const flags = ['--dump', `${injectionExample}/dump`, '--secrets-dir', join(folder, 'secrets')];
      const process = spawnServer({ resources, database, flags, environment });
      cleanup.defer(() => process.kill());
      return whenReady(process, database);
    };

    const first = await start({ FIST_CRASH_AT: crashAt });
    const notice = {
      version: '4',
      receiver: 'fist',
      status: 'firing',
      groupKey: '{}',
      alerts: [firing(alert.labels, 60_000, alert)],
    };
    const posted = first.post('/webhook/billing-alerts', notice, webhookToken).catch(() => null);
    expect((await first.process.exited).signal).toBe('SIGKILL');
    await posted;

    const second = await start();
    const run = await waitFor('the run to end', async () => {
      const [found] = await second.list<{ id: string; status: string }>('/api/v1/runs');
      if (found === undefined || !['succeeded', 'failed'].includes(found.status)) return null;
      return (await second.api('GET', `/api/v1/runs/${found.id}`)).body as RunDetail;
    });
    const events = await second.list<AgentEvent>(`/api/v1/runs/${run.id}/agent-events?limit=200`);
    expectWholeConversation({ run, events, requests: model.requests.length });
    expect(model.refusals).toEqual([]);
  },
  60_000,
);
