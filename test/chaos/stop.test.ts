import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { startServer } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import { countUnfinished, readSnapshot } from './checker.ts';
import { sqliteFile } from './database.ts';
import type { ChaosDatabase } from './database.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

interface StopStory {
  readonly database: ChaosDatabase;
  start(): Promise<TestServer>;
  /** Lets the first attempt of the first step end. */
  endFirstStep(): void;
  /** Attempts that were really begun, `first 1`. */
  executed(): readonly string[];
  /** `1#1 succeeded` for each attempt of the journal. */
  journal(): Promise<readonly string[]>;
}

/** A Workflow whose first step ends in its first attempt when it may, and a second step. */
function createStory(flags: readonly string[] = []): StopStory {
  const folder = cleanup.temporaryFolder('stop');
  const resources = join(folder, 'resources');
  const executions = join(folder, 'executions.txt');
  const gate = join(folder, 'gate');
  mkdirSync(resources);
  writeFileSync(executions, '');
  writeFileSync(join(resources, 'resources.yaml'), resourcesYaml(executions, gate));
  const database = sqliteFile(join(folder, 'fist.db'));
  return {
    database,
    async start() {
      const server = await startServer({ resources, database: database.url, flags: ['--allow-exec', ...flags] });
      cleanup.defer(() => server.process.kill());
      return server;
    },
    endFirstStep: () => writeFileSync(gate, ''),
    executed: () => readFileSync(executions, 'utf8').split('\n').filter(Boolean),
    async journal() {
      const { steps } = await readSnapshot(database);
      return steps.map(({ path, attempt, status }) => `${path}#${attempt} ${status}`);
    },
  };
}

/** A step that waits for its gate ends too when all of the story is gone. */
function resourcesYaml(executions: string, gate: string): string {
  return `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: stop }
spec: { type: webhook, config: { path: stop }, triggerWorkflow: two-steps, stormCapPerMinute: 0 }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: two-steps }
spec:
  runtime: { environment: { EXECUTIONS: ${executions}, GATE: ${gate} } }
  steps:
    - name: first
      type: cli
      command: |
        echo "first $FIST_ATTEMPT" >> "$EXECUTIONS"
        until [ "$FIST_ATTEMPT" -gt 1 ] || [ -e "$GATE" ] || [ ! -e "$EXECUTIONS" ]; do sleep 0.05; done
    - name: second
      type: cli
      command: echo "second $FIST_ATTEMPT" >> "$EXECUTIONS"
`;
}

const notification = {
  version: '4',
  alerts: [{ status: 'firing', labels: { alertname: 'Stop' }, annotations: {}, startsAt: '2026-01-01T00:00:00Z' }],
};

/** Sends an alert and waits until the first step is under way. */
async function busy(story: StopStory): Promise<TestServer> {
  const server = await story.start();
  expect((await server.post('/webhook/stop', notification)).status).toBe(200);
  await waitFor('the first step', () => story.executed().length > 0);
  return server;
}

/** A further life: everything comes to its end without help. */
async function endsWell(story: StopStory): Promise<void> {
  const server = await story.start();
  await waitFor('the run to end', async () => (await countUnfinished(story.database)) === 0, { timeoutMs: 20_000 });
  expect((await server.process.stop()).code).toBe(0);
  const { runs, alerts } = await readSnapshot(story.database);
  expect(runs.map(({ status }) => status)).toEqual(['succeeded']);
  expect(alerts.map((alert) => alert.receive_count)).toEqual([1]);
}

describe('SIGTERM', () => {
  it('lets a short step end; meanwhile the server says that it drains', async () => {
    const story = createStory();
    const server = await busy(story);
    server.process.signal('SIGTERM');
    const ready = await waitFor('not ready', async () => {
      const answer = await fetch(`${server.url}/readyz`);
      return answer.status === 503 && answer.text();
    });
    expect(ready).toContain('the server is draining');
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    const headers = { 'content-type': 'application/json' };
    const refused = await fetch(`${server.url}/webhook/stop`, {
      method: 'POST',
      headers,
      body: JSON.stringify(notification),
    });
    expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close']);
    expect(refused.headers.get('retry-after')).toMatch(/^[1-5]$/);
    story.endFirstStep();
    expect(await server.process.exited).toEqual({ code: 0, signal: null });
    expect(await story.journal()).toEqual(['1#1 succeeded']);
    await endsWell(story);
    expect(story.executed()).toEqual(['first 1', 'second 1']);
  });

  it('aborts a step that does not end in time, and it runs again', async () => {
    const story = createStory(['--drain-timeout', '2s']);
    const server = await busy(story);
    expect(await server.process.stop()).toEqual({ code: 0, signal: null });
    expect(await story.journal()).toEqual(['1#1 failed']);
    await endsWell(story);
    expect((await story.journal()).toSorted()).toEqual(['1#1 failed', '1#2 succeeded', '2#1 succeeded']);
  });
});

describe('a second signal', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('%s ends at once with %i, and nothing is lost', async (signal, code) => {
    const story = createStory();
    const server = await busy(story);
    server.process.signal('SIGTERM');
    await waitFor('it to stop', () => server.process.stderr().includes('a second signal ends at once'));
    // What comes within a second of the first is a copy of it.
    const endsByIt = () => {
      server.process.signal(signal);
      return server.process.exitStatus();
    };
    expect(await waitFor('its end', endsByIt, { everyMs: 100 })).toEqual({ code, signal: null });
    await endsWell(story);
    expect(story.executed()).toEqual(['first 1', 'first 2', 'second 1']);
  });
});
