import { countCitations } from '../../agent/citations.ts';
import type { Citations } from '../../agent/citations.ts';
import { recordModel, replayModel } from '../../agent/models/replay.ts';
import type { Recording } from '../../agent/models/replay.ts';
import { conversationOf, shownOf } from '../../agent/conversation.ts';
import type { AgentEvent } from '../../core/agent-event.ts';
import type { Cluster } from '../../core/cluster.ts';
import type { AgentResult } from '../../core/finding.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import type { InvestigationOutcome } from '../../investigation/input.ts';
import { investigateAsking } from '../asked-model.ts';
import type { AskedModel } from '../asked-model.ts';
import type { KeepRecording, Recordings } from './recordings.ts';

/** Which model an evaluation asks. */
export type EvaluatedModel =
  | { readonly kind: 'live'; readonly asked: AskedModel; readonly keep: KeepRecording | null }
  | { readonly kind: 'replay'; readonly recordings: Recordings; readonly when: AskedModel['when'] };

/** What a model did with one case. */
export interface ModelOutcome {
  readonly model: string;
  /** As the report says how it ended. */
  readonly ended: string;
  readonly requests: number;
  readonly tool_calls: number;
  readonly wasted_calls: number;
  readonly tokens: number;
  /** null: the price of the model is unknown. */
  readonly cost_dollars: number | null;
  /** All requests together; of a replay those of then. */
  readonly waited_ms: number;
  readonly citations: Citations;
  /** Statements without evidence, which are left out. */
  readonly dropped: number;
  /** Causes beside the stated one, or in place of none. */
  readonly rivals: number;
  /** Requests of a replay that are not those of then. */
  readonly differing: number;
}

/** One case as a model and the analyzers answered it. */
export interface AskedCase {
  readonly outcome: InvestigationOutcome;
  /** null: it was not asked. */
  readonly model: ModelOutcome | null;
  /** The analyzers' own answer. */
  readonly alone: AgentResult;
}

/** Investigates one case with a model. Throws InvalidInput where there is no recording of it. */
export async function askCase(
  evaluated: EvaluatedModel,
  { name, run }: { readonly name: string; readonly run: number },
  cluster: Cluster,
  alert: AlertSnapshot | null,
  analyze: () => Promise<InvestigationOutcome>,
): Promise<AskedCase> {
  let alone: AgentResult | null = null;
  const investigate = async (): Promise<InvestigationOutcome> => {
    const found = await analyze();
    alone = found.result;
    return found;
  };
  const source = sourceOf(evaluated, name, run);
  const { outcome, events } = await investigateAsking(source.asked, cluster, alert, investigate);
  const recording = source.recording();
  if (evaluated.kind === 'live') evaluated.keep?.(name, run, recording);
  return {
    outcome,
    model: modelOutcome(outcome.result, events, recording, source.differing()),
    alone: alone ?? outcome.result,
  };
}

interface Source {
  readonly asked: AskedModel;
  /** What was answered until now. */
  readonly recording: () => Recording;
  readonly differing: () => number;
}

/** A replay is asked as long as it takes to read; its answers have the bounds of then. */
const replayed = { requestTimeoutMs: 60_000, secrets: [] } as const;

function sourceOf(evaluated: EvaluatedModel, name: string, run: number): Source {
  if (evaluated.kind === 'live') {
    const { asked } = evaluated;
    const { model, recording } = recordModel(asked.model, asked.maxOutputTokens, () => performance.now());
    return { asked: { ...asked, model }, recording, differing: () => 0 };
  }
  const recording = evaluated.recordings.read(name, run);
  const { model, differing } = replayModel(recording);
  const { max_output_tokens: maxOutputTokens } = recording;
  return {
    asked: { ...replayed, model, maxOutputTokens, when: evaluated.when },
    recording: () => recording,
    differing,
  };
}

function modelOutcome(
  { model, model_use: use, evidence, rival_causes: rivals }: AgentResult,
  events: readonly AgentEvent[],
  { exchanges }: Recording,
  differing: number,
): ModelOutcome | null {
  if (model === null || use === null) return null;
  const conversation = conversationOf(events);
  const { closed } = conversation;
  const known = { evidence: new Map(evidence.map((one) => [one.id, one] as const)), shown: shownOf(conversation) };
  const answer = closed?.answer ?? null;
  const { ended, requests, tool_calls, wasted_calls, tokens, cost_dollars, dropped } = use;
  return {
    model,
    ended,
    requests,
    tool_calls,
    wasted_calls,
    tokens,
    cost_dollars,
    waited_ms: exchanges.reduce((sum, { duration_ms: ms }) => sum + ms, 0),
    citations: answer === null ? { made: 0, existing: 0, quoted: 0 } : countCitations(answer, known),
    dropped,
    rivals: rivals.length,
    differing,
  };
}
