import { replayModel } from '../../agent/models/replay.ts';
import { investigateWithModel } from '../../agent/run.ts';
import { conversationOf } from '../../agent/conversation.ts';
import type { Called, Opened } from '../../agent/contents.ts';
import type { Toolbox } from '../../agent/toolbox.ts';
import type { ExecutedCall } from '../../agent/tools/define.ts';
import type { ToolCall } from '../../agent/message.ts';
import type { AgentEvent, FollowUp } from '../../core/agent-event.ts';
import { AppError } from '../../core/errors.ts';
import type { AgentResult } from '../../core/finding.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import { withEarlierVerdicts } from '../../investigation/earlier-verdicts.ts';
import { canonicalJson } from '../../lib/hash.ts';
import { memoryJournal } from '../asked-model.ts';
import { differencesOf } from './differences.ts';
import type { Difference } from './differences.ts';
import { recordingOf } from './recording.ts';

/** A conversation as a server has it. */
export interface StoredConversation {
  /** Of one agent step, in their order. */
  readonly events: readonly AgentEvent[];
  /** Where a person asked on about another one. */
  readonly followUp: FollowUp | null;
  readonly alert: AlertSnapshot | null;
  /** The report that came of it; null = none did. */
  readonly report: AgentResult | null;
}

export interface Replay {
  readonly report: AgentResult;
  /** What today's code makes of it; empty: the same as then. */
  readonly differences: readonly Difference[];
  /** Calls that nobody made then, so that their answer is not known. */
  readonly unknownCalls: number;
  readonly events: readonly AgentEvent[];
}

/**
 * Leads a conversation again with today's code: the model answers what it answered, tools what they answered, and nobody else is
 * asked. Throws Conflict where no model was asked.
 */
export async function replayConversation(stored: StoredConversation): Promise<Replay> {
  const { events, followUp, alert, report } = stored;
  const { opened } = conversationOf([...(followUp?.events ?? []), ...events]);
  if (opened === null || !events.some(({ kind }) => kind === 'asked'))
    throw new AppError('Conflict', 'no model was asked in this conversation, so there is nothing to replay');
  const recording = recordingOf(opened, events);
  const { model } = replayModel(recording);
  const tools = recordedTools(opened, conversationOf(events).calls, events);
  const [first] = events;
  const now = () => first?.at ?? '';
  const journal = memoryJournal(now, followUp === null ? events.filter(({ kind }) => kind === 'opened') : []);
  const { signal } = new AbortController();
  const outcome = await investigateWithModel({
    model,
    maxOutputTokens: opened.bounds.maxOutputTokens,
    requestTimeoutMs: 60_000,
    journal,
    conversationWith: async () => [],
    followUp,
    limits: opened.bounds.limits,
    refusal: refusalOf(events),
    alert,
    when: 'always',
    goal: '',
    values: [],
    firstEvidenceNumber: 1,
    investigate: () => Promise.reject(new Error('the conversation is open')),
    mask: async (data) => data,
    openReads: async () => null,
    openToolbox: async () => tools.toolbox,
    toolGaps: () => gapsOfTools(opened, report),
    hints: [],
    judged: [],
    now,
    signal,
  });
  // What people had said by then stands in the report alone.
  const told = withEarlierVerdicts(outcome.result, report?.earlier_verdicts ?? []);
  const result = JSON.parse(JSON.stringify(told)) as AgentResult;
  return {
    report: result,
    differences: report === null ? [] : differencesOf(report, result),
    unknownCalls: tools.unknownCalls(),
    events: await journal.events(),
  };
}

/** The budgets above the step answer what they answered, in its order: each request was asked for, or refused. */
function refusalOf(events: readonly AgentEvent[]): () => Promise<string | null> {
  const answers = events.flatMap(({ kind, content }): readonly (string | null)[] => {
    if (kind === 'asked') return [null];
    const { what, text, ended, detail } = content;
    if (kind === 'noted' && what === 'out-of-budget') return [typeof text === 'string' ? text : ''];
    return kind === 'closed' && ended === 'BudgetExceeded' ? [typeof detail === 'string' ? detail : ''] : [];
  });
  let next = 0;
  return async () => answers[next++] ?? answers.at(-1) ?? null;
}

/** What tools could not do is in the report alone. */
function gapsOfTools({ analysis }: Opened, report: AgentResult | null): AgentResult['gaps'] {
  const known = new Set(analysis.gaps.map((gap) => JSON.stringify(gap)));
  return (report?.gaps ?? []).filter((gap) => !known.has(JSON.stringify(gap)));
}

/** Tools that answer what they answered then. */
function recordedTools(
  { tools }: Opened,
  calls: readonly Called[],
  events: readonly AgentEvent[],
): { readonly toolbox: Toolbox; readonly unknownCalls: () => number } {
  const byId = new Map(calls.map((called) => [called.call.id, called.result] as const));
  const byInput = new Map(calls.map((called) => [keyOf(called.call), called.result] as const));
  let unknownCalls = 0;
  const gathers = events.some(({ kind, content }) => kind === 'asked' && content['phase'] === 'gather');
  return {
    unknownCalls: () => unknownCalls,
    toolbox: {
      // None where it never gathered: then it was asked for the answer at once.
      declarations: gathers ? tools : [],
      hasNamedTools: false,
      missing: [],
      async execute(call) {
        const known = byId.get(call.id) ?? byInput.get(keyOf(call));
        if (known !== undefined) return known;
        unknownCalls += 1;
        return unknown;
      },
    },
  };
}

function keyOf({ name, input }: ToolCall): string {
  try {
    return `${name} ${canonicalJson(JSON.parse(input))}`;
  } catch {
    return `${name} ${input}`;
  }
}

const unknown: ExecutedCall = {
  status: 'error',
  text: 'This call was not made then.',
  command: null,
  evidence: null,
  bytes: 0,
  reason: 'NotRecorded',
  cached: false,
  durationMs: 0,
};
