import { answerTokens, usualBounds, usualBudget } from '../agent/budget.ts';
import { findModelDefinition, modelProviderNames } from '../agent/models/index.ts';
import type { PatientModel } from '../agent/models/model.ts';
import { openModel } from '../agent/models/open.ts';
import { createModelSlots } from '../agent/models/slots.ts';
import { nothingKnown } from '../agent/data/lack.ts';
import { openToolbox } from '../agent/open-toolbox.ts';
import type { Readers } from '../agent/open-toolbox.ts';
import { investigateWithModel } from '../agent/run.ts';
import type { AskWhen } from '../agent/run.ts';
import { toolDefinitions } from '../agent/tools/index.ts';
import type { AgentEvent, AgentJournal } from '../core/agent-event.ts';
import type { Cluster } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { Gap } from '../core/finding.ts';
import type { LlmTarget } from '../core/plan.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { toTimestamp } from '../core/time.ts';
import type { InvestigationOutcome } from '../investigation/input.ts';
import { openReads } from '../investigation/reads.ts';
import { systemClock } from '../lib/clock.ts';
import { createHttpClient } from '../lib/http.ts';
import { maskValues } from '../lib/mask-values.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { modelSecrets, readPriceTable } from './models.ts';
import { namedModel } from './named-model.ts';

/** What a command says of models. */
export interface ModelFlags {
  /** `PROVIDER/MODEL`, or a provider that has a usual model. */
  readonly model: string;
  readonly endpoint: string | null;
}

/** A model that a command asks. */
export interface AskedModel {
  readonly model: PatientModel;
  /** Of one answer. */
  readonly maxOutputTokens: number;
  /** Of one request. Milliseconds. */
  readonly requestTimeoutMs: number;
  readonly when: AskWhen;
  /** What nothing that is reported may hold. */
  readonly secrets: readonly string[];
}

/**
 * What `work` makes of the model that a command names, with keys and bounds from the environment. Nobody is asked yet. Throws
 * InvalidInput that names what is missing.
 */
export async function withModel<T>(
  flags: ModelFlags,
  when: AskWhen,
  environment: Readonly<Record<string, string | undefined>>,
  work: (asked: AskedModel) => Promise<T>,
): Promise<T> {
  const { target, defaults } = namedModel({ ...flags, contextTokens: null }, environment);
  refuseIncomplete(flags, target);
  const clock = systemClock();
  const http = createHttpClient();
  try {
    const world = { defaults, prices: readPriceTable(null), http, clock, slots: createModelSlots() };
    const access = openModel(target, { ...world, secret: () => null, random: Math.random });
    if (access.kind !== 'open') throw refused(flags, access.kind === 'refused' ? access.failure.message : '');
    const { model, maxOutputTokens } = access;
    return await work({
      model,
      maxOutputTokens: answerTokens(maxOutputTokens, model.contextTokens),
      requestTimeoutMs: usualBounds.requestTimeoutMs,
      when,
      secrets: modelSecrets(defaults),
    });
  } finally {
    await http.close();
  }
}

/** What is missing, in words of the flags. */
function refuseIncomplete({ model: text }: ModelFlags, { provider, model, endpoint }: LlmTarget): void {
  const definition = findModelDefinition(provider);
  if (definition === undefined)
    throw new AppError('InvalidInput', `--model ${text}: ${provider} is no model provider of this version`, {
      field: '--model',
      next: nextOfUnknown(provider, modelProviderNames, `one of none, ${modelProviderNames.join(', ')}`, '--model '),
    });
  if (model === null && definition.defaultModel === null)
    throw new AppError('InvalidInput', `--model ${text} names no model, and ${provider} has none of its own`, {
      field: '--model',
      next: `--model ${provider}/NAME`,
    });
  if (definition.needsEndpoint && endpoint === null)
    throw new AppError('InvalidInput', `--model ${text} needs an address: ${provider} has none of its own`, {
      field: '--endpoint',
      next: '--endpoint http://127.0.0.1:11434/v1',
    });
}

function refused({ model }: ModelFlags, why: string): AppError {
  const keys = findModelDefinition(model.split('/')[0] ?? '')?.keyVariables ?? [];
  return new AppError('InvalidInput', `--model ${model} cannot be asked: ${why}`, {
    field: '--model',
    ...(keys[0] === undefined ? {} : { next: `${keys[0]}=... in the environment` }),
  });
}

/** The cluster alone. */
const noReaders: Readers = { http: null, metrics: null, logs: null, runbooks: null, incidents: null };

/** What was found, and the conversation that led to it; empty where no model was asked. */
export interface AskedOutcome {
  readonly outcome: InvestigationOutcome;
  readonly events: readonly AgentEvent[];
}

/** Investigates with the analyzers and a model, with no server: the journal is in memory. */
export async function investigateAsking(
  { model, maxOutputTokens, requestTimeoutMs, when, secrets }: AskedModel,
  cluster: Cluster,
  alert: AlertSnapshot | null,
  investigate: () => Promise<InvestigationOutcome>,
  readers: Readers = noReaders,
): Promise<AskedOutcome> {
  const { turns, toolCalls, tokens, dollars, minutes } = usualBudget;
  const clock = systemClock();
  const now = () => toTimestamp(clock.now());
  const { signal } = new AbortController();
  const journal = memoryJournal(now);
  let gaps: () => readonly Gap[] = () => [];
  const outcome = await investigateWithModel({
    model,
    maxOutputTokens,
    requestTimeoutMs,
    journal,
    conversationWith: async () => [],
    followUp: null,
    limits: {
      turns,
      toolCalls,
      tokens,
      costMicros: dollars * 1_000_000,
      wallMs: minutes * 60_000,
      bytes: usualBounds.bytes,
    },
    refusal: async () => null,
    alert,
    when,
    goal: '',
    values: [],
    firstEvidenceNumber: 1,
    investigate,
    mask: (data) => maskValues(data, secrets),
    openReads: async () => openReads(cluster, now, signal),
    openToolbox: async (request) => {
      const toolbox = openToolbox(request, {
        onlyNamespace: null,
        tools: toolDefinitions,
        allowed: { namespaces: [], isClusterWide: false, hosts: [], mcpTools: new Set() },
        alert,
        secretValues: async () => secrets,
        readers,
        data: nothingKnown,
        clock,
        signal,
      });
      ({ gaps } = toolbox);
      return toolbox;
    },
    toolGaps: () => gaps(),
    hints: [],
    judged: [],
    now,
    signal,
  });
  return { outcome, events: await journal.events() };
}

/** A journal in memory, which begins with these events. */
export function memoryJournal(now: () => AgentEvent['at'], begun: readonly AgentEvent[] = []): AgentJournal {
  const kept: AgentEvent[] = [...begun];
  return {
    events: async () => [...kept],
    append: async (events) => {
      for (const event of events)
        kept.push({ ...event, runId: '', path: '', attempt: 1, sequence: kept.length + 1, at: now() });
    },
  };
}
