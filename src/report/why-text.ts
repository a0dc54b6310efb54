import { elapsedText, timeText, toTimestamp } from '../core/time.ts';
import { shortId } from '../lib/short-id.ts';
import { cutMiddle, cutToWidth } from '../lib/text-width.ts';
import { headLine } from './head.ts';
import type { ReportHead } from './head.ts';
import { wrapText } from './lines.ts';
import { isCommand } from './text.ts';
import type { AlertDetail, Why } from './why.ts';
import type { FirstStep } from './words.ts';

/** Lines of each part; together, and with the next command, the tight ones stay within a screen of 25. */
const most = { head: 3, answer: 5, chain: 4, evidence: 2, step: 2 } as const;
const tight: Most = { ...most, head: 2, answer: 4, evidence: 1 };
const mostLines = 24;
const leastName = 12;

type Most = { readonly [part in keyof typeof most]: number };
const defaultColumns = 80;

/** How it is shown. */
interface WhyView {
  /** Absent = 80. */
  readonly columns?: number;
  readonly nowMs: number;
  /** A command of this program, `fist ...`, in the words in which the reader calls it. */
  readonly inWords?: (command: string) => string;
}

/** What `fist why` prints, and the head of `fist describe alert`. */
export function whyLines(why: Why, alert: AlertDetail, view: WhyView): readonly string[] {
  const lines = partsOf(why, alert, view, most);
  return lines.length <= mostLines ? lines : partsOf(why, alert, view, tight);
}

function partsOf(
  why: Why,
  alert: AlertDetail,
  { nowMs, columns = defaultColumns, inWords = (command) => command }: WhyView,
  most: Most,
): readonly string[] {
  const { answer, chain, evidence, firstStep } = why;
  return [
    ...wrapped(headLine(headOf(alert, columns), toTimestamp(nowMs)), columns, most.head),
    cutToWidth(timesLine(alert, nowMs), columns),
    '',
    ...atMost(within(wrapText(answer, columns), columns), most.answer),
    ...block(ends(chain).map((line) => cutToWidth(`  ${line}`, columns))),
    ...block(
      evidence.flatMap(({ id, line }) => wrapped(line, columns, most.evidence, `  ${id.padEnd(4)}`, '      ')),
      'Evidence',
    ),
    ...block(firstStep === null ? [] : stepLines(firstStep, columns, inWords), 'First step'),
    ...block(why.run === null ? [] : [runLine(why.run, alert, nowMs)]),
  ];
}

/** The first and the last hops of a long way. */
function ends(chain: readonly string[]): readonly string[] {
  return chain.length <= most.chain ? chain : [...chain.slice(0, 1), '...', ...chain.slice(2 - most.chain)];
}

/** A command stays alone on its line, so that it can be copied. */
function stepLines(
  { action, effect }: FirstStep,
  columns: number,
  inWords: (command: string) => string,
): readonly string[] {
  return isCommand(action)
    ? [`  ${inWords(action)}`, cutToWidth(`  (${effect})`, columns)]
    : atMost(within(wrapText(`${action} (${effect})`, columns, '  '), columns), most.step);
}

/** A name that would fill a line by itself is cut, so that how long it lasts is still to be seen. */
function headOf(alert: AlertDetail, columns: number): ReportHead {
  const { status, severity, name, object, since, endsAt, labels } = alert;
  return {
    status: status === 'resolved' ? 'resolved' : 'firing',
    severity,
    name: cutToWidth(name, Math.max(leastName, columns - 24)),
    object: cutMiddle(object ?? '', Math.max(leastName, columns - 16)),
    cluster: labels['cluster'] ?? null,
    startsAt: since,
    endsAt,
  };
}

function timesLine({ since, status, resolvedAt, episode, receiveCount }: AlertDetail, nowMs: number): string {
  const times = receiveCount === 1 ? 'once' : `${receiveCount} times`;
  const when =
    status === 'resolved' && resolvedAt !== null
      ? `resolved ${timeText(resolvedAt)}, ${elapsedText(resolvedAt, nowMs)} ago`
      : `since ${timeText(since)}`;
  return `${when}, episode ${episode}, received ${times}`;
}

function runLine({ id, status }: NonNullable<Why['run']>, { runs }: AlertDetail, nowMs: number): string {
  const [run] = runs;
  const at = run?.completedAt ?? run?.createdAt;
  return `Run  run/${shortId(id)} ${status}${at === undefined ? '' : `, ${elapsedText(at, nowMs)} ago`}`;
}

/** Lines under a title, an empty line before them; nothing where there are none. */
function block(lines: readonly string[], title?: string): readonly string[] {
  if (lines.length === 0) return [];
  return ['', ...(title === undefined ? [] : [title]), ...lines];
}

/** At most so many lines, none wider than the terminal; the last one is cut where there is more. */
function wrapped(text: string, columns: number, count: number, indent = '', hang = '  '): readonly string[] {
  const lines = wrapText(text, columns, indent, hang);
  const [last = '', ...rest] = lines.slice(count - 1);
  const kept = [...lines.slice(0, count - 1), [last, ...rest.map((line) => line.trim())].join(' ')];
  return kept.filter((line) => line !== '').map((line) => cutToWidth(line, columns));
}

/** Words that are longer than a line stay whole; what stands further in does not. */
function within(lines: readonly string[], columns: number): readonly string[] {
  return lines.map((line) => (/^ {4}/.test(line) ? cutToWidth(line, columns) : line));
}

function atMost(lines: readonly string[], count: number): readonly string[] {
  return lines.length <= count ? lines : [...lines.slice(0, count - 1), `${lines[count - 1] ?? ''} ...`];
}
