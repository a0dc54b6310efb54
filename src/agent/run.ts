import type { AgentEvent, FollowUp } from '../core/agent-event.ts';
import type { AgentResult, Gap } from '../core/finding.ts';
import type { JudgedIncident } from '../core/readers.ts';
import type { AlertSnapshot, Evidence } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import type { InvestigationFailure, InvestigationOutcome } from '../investigation/input.ts';
import type { Reads } from '../investigation/reads.ts';
import { evidenceNumber } from '../investigation/evidence.ts';
import { withGaps, withReport } from '../investigation/result.ts';
import { percent } from '../report/words.ts';
import { canonicalSha256 } from '../lib/hash.ts';
import { oneLine } from '../lib/printable.ts';
import { checkReport } from './check.ts';
import type { Known } from './check.ts';
import { converse } from './loop.ts';
import type { LoopWorld } from './loop.ts';
import { mergeResults } from './merge.ts';
import { openingText, profileOf, systemText } from './prompt.ts';
import { endReasons, newEvent } from './contents.ts';
import { conversationOf, evidenceOf, shownOf, withEvent } from './conversation.ts';
import type { Called, Closed, Opened } from './contents.ts';
import type { Conversation } from './conversation.ts';
import type { Toolbox } from './toolbox.ts';
import { maskedSoFar } from '../lib/redact/count.ts';
import { newDelimiter } from '../lib/data-block.ts';
import { useOf } from './use.ts';

/** When a model is asked. */
export type AskWhen = 'unclear' | 'always';

/** Above this the analyzers' answer stands by itself. */
const clearConfidence = 0.8;

/** What a toolbox is made for. */
export interface ToolboxRequest {
  readonly reads: Reads | null;
  /** Objects with a path of links from the alert. */
  readonly linked: readonly string[];
  /** Number of the first evidence that it may give. */
  readonly firstEvidenceNumber: number;
  readonly delimiter: string;
  readonly profile: Opened['profile'];
  /** Calls that were made before, by whichever process. */
  readonly earlier: readonly Called[];
}

/** What an investigation with a model needs beside what one without needs. */
export interface AgentWorld extends Omit<LoopWorld, 'toolbox'> {
  readonly alert: AlertSnapshot | null;
  readonly when: AskWhen;
  /** The Workflow's question, with `[value 1]` where values of the alert stand. */
  readonly goal: string;
  readonly values: readonly string[];
  readonly firstEvidenceNumber: number;
  /** The conversation of an earlier run of the alert that closed with this hash; empty = there is none. */
  readonly conversationWith: (evidenceHash: string) => Promise<readonly AgentEvent[]>;
  /** What a person asked on about a conversation that has ended; null = nobody did. */
  readonly followUp: FollowUp | null;
  /** The analyzers. */
  readonly investigate: () => Promise<InvestigationOutcome>;
  /** Removes known Secret values, everywhere. */
  readonly mask: <T>(data: T) => Promise<T>;
  readonly openToolbox: (request: ToolboxRequest) => Promise<Toolbox>;
  /** What tools could not do, for the report. */
  readonly toolGaps: () => readonly Gap[];
  /** Reads of the cluster for a conversation that another process began. */
  readonly openReads: () => Promise<Reads | null>;
  readonly hints: readonly string[];
  /** What people said of earlier reports for such alerts: an answer of before is not used again where they said something since. */
  readonly judged: readonly JudgedIncident[];
}

/**
 * Investigates with the analyzers, then with a model where that may help, and gives one report. A conversation that another
 * process began goes on where it is. The model failing is a failure whose result is the analyzers' report, with a line that says so.
 */
export async function investigateWithModel(world: AgentWorld): Promise<InvestigationOutcome> {
  const own = await world.journal.events();
  const before = conversationOf([...(world.followUp?.events ?? []), ...own]);
  const first = before.opened === null ? await world.investigate() : null;
  if (first !== null && first.failure !== null) return first;
  if (first !== null && isClear(first.result, world.when)) return { ...first, result: unasked(first.result) };
  const reads = first === null ? await world.openReads() : first.reads;
  const delimiter = before.opened?.delimiter ?? newDelimiter();
  const analysis = before.opened?.analysis ?? first?.result;
  if (analysis === undefined) throw new Error('an investigation gives a result');
  const linked = before.opened?.linked ?? first?.linked ?? [];
  const profile = before.opened?.profile ?? profileOf(world.model.contextTokens);
  const toolbox = await world.openToolbox({
    reads,
    linked,
    firstEvidenceNumber: Math.max(world.firstEvidenceNumber - 1, ...analysis.evidence.map(evidenceNumber)) + 1,
    delimiter,
    profile,
    earlier: before.calls,
  });
  const opened = before.opened ?? (await opening(world, { analysis, linked, delimiter, profile, toolbox }));
  const begun = before.opened === null ? await open(world, opened) : await askedOn(world, before, own);
  return outcomeOf(await converse({ ...world, toolbox }, begun), world, { linked, reads });
}

/** What a person asked on is asked once, however many processes go on with it. */
async function askedOn(
  { followUp, journal }: AgentWorld,
  before: Conversation,
  own: readonly AgentEvent[],
): Promise<Conversation> {
  if (followUp === null || own.some(({ kind }) => kind === 'message')) return before;
  const asked = newEvent('message', { question: followUp.question });
  await journal.append([asked]);
  return withEvent(before, asked);
}

