import { readFileSync } from 'node:fs';
import type { AgentResult } from '../../src/core/finding.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { firing, startTestApp } from './app.ts';
import type { RunDetail, TestApp, TestAppOptions } from './app.ts';
import type { Cleanup } from './cleanup.ts';
import { startModelServer } from './model-server.ts';
import type { ModelServer, ScriptedAnswer, WireName } from './model-server.ts';
import { repositoryRoot } from './processes.ts';

// The whole program with a scripted model.

/** The recorded cluster whose log and alert give orders. */
export const injectionExample = `${repositoryRoot}examples/log-injection`;

export interface ExampleAlert extends JsonObject {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly startsAt: string;
}

/** The alert of that example. */
export function exampleAlert(): ExampleAlert {
  const { alerts } = JSON.parse(readFileSync(`${injectionExample}/alert.json`, 'utf8')) as {
    readonly alerts: readonly [ExampleAlert];
  };
  return alerts[0];
}

/** Provider and model that speak each wire. */
export const modelOnWire = {
  chat: ['openai-compatible', 'm'],
  messages: ['anthropic', 'claude-sonnet-4-5'],
} as const satisfies Partial<Record<WireName, readonly [provider: string, model: string]>>;
export type AgentWire = keyof typeof modelOnWire;
export const agentWires = Object.keys(modelOnWire) as readonly AgentWire[];

export const webhookToken = 'token-for-tests-0123456789';

export interface RunReport {
  readonly run: RunDetail;
  readonly report: AgentResult;
}

export interface AgentApp {
  readonly app: TestApp;
  readonly model: ModelServer;
  /** Raises an alert, of the example unless one is given. */
  readonly raise: (alert?: object) => Promise<void>;
  /** The report of the newest run of this alert, once it has ended. */
  readonly report: (alertname?: string) => Promise<RunReport>;
  /** The report of a new run of a finished one, once that has ended. */
  readonly again: (runId: string) => Promise<RunReport>;
}

/** What is written into the resources of the example. */
export interface AgentResources {
  readonly wire?: AgentWire;
  /** When a model is asked; null: as it is by default. Default: always. */
  readonly ask?: 'always' | null;
  /** Further lines of the agent step. */
  readonly step?: string;
  /** Further lines of its runtime. */
  readonly runtime?: string;
  /** Further lines of the Workflow's spec. */
  readonly workflow?: string;
  /** Further lines of the Source. */
  readonly source?: string;
  /** Further Sinks: documents of YAML, and their names. */
  readonly sinks?: { readonly yaml: string; readonly names: readonly string[] };
}

export interface AgentAppOptions extends AgentResources {
  /** Of the program. */
  readonly program?: Partial<Omit<TestAppOptions, 'files'>>;
}

/** The resources of the example, with this model asked whatever the analyzers find. */
export function agentResources(
  model: Pick<ModelServer, 'endpoint'>,
  { wire = 'chat', ask = 'always', step = '', runtime = '', workflow = '', source = '', sinks }: AgentResources = {},
): string {
  const [provider, name] = modelOnWire[wire];
  const text = readFileSync(`${injectionExample}/resources.yaml`, 'utf8')
    .replace(
      /provider: none[^\n]*/,
      `{provider: ${provider}, model: ${name}, endpoint: "${model.endpoint(wire)}", apiKeySecret: model, contextTokens: 64000}`,
    )
    .replace(/llmConfig:\s+\{/, 'llmConfig: {')
    .replace('      timeoutMinutes: 5', `${ask === null ? '' : `      ask: ${ask}\n`}${step}`)
    .replace('  steps:', `${runtime}  steps:`)
    .replace('  outputs:', `${workflow}  outputs:`)
    .replace('  triggerWorkflow: explain-billing', `  triggerWorkflow: explain-billing\n${source}`)
    .replace('sinks: [billing-report]', `sinks: [${['billing-report', ...(sinks?.names ?? [])].join(', ')}]`);
  return sinks === undefined ? text : `${text}\n---\n${sinks.yaml}`;
}

/** A server whose Workflow asks the scripted model, over the recorded cluster unless another one is given. */
export async function startAgentApp(cleanup: Cleanup, options: AgentAppOptions = {}): Promise<AgentApp> {
  const { tokens, ...program } = options.program ?? {};
  const model = await startModelServer();
  cleanup.defer(() => model.stop());
  const app = await startTestApp(cleanup, {
    files: { 'resources.yaml': agentResources(model, options) },
    tokens: { 'default/alertmanager-token': webhookToken, 'default/model': model.key, ...tokens },
    ...(program.kubeconfig === undefined ? { dump: `${injectionExample}/dump` } : {}),
    ...program,
  });
  const alert = exampleAlert();
  return {
    app,
    model,
    async raise(given = firing(alert.labels, 60_000, alert)) {
      await app.notify('billing-alerts', [given], webhookToken);
    },
    async report(alertname = alert.labels['alertname'] ?? '') {
      return reportOf(await app.endedRun(alertname));
    },
    again: async (runId) => reportOf(await app.repeated(runId)),
  };
}

function reportOf(run: RunDetail): RunReport {
  return { run, report: run.steps.at(-1)?.result as unknown as AgentResult };
}

/** An answer in the form of a report: that nothing is shown, unless the changes say otherwise. */
export function reportAnswer(changes: JsonObject = {}): ScriptedAnswer {
  return {
    json: {
      summary: 'The evidence does not show it.',
      cause: null,
      findings: [],
      hypotheses: [],
      next: [],
      ...changes,
    },
  };
}
