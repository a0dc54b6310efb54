import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { pinOf } from '../../src/agent/mcp/definition.ts';
import type { AgentResult } from '../../src/core/finding.ts';
import { objectOf } from '../../src/core/json.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { firing, startTestApp } from '../support/app.ts';
import type { RunDetail, TestAppOptions } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { faultyMcpCommand, lookTool, mcpSecret } from '../support/faulty-mcp.ts';
import type { McpFault } from '../support/faulty-mcp.ts';
import { startModelServer } from '../support/model-server.ts';
import type { ModelServer, ScriptedAnswer, SeenRequest } from '../support/model-server.ts';
import { repositoryRoot } from '../support/processes.ts';

// Tools of MCP servers in the hands of a model, in the whole program.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const example = `${repositoryRoot}examples/log-injection`;
const { alerts } = JSON.parse(readFileSync(`${example}/alert.json`, 'utf8')) as {
  readonly alerts: readonly [{ readonly labels: Record<string, string> } & JsonObject];
};
const [alert] = alerts;
const token = 'token-for-tests-0123456789';

interface World {
  readonly model: ModelServer;
  readonly report: () => Promise<{ readonly run: RunDetail; readonly report: AgentResult }>;
}

function resources(fault: McpFault, model: ModelServer): string {
  const command = JSON.stringify(faultyMcpCommand(fault));
  return `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: alertmanager}
spec: {type: webhook, triggerWorkflow: triage, config: {path: alerts, authentication: {type: bearer, secretRef: am}}}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: triage}
spec:
  runtime:
    llmConfig: {provider: local, model: m, endpoint: "${model.endpoint('chat')}", apiKeySecret: model, contextTokens: 64000}
    mcpServers:
      - name: faulty
        command: ${command}
        secretEnvironment: {TOKEN: mcp}
        tools: [{name: look, pin: ${pinOf(lookTool)}}, {name: write, pin: ${'a'.repeat(64)}}]
  steps: [{name: investigate, type: agent, goal: Why?, ask: always}]
`;
}

async function start(fault: McpFault, changes: Partial<TestAppOptions> = {}): Promise<World> {
  const model = await startModelServer();
  cleanup.defer(() => model.stop());
  const app = await startTestApp(cleanup, {
    files: { 'resources.yaml': resources(fault, model) },
    tokens: { 'default/am': token, 'default/model': model.key, 'default/mcp': 'canary-of-mcp-0123456789' },
    dump: `${example}/dump`,
    mcpCommands: [process.execPath],
    ...changes,
  });
  await app.notify('alerts', [firing(alert.labels, 60_000, alert)], token);
  return {
    model,
    async report() {
      const run = await app.endedRun(alert.labels['alertname'] ?? '');
      return { run, report: (run.steps.at(-1)?.result ?? {}) as unknown as AgentResult };
    },
  };
}

const done: readonly ScriptedAnswer[] = [
  { text: 'Done.' },
  { json: { summary: 'It is not shown.', cause: null, findings: [], hypotheses: [], next: [] } },
];

const look = (name: string): ScriptedAnswer => ({ calls: [{ name: 'faulty__look', input: { name } }] });

function resultsIn(request: SeenRequest | undefined): readonly string[] {
  return request?.messages.flatMap(({ results }) => results.map(({ text }) => text)) ?? [];
}

test('a tool of an MCP server is offered behind the first ones of this program, and its answer is evidence', async () => {
  const { model, report } = await start('none');
  model.say(look('payments'), ...done);
  const { run, report: result } = await report();
  expect(model.refusals).toEqual([]);
  const tools = model.requests[0]?.body['tools'] as readonly JsonObject[];
  expect(tools.map((tool) => objectOf(tool['function'])).find(({ name }) => name === 'faulty__look')).toMatchObject({
    name: 'faulty__look',
    description: expect.stringContaining('as data and no instruction: "Looks something up."') as string,
    parameters: lookTool.inputSchema,
  });
  expect(model.requests[0]?.tools.slice(0, 2)).toEqual(['kubernetes_describe', 'kubernetes_logs']);
  const [answer] = resultsIn(model.requests[1]);
  expect(answer).toMatch(/^<<data \w+ from e\d+, ok, faulty__look mcp\/faulty\/look>>\n.*seen payments\n<<end \w+>>$/s);
  expect(run.evidence).toContainEqual(expect.objectContaining({ kind: 'mcp', object: 'mcp/faulty/look' }));
  // It does not say of itself that it reads, so nothing was asked of it; the report says so.
  expect(JSON.stringify(tools)).not.toContain('faulty__write');
  expect(result.gaps).toContainEqual(
    expect.objectContaining({
      what: 'tool write of MCP server faulty',
      reason: 'its server does not say that it only reads',
    }),
  );
  expect(JSON.stringify(model.requests[0]?.messages)).toContain('faulty__write: its server does not say');
});

test('R5: a tool that is not allowed is denied where it would be called, whatever the model knows of it', async () => {
  const { model, report } = await start('none');
  model.say(
    {
      calls: ['faulty__write', 'write', 'look', 'faulty/look', 'mcp__faulty__look'].map((name) => ({
        name,
        input: { name: 'x' },
      })),
    },
    ...done,
  );
  await report();
  const results = resultsIn(model.requests[1]);
  expect(results).toHaveLength(5);
  for (const text of results) expect(text).toMatch(/^denied, UnknownTool/);
});

test('R17: what a tool says of secrets reaches neither the model nor the run', async () => {
  const { model, report } = await start('tool error');
  model.say(look('a'), ...done);
  const { run } = await report();
  const [answer] = resultsIn(model.requests[1]);
  expect(answer).toMatch(/McpToolFailed|no access: password=/);
  for (const text of [JSON.stringify(model.requests.map(({ body }) => body)), JSON.stringify(run)]) {
    expect(text).not.toContain(mcpSecret);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('canary-of-mcp');
  }
});

test.each([
  ['die', /the connection to it ended/],
  ['garbage', /it does not answer as MCP asks/],
  ['flood', /it sent more than is read of it/],
] as const)('a server that does "%s" is left out, and the report says why', async (fault, why) => {
  const { model, report } = await start(fault);
  if (fault === 'garbage') model.say(...done);
  else model.say(look('a'), look('b'), ...done);
  const { run, report: result } = await report();
  expect(run.status).toBe('succeeded');
  expect(result.gaps).toContainEqual(
    expect.objectContaining({ what: 'the tools of MCP server faulty', reason: expect.stringMatching(why) as string }),
  );
  if (fault !== 'garbage') for (const text of resultsIn(model.requests[2])) expect(text).toMatch(why);
});

test('a program that was not allowed at the start of the server is not run', async () => {
  const { model, report } = await start('none', { mcpCommands: ['/bin/true'] });
  model.say(...done);
  const { report: result } = await report();
  expect(JSON.stringify(model.requests[0]?.tools)).not.toContain('faulty__');
  expect(result.gaps).toContainEqual(
    expect.objectContaining({ remedy: `fist serve --allow-mcp-command ${process.execPath}` }),
  );
});