async function opening(
  { goal, values, hints, judged, mask, model, maxOutputTokens, limits }: AgentWorld,
  known: Pick<Opened, 'analysis' | 'linked' | 'delimiter' | 'profile'> & { readonly toolbox: Toolbox },
): Promise<Opened> {
  const { linked, delimiter, profile } = known;
  const { missing, declarations: tools, hasNamedTools } = known.toolbox;
  // What the journal keeps has no Markdown: it follows from the rest.
  const analysis = await mask({ ...known.analysis, masked: maskedSoFar(), report: '' });
  const user = await mask(openingText({ profile, delimiter, goal, values, analysis, missing, hints, hasNamedTools }));
  const evidence = analysis.evidence.map(({ command, excerpt }) => [command, excerpt]);
  const said = judged.map(({ runId, verdict }) => [runId, verdict.at]);
  return {
    model: model.name,
    profile,
    delimiter,
    system: systemText(profile, delimiter),
    user,
    analysis,
    linked,
    evidenceHash: canonicalSha256({
      goal,
      values,
      model: model.name,
      missing,
      evidence,
      ...(said.length === 0 ? {} : { said }),
    }),
    bounds: { contextTokens: model.contextTokens, maxOutputTokens, price: model.price, limits },
    tools,
  };
}

/** Begins the conversation; where an earlier run of the alert saw the same, its answer stands and nobody is asked. */
async function open({ journal, conversationWith }: AgentWorld, opened: Opened): Promise<Conversation> {
  const { evidenceHash } = opened;
  const earlier = await conversationWith(evidenceHash);
  const { closed, calls } = conversationOf(earlier);
  const [first] = earlier;
  const begun = [newEvent('opened', opened)];
  if (closed !== null && first !== undefined) {
    const stands = { ...closed, ended: 'reused' as const, detail: `run ${first.runId}` };
    begun.push(...calls.map((called) => newEvent('called', { ...called, isReused: true })), {
      ...newEvent('closed', stands),
      evidenceHash,
    });
  }
  await journal.append(begun);
  return conversationOf(begun);
}

/** The analyzers' report, which says why there is no model in it. */
function unasked(result: AgentResult): AgentResult {
  const reason = `no model was asked: from ${percent(clearConfidence)} on the analyzers' answer stands`;
  return withReport({ ...result, confidence_reasons: [...result.confidence_reasons, reason] });
}

/** Whether the analyzers' answer is enough. */
function isClear({ root_cause: cause, confidence }: AgentResult, when: AskWhen): boolean {
  return when === 'unclear' && cause !== null && confidence >= clearConfidence;
}

function outcomeOf(
  state: Conversation,
  { model, alert, now, toolGaps }: Pick<AgentWorld, 'model' | 'alert' | 'now' | 'toolGaps'>,
  rest: Pick<InvestigationOutcome, 'linked' | 'reads'>,
): InvestigationOutcome {
  const { opened, closed } = state;
  if (opened === null) throw new Error('a conversation begins with its opening');
  const told = { ...opened.analysis, notice: joined(model.notice ?? null, opened.analysis.notice) };
  const analysis = withGaps(told, toolGaps());
  const evidence = evidenceOf(state);
  const answer = closed?.answer ?? null;
  const checked =
    answer === null ? null : checkReport(answer, knownOf(state, analysis, evidence, alert?.startsAt ?? null));
  const use = useOf(state, checked, model.price !== null);
  const conversation = conversationText(state, now());
  const merged = mergeResults({ ...analysis, conversation }, { model: opened.model, use, checked, evidence });
  const failure = failureOf(closed, use.note);
  const noAnswer = `The model gave no answer: ${use.note} This report comes from the analyzers alone.`;
  const result = checked === null ? withReport({ ...merged, notice: joined(analysis.notice, noAnswer) }) : merged;
  return { result, failure, ...rest };
}

/** What a person asked on and was told; nothing of an investigation that nobody asked about. */
function conversationText({ question, closed }: Conversation, timestamp: Timestamp): AgentResult['conversation'] {
  if (question === null) return [];
  const answer = closed?.answer ?? null;
  return [
    { role: 'user', content: oneLine(question, 1000), timestamp },
    ...(answer === null ? [] : [{ role: 'assistant', content: oneLine(answer.summary, 1000), timestamp }]),
  ];
}

function knownOf(
  state: Conversation,
  analysis: AgentResult,
  evidence: readonly Evidence[],
  startsAt: Timestamp | null,
): Known {
  return {
    evidence: new Map([...analysis.evidence, ...evidence].map((item) => [item.id, item])),
    shown: shownOf(state),
    linked: state.opened?.linked ?? [],
    well: analysis.checked,
    startsAt,
  };
}

/** One notice of several; null where there is none. */
function joined(...notices: readonly (string | null)[]): string | null {
  return notices.filter((notice) => notice !== null).join(' ') || null;
}

/**
 * A model that cannot be asked makes the step fail, and so does a stop: the next attempt goes on with the conversation. Everything
 * else is an answer, if a partial one.
 */
function failureOf(closed: Closed | null, note: string): InvestigationFailure | null {
  if (closed === null) return { code: 'Interrupted', message: endReasons.Aborted, retryable: true };
  if (closed.ended !== 'ModelUnavailable') return null;
  return {
    code: 'ModelUnavailable',
    message: `${endReasons.ModelUnavailable}: ${closed.detail || note}`,
    retryable: true,
  };
}
