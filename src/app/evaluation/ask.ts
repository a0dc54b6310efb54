import { countCitations } from '../../agent/citations.ts';
import type { Citations } from '../../agent/citations.ts';
import type { Recording } from '../../agent/models/replay.ts';
import { conversationOf, shownOf } from '../../agent/conversation.ts';
import type { AgentEvent } from '../../core/agent-event.ts';
import type { Cluster } from '../../core/cluster.ts';
import type { AgentResult } from '../../core/finding.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import type { InvestigationOutcome } from '../../investigation/input.ts';
import { investigateAsking } from '../asked-model.ts';
import { openSource } from '../replay/source.ts';
import type { ModelSource } from '../replay/source.ts';

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
  from: ModelSource,
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
  const source = openSource(from, { name, run });
  const { outcome, events } = await investigateAsking(source.asked, cluster, alert, investigate);
  const recording = source.recording();
  source.keep();
  return {
    outcome,
    model: modelOutcome(outcome.result, events, recording, source.differing()),
    alone: alone ?? outcome.result,
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
