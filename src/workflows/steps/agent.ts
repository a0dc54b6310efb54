import { z } from 'zod';
import { answerTokens, usualBounds, usualBudget } from '../../agent/budget.ts';
import { noMcpTools, withMcpTools } from '../../agent/mcp/tools.ts';
import { openToolbox } from '../../agent/open-toolbox.ts';
import type { Readers } from '../../agent/open-toolbox.ts';
import type { PatientModel } from '../../agent/models/model.ts';
import type { ModelAccess } from '../../agent/models/open.ts';
import { profileOf } from '../../agent/prompt.ts';
import { investigateWithModel } from '../../agent/run.ts';
import { evidenceNumber } from '../../investigation/evidence.ts';
import type { AgentWorld } from '../../agent/run.ts';
import { verdictsFor, withEarlierVerdicts } from '../../investigation/earlier-verdicts.ts';
import { investigate } from '../../investigation/investigate.ts';
import { alertExpression } from '../../investigation/metrics/expression.ts';
import { withMasked, withReport } from '../../investigation/result.ts';
import { oneLine } from '../../lib/printable.ts';
import type { JudgedIncident } from '../../core/readers.ts';
import type { Gap } from '../../core/finding.ts';
import type { AlertSnapshot, StepOutcome } from '../../core/run.ts';
import type { InvestigationFailure, InvestigationOutcome } from '../../investigation/input.ts';
import { endpointProblems, hostsOf, selectTools } from '../../agent/tools/select.ts';
import type { ToolSelection } from '../../agent/tools/select.ts';
import { openReads } from '../../investigation/reads.ts';
import { maskValues } from '../../lib/mask-values.ts';
import { countingMasked } from '../../lib/redact/count.ts';
import type { JsonObject } from '../../core/json.ts';
import { namespaceName } from '../../lib/schema.ts';
import { openStepReaders } from './agent-readers.ts';
import type { StepReaders } from './agent-readers.ts';
import { defineStep } from './define.ts';
import type { StepIo } from './define.ts';

const toolText = z.string().max(1024);

/** A tool by name, or with its description; the contract's examples use both forms. */
const tool = z.union([
  toolText,
  z.object({
    name: toolText.optional(),
    ref: toolText.optional(),
    description: z.string().max(65_536).optional(),
    command: z.string().max(65_536).optional(),
    endpoint: z.string().max(65_536).optional(),
  }),
]);

const count = (most: number, description: string) => z.int().min(1).max(most).describe(description);

const budget = z.strictObject({
  toolCalls: count(1000, `Calls of tools. Default: ${usualBudget.toolCalls}.`).optional(),
  tokens: count(100_000_000, `Tokens, in and out, of all requests. Default: ${usualBudget.tokens}.`).optional(),
  dollars: z
    .number()
    .min(0)
    .max(10_000)
    .optional()
    .describe(
      `Money, where the price of the model is known; counted before each request. Default: ${usualBudget.dollars}.`,
    ),
  minutes: count(1440, `Time, of one attempt. Default: ${usualBudget.minutes}.`).optional(),
});

/** What a model may look at beyond what belongs to the alert. Secrets are in no scope. */
const scope = z.strictObject({
  namespaces: z.array(namespaceName).max(100).default([]).describe('Further namespaces.'),
  cluster: z.boolean().default(false).describe('True: all namespaces, also at once.'),
  hosts: z
    .array(z.string().max(2048))
    .max(50)
    .default([])
    .describe(
      'Addresses whose scheme, host and port http_get may read: https://status.example.com. May hold .env in a template.',
    ),
});

