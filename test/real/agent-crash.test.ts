import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { AgentEvent } from '../../src/core/agent-event.ts';
import type { AgentResult } from '../../src/core/finding.ts';
import type { Evidence } from '../../src/core/run.ts';
import { agentResources, exampleAlert, injectionExample, reportAnswer, webhookToken } from '../support/agent-world.ts';
import { firing } from '../support/app.ts';
import type { RunDetail } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startModelServer } from '../support/model-server.ts';
import type { SeenRequest } from '../support/model-server.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';

// A server that is killed in each state of a conversation: another process goes on where it was.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const alert = exampleAlert();
const calls = [
  { name: 'kubernetes_list', input: { resource: 'pods', namespace: 'billing' } },
  { name: 'kubernetes_events', input: { namespace: 'billing' } },
];

/** Two calls at once, then words, then the answer: each by what the request shows, whichever process sends it. */
function answerTo(request: SeenRequest) {
  if (request.schema !== null) return reportAnswer();
  return request.messages.some(({ role }) => role === 'tool') ? { text: 'That is all.' } : { calls };
}

/** The journal of the conversation, a commit each: what it holds before and after the n-th of them. */
const commits = ['opened', 'asked', 'answered', 'called', 'called', 'asked', 'answered', 'asked', 'answered', 'closed'];
const points = commits.flatMap((kind, index) => [
  [`before:agent-events:${index + 1}`, `before ${kind} (${index + 1})`] as const,
  [`after:agent-events:${index + 1}`, `after ${kind} (${index + 1})`] as const,
]);

test.each(points)(
  '%s: %s',
  async (crashAt) => {
    const folder = cleanup.temporaryFolder('agent-crash');
    const model = await startModelServer();
    cleanup.defer(() => model.stop());
    model.always(answerTo);
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
    expect([run.status, model.refusals]).toEqual(['succeeded', []]);
    const events = await second.list<AgentEvent>(`/api/v1/runs/${run.id}/agent-events?limit=200`);
    const of = (kind: string) => events.filter((event) => event.kind === kind);

    // One conversation, and each call of it has one answer.
    expect([of('opened').length, of('closed').length]).toEqual([1, 1]);
    expect(
      of('called')
        .map(({ content }) => (content as { call: { name: string } }).call.name)
        .sort(),
    ).toEqual(calls.map(({ name }) => name).sort());
    const ids = run.evidence.map(({ id }: Evidence) => id);
    expect(new Set(ids).size).toBe(ids.length);

    // A request whose answer is stored is not made again: at most the one that was under way.
    expect(of('answered')).toHaveLength(3);
    const lost = of('asked').length - 3;
    expect(lost).toBeLessThanOrEqual(1);
    expect(model.requests.length - 3).toBeLessThanOrEqual(1);
    // What nobody knows the end of is counted as it was reserved.
    const result = run.steps.at(-1)?.result as unknown as AgentResult | undefined;
    const use = result?.model_use;
    expect(use?.requests).toBe(3 + lost);
    if (lost === 0) expect(use?.tokens).toBe(3 * 1050);
    else expect(use?.tokens).toBeGreaterThan(3 * 1050 + 1000);
  },
  60_000,
);
