import type { Contents } from '../agent/contents.ts';
import type { ToolCall } from '../agent/message.ts';
import type { AgentEvent, AgentEventKind } from '../core/agent-event.ts';
import { dollarsText } from '../lib/dollars.ts';
import { oneLine, printable } from '../lib/printable.ts';
import { plural } from '../lib/words.ts';

// What happened while a model investigated, as text for a terminal.

/** An event as the API shows it. */
export type TracedEvent = Omit<AgentEvent, 'runId'>;

export interface TraceView {
  /** Shows what was said and answered, too, at most so many characters of each; null = one line for each event. */
  readonly charactersOfText: number | null;
}

/** A text beneath the line of an event. */
interface Said {
  readonly by: string;
  readonly text: string;
}

interface Shown {
  readonly line: string;
  readonly said: readonly Said[];
}

const time = (at: string): string => at.slice(11, 19);

/**
 * The lines of one event; nothing in them moves a cursor or hides anything. `before`: the event that was shown before it.
 */
export function traceLines(event: TracedEvent, before: TracedEvent | undefined, view: TraceView): readonly string[] {
  const { sequence, at, kind } = event;
  const { line, said } = shownOf(event);
  const head = `${String(sequence).padStart(4)}  ${time(at)}  ${kind.padEnd(8)}  ${line}`.trimEnd();
  const texts = view.charactersOfText === null ? [] : said.flatMap((one) => textLines(one, view.charactersOfText ?? 0));
  return [...placeLines(event, before), head, ...texts];
}

/** Where one conversation ends and another begins. */
function placeLines(event: TracedEvent, before: TracedEvent | undefined): readonly string[] {
  if (before === undefined || (before.path === event.path && before.attempt === event.attempt)) return [];
  return before.path === event.path
    ? [`      attempt ${event.attempt} of step ${oneLine(event.path, 60)}`]
    : [`      step ${oneLine(event.path, 60)}`];
}

function textLines({ by, text }: Said, limit: number): readonly string[] {
  const left = text.length - limit;
  const rest = left > 0 ? `\n[... ${left} more characters; --full shows them]` : '';
  const lines = printable(text.slice(0, limit)).trimEnd().split('\n');
  return [`      ${by}:`, ...`${lines.join('\n')}${rest}`.split('\n').map((line) => `      | ${line}`.trimEnd())];
}

type Show<Kind extends AgentEventKind> = (content: Contents[Kind], event: TracedEvent) => Shown;

const shows: { readonly [Kind in AgentEventKind]: Show<Kind> } = {
  opened: ({ model, profile, system, user }) => ({
    line: `${oneLine(model, 100)}, ${profile} prompt`,
    said: [
      { by: 'instructions', text: system },
      { by: 'what is known', text: user },
    ],
  }),
  asked: ({ phase }, event) => ({
    line: `${phases[phase] ?? oneLine(phase, 20)}; reserves ${usedText(event)}`,
    said: [],
  }),
  answered: ({ message, finish, model }, event) => ({
    line: `${answerText(message.calls, finish)}; ${oneLine(model, 100)}, ${usedText(event)}`,
    said: message.text.trim() === '' ? [] : [{ by: 'the model', text: message.text }],
  }),
  failed: ({ reason, message, isLast, model }) => ({
    line: `${reason}, ${isLast ? 'not asked again' : 'asked again'}; ${oneLine(model, 100)}: ${oneLine(message)}`,
    said: [],
  }),
  called: ({ call, result }) => ({
    line: `${callText(call)}: ${resultText(result)}`,
    said: [
      { by: 'asked for', text: call.input },
      { by: 'the answer', text: result.text },
    ],
  }),
  noted: ({ text }) => ({ line: oneLine(text), said: [] }),
  message: ({ question }) => ({ line: oneLine(question), said: [{ by: 'a person', text: question }] }),
  closed: ({ ended, detail, answer }) => ({
    line: [ended, detail]
      .filter((text) => text !== '')
      .map((text) => oneLine(text))
      .join(': '),
    said: answer === null ? [] : [{ by: 'the answer', text: JSON.stringify(answer, null, 2) }],
  }),
};

const phases: Readonly<Record<string, string>> = {
  gather: 'what to look at next',
  close: 'the answer',
  repair: 'the answer again, in its form',
};

function shownOf(event: TracedEvent): Shown {
  const show = shows[event.kind] as Show<AgentEventKind>;
  return show(event.content as never, event);
}

function usedText({ tokens, costMicros }: TracedEvent): string {
  return `${plural(tokens, 'token')}${costMicros === 0 ? '' : `, ${dollarsText(costMicros)}`}`;
}

function answerText(calls: readonly ToolCall[], finish: string): string {
  if (calls.length > 0) return `wants ${calls.map(({ name }) => oneLine(name, 60)).join(', ')}`;
  return finish === 'stop' ? 'in words' : `in words, ended by ${oneLine(finish, 40)}`;
}

function callText({ name, input }: ToolCall): string {
  return `${oneLine(name, 60)} ${oneLine(input, 120)}`.trimEnd();
}

function resultText({ status, reason, evidence, bytes, cached }: Contents['called']['result']): string {
  const parts = [
    reason === null ? status : `${status} (${oneLine(reason, 60)})`,
    ...(evidence === null ? [] : [`${evidence.id}, ${oneLine(evidence.object, 120)}`]),
    ...(cached ? ['as before'] : bytes > 0 ? [plural(bytes, 'byte')] : []),
  ];
  return parts.join(', ');
}