const agentConfig = z.object({
  goal: z
    .string()
    .min(1)
    .max(65_536)
    .describe('What to find out. A template; values of the alert stand in a data block of their own.'),
  tools: z
    .array(tool)
    .max(100)
    .default([])
    .describe(
      'Tools that the model may use, by name; kubectl, promql, logql and curl stand for several. Empty: all that read.',
    ),
  ask: z
    .enum(['unclear', 'always'])
    .default('unclear')
    .describe('When a model is asked: where the analyzers are not sure of a cause (under 80 %), or always.'),
  maxIterations: count(100, 'Requests to the model at most.').default(20),
  budget: budget.optional().describe('What the model may use; where it is spent, the report is what is known by then.'),
  scope: scope
    .optional()
    .describe('What its tools may look at beside the namespaces of the alert and of what is linked to it.'),
  approvalRequired: z
    .boolean()
    .default(false)
    .describe('A person must approve changes. The investigation itself reads only and needs none.'),
});

type AgentConfig = z.output<typeof agentConfig>;

/** Gathers evidence, runs the analyzers over it and, where one is configured, a model. Reads only. */
export const agent = defineStep({
  type: 'agent',
  description: 'Investigates the alert: gathers evidence from the cluster and reports what it shows.',
  config: agentConfig,
  templates: { goal: 'template' },
  defaultTimeoutMs: 10 * 60_000,
  branches: [],
  check: ({ tools, scope: allowed }) => [
    ...selectTools(tools).problems,
    ...(allowed?.hosts ?? []).flatMap((host, index) => endpointProblems(host, ['scope', 'hosts', index])),
  ],
  run: (io, config) => countingMasked(() => run(io, config)),
});

async function run(io: StepIo, config: AgentConfig): Promise<StepOutcome> {
  const access = await io.openModel();
  const selection = selectTools(config.tools);
  const beside = openStepReaders(io, selection);
  const judged = await beside.judged();
  const outcome =
    access.kind === 'open'
      ? await withModel(io, config, { access, selection, beside, judged })
      : await analyze(io, config, access.kind === 'refused' ? access.failure : null, beside);
  await beside.learn();
  const told = withEarlierVerdicts(outcome.result, verdictsFor(outcome.result, judged));
  const known = await maskValues({ result: told, failure: outcome.failure }, await io.secretValues());
  const { failure } = known;
  const result = withMasked(known.result);
  const json = result as unknown as JsonObject;
  // What an earlier attempt found is stored.
  const evidence = result.evidence.filter((one) => evidenceNumber(one) >= io.firstEvidenceNumber);
  if (failure === null) return { ok: true, result: json, evidence };
  return { ok: false, ...failure, result: json, evidence };
}

function analyze(
  io: StepIo,
  config: AgentConfig,
  refusal: InvestigationFailure | null,
  { readers }: StepReaders,
): Promise<InvestigationOutcome> {
  return investigate({
    cluster: io.cluster,
    closed: io.closed,
    metrics: readers.metrics,
    alert: io.alert,
    others: io.group?.others ?? [],
    othersInAll: io.group?.alerts ?? 0,
    asked: askedText(io, config.goal),
    firstEvidenceNumber: io.firstEvidenceNumber,
    refusal,
    now: io.now,
    signal: io.signal,
  });
}

/** What a step has at hand where a model is asked. */
interface Opened {
  readonly access: Extract<ModelAccess, { kind: 'open' }>;
  readonly selection: ToolSelection;
  readonly beside: StepReaders;
  readonly judged: readonly JudgedIncident[];
}

async function withModel(
  io: StepIo,
  config: AgentConfig,
  { access, selection, beside, judged }: Opened,
): Promise<InvestigationOutcome> {
  const { model, maxOutputTokens, problems, unfit } = access;
  const { text, values } = io.renderApart(config.goal);
  const { cluster, signal, alert } = io;
  const { toolCalls, tokens, dollars, minutes } = usualBudget;
  const limits = config.budget ?? {};
  const { readers } = beside;
  let mcp = noMcpTools;
  let gaps: () => readonly Gap[] = () => [];
  const world: AgentWorld = {
    model,
    maxOutputTokens: answerTokens(maxOutputTokens, model.contextTokens),
    requestTimeoutMs: Math.min(usualBounds.requestTimeoutMs, io.timeoutMs / 2),
    journal: io.journal,
    conversationWith: io.conversationWith,
    followUp: io.followUp,
    limits: {
      turns: config.maxIterations,
      toolCalls: limits.toolCalls ?? toolCalls,
      tokens: limits.tokens ?? tokens,
      costMicros: Math.round((limits.dollars ?? dollars) * 1_000_000),
      wallMs: Math.min((limits.minutes ?? minutes) * 60_000, io.timeoutMs * 0.9),
      bytes: usualBounds.bytes,
    },
    refusal: io.budgetRefusal,
    alert,
    when: config.ask,
    goal: text,
    values,
    firstEvidenceNumber: io.firstEvidenceNumber,
    investigate: () => analyze(io, config, null, beside),
    mask: async (data) => maskValues(data, await io.secretValues()),
    openReads: async () => (cluster === null ? null : openReads(cluster, io.now, signal)),
    async openToolbox(request) {
      mcp = await io.openMcp();
      const toolbox = openToolbox(request, {
        onlyNamespace: io.onlyNamespace,
        tools: withMcpTools(selection.tools, mcp.tools),
        readers,
        data: await beside.knowledge(),
        allowed: {
          namespaces: config.scope?.namespaces ?? [],
          isClusterWide: config.scope?.cluster ?? false,
          hosts: hostsOf([...selection.endpoints, ...(config.scope?.hosts ?? [])], (template) => io.render(template)),
          mcpTools: new Set(mcp.allowed),
        },
        alert,
        secretValues: io.secretValues,
        clock: io.clock,
        signal,
      });
      ({ gaps } = toolbox);
      return { ...toolbox, missing: [...toolbox.missing, ...mcp.missing] };
    },
    toolGaps: () => [...gaps(), ...mcp.gaps()],
    hints: [...problems, ...hintsOf(readers, alert), ...judgedHints(model, judged)],
    judged,
    now: io.now,
    signal,
  };
  try {
    return withNotice(await investigateWithModel(world), [
      ...unfit.map((one) => `${one}.`),
      ...toolProblems(selection),
    ]);
  } finally {
    await mcp.close();
  }
}

/** What to do before anything else. */
function hintsOf({ metrics }: Readers, alert: AlertSnapshot | null): readonly string[] {
  if (metrics === null || alertExpression(alert?.generatorUrl ?? null) === null) return [];
  return ["prometheus_query_range without a query runs the alert's own expression: begin with it."];
}

/** That people said something, in words of this program; what they said a tool tells, as data. A small window has no such tool. */
function judgedHints({ contextTokens }: PatientModel, judged: readonly JudgedIncident[]): readonly string[] {
  if (judged.length === 0 || profileOf(contextTokens) === 'compact') return [];
  return ['people confirmed or refuted causes of such alerts before: past_incidents tells which, as hypotheses.'];
}

/** Whoever wrote the Workflow learns what of it does nothing, where a model was asked. */
function withNotice(outcome: InvestigationOutcome, told: readonly string[]): InvestigationOutcome {
  const { result } = outcome;
  if (told.length === 0 || result.model_use === null) return outcome;
  return { ...outcome, result: withReport({ ...result, notice: [result.notice ?? [], told].flat().join(' ') }) };
}

function toolProblems({ problems }: ToolSelection): readonly string[] {
  if (problems.length === 0) return [];
  return [`Of the tools of the step: ${problems.map(({ message }) => oneLine(message, 200)).join('; ')}.`];
}

/** The goal as a person reads it. */
export function askedText(io: StepIo, goal: string): string {
  const { text, values } = io.renderApart(goal);
  return text.replace(/\[value (\d+)\]/g, (mark, number: string) => values[Number(number) - 1] ?? mark);
}
