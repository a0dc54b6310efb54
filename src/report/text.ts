import type { AgentResult, Finding, Recommendation } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';
import { timeText } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { cutToWidth } from '../lib/text-width.ts';
import { oneLine, printable } from '../lib/printable.ts';
import { capital, plural } from '../lib/words.ts';
import { headLine, headOf } from './head.ts';
import { styled } from '../lib/styled.ts';
import type { Style } from '../lib/styled.ts';
import { wrapText } from './lines.ts';
import { createSaid } from './said.ts';
import type { Said } from './said.ts';
import {
  asciiShape,
  causeText,
  chainLines,
  conversationLines,
  effectOf,
  logLines,
  measuredLines,
  namedText,
  rivalLines,
  timelineLines,
  togetherText,
  verdictLines,
  maskedText,
} from './words.ts';

/** How a report is shown, and what it does not know itself. */
export interface TextView {
  /** The moment for which it says how long the alert fires. */
  readonly now: Timestamp;
  /** Columns to wrap at; 80 where absent. Commands, addresses and the line of an ended alert stay whole. */
  readonly width?: number;
  /** ANSI colours; words say the same without them. */
  readonly colour?: boolean;
  /** Shapes of metrics in ASCII, for a terminal that does not show UTF-8. */
  readonly ascii?: boolean;
  /** Adds the findings and the evidence. */
  readonly evidence?: boolean;
  /** Adds the rules that gave the confidence. */
  readonly explain?: boolean;
  /** The alert as it stands now; that of the report where absent. */
  readonly alert?: JsonObject | null;
  /** What changed since the report was made. */
  readonly note?: string | null;
  /** Where the run is found. */
  readonly run?: { readonly id: string; readonly url: string | null } | null;
  /** Other alerts of the same incident, which are told by this report: `KubePodNotReady pod/shop/web-1`. */
  readonly explains?: readonly string[];
  /** A command of this program, `fist ...`, in the words in which the reader calls it. */
  readonly inWords?: (command: string) => string;
}

const narrowest = 40;
const defaultWidth = 80;
/** Further steps, lines of logs and objects that are also broken; the JSON and the evidence have all of them. */
const mostSteps = 3;
const mostLogLines = 2;
const mostOthers = 3;
const mostMoments = 8;
const mostNamed = 5;

interface Page {
  readonly width: number;
  readonly said: Said;
  readonly paint: (style: Style, text: string) => string;
  readonly inWords: (command: string) => string;
}

/**
 * The report for people: what fires, what happened, the cause, the way to it, what to do, where to look. No more than a
 * screen in the usual case. Text of alerts and clusters is escaped.
 */
export function renderText(report: AgentResult, view: TextView): string {
  const page: Page = {
    width: Math.max(narrowest, view.width ?? defaultWidth),
    said: createSaid(),
    inWords: view.inWords ?? ((command) => command),
    paint: (style, text) => (view.colour === true ? styled(style, text) : text),
  };
  const blocks = [
    headLines(report, view, page),
    conversationLines(report).flatMap((line) => wrapText(line, page.width, '', '  ')),
    [
      ...paragraph(report.happened, page),
      ...paragraph(causeText(report), page),
      ...[...rivalLines(report), ...verdictLines(report)].flatMap((line) => wrapText(line, page.width, '', '  ')),
      ...explained(report, view, page),
    ],
    [...chain(report, page), ...logs(report, page)],
    measured(report, page, view.ascii === true),
    timeline(report, page),
    steps(report, page),
    [...others(report, page), ...unanswered(report, page), ...maskedLines(report, page)],
    links(report, view, page),
    askedModel(report, page),
    ...(view.explain === true ? [titled('Confidence', report.confidence_reasons, page)] : []),
    ...(view.evidence === true ? [findings(report, page), evidence(report, page, view.ascii === true)] : []),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function headLines(report: AgentResult, { alert, now, note }: TextView, { width, paint }: Page): readonly string[] {
  const head = headOf(report, alert ?? report.alert);
  const style: Style = head.status === 'resolved' ? 'green' : head.status === null ? 'bold' : ['red', 'bold'];
  return [
    ...wrapText(headLine(head, now), width, '', '  ').map((line) => paint(style, line)),
    ...(report.recorded === null ? [] : wrapText(report.recorded, width)),
    ...[note ?? null, report.notice].flatMap((text) =>
      text === null ? [] : wrapText(text, width).map((line) => paint('yellow', line)),
    ),
  ];
}

/** What the model did and cost; nothing where none was asked. */
function askedModel({ model, model_use: use }: AgentResult, { width }: Page): readonly string[] {
  if (model === null || use === null) return [];
  return wrapText(`Model: ${oneLine(model, 200)} (${oneLine(use.note, 600).replace(/\.$/, '')}).`, width, '', '  ');
}

function paragraph(text: string, { width, said }: Page): readonly string[] {
  return wrapText(said.once(text), width);
}

/** One line a hop, cut where it is longer. */
function chain(report: AgentResult, { width }: Page): readonly string[] {
  return chainLines(report).map((line) => `  ${cutToWidth(line, width - 2)}`);
}

/** Alerts that were asked about together, and those of the same incident. */
function explained(
  { other_alerts: together, more_alerts: more }: AgentResult,
  { explains = [] }: TextView,
  page: Page,
): readonly string[] {
  return [
    ...wrapText(togetherText(together, more, mostNamed), page.width),
    ...wrapText(namedText('It also explains', explains, mostNamed), page.width),
  ];
}

/** Lines of logs that the sentences did not quote. */
function logs(report: AgentResult, { width, said }: Page): readonly string[] {
  return logLines(report)
    .filter(({ text }) => !said.has(text))
    .slice(0, mostLogLines)
    .flatMap(({ object, text }) => wrapText(`Log of ${object}: ${oneLine(text, 240)}`, width, '  ', '    '));
}

/** What metrics say, each with its shape below. */
function measured(report: AgentResult, { width }: Page, isAscii: boolean): readonly string[] {
  return measuredLines(report).flatMap(({ text, shape }) => [
    ...wrapText(text, width, '', '  '),
    ...(shape === '' ? [] : [`  ${isAscii ? asciiShape(shape) : shape}`]),
  ]);
}

/** When what happened, where metrics say more of it than the sentences. */
function timeline(report: AgentResult, { width, paint }: Page): readonly string[] {
  const { title, lines } = timelineLines(report);
  if (lines.length === 0) return [];
  return [
    paint('bold', title),
    ...lines
      .slice(0, mostMoments)
      .flatMap(({ time, text }) => wrapText(text, width, `  ${time}  `, ' '.repeat(time.length + 4))),
    ...(lines.length > mostMoments ? [`  and ${lines.length - mostMoments} more`] : []),
  ];
}

function steps(report: AgentResult, page: Page): readonly string[] {
  const shown = report.recommendations.slice(0, mostSteps);
  if (shown.length === 0) return [];
  return [
    page.paint('bold', 'What to do'),
    ...shown.flatMap((step, index) => [...stepLines(index + 1, step, page), ...effectLines(step, page)]),
  ];
}

/** A command stays on one line; what is for a person to do is wrapped. */
function stepLines(number: number, { action }: Recommendation, { width, inWords }: Page): readonly string[] {
  return isCommand(action)
    ? [`  ${number}. ${inWords(oneLine(action, 1000))}`]
    : wrapText(action, width, `  ${number}. `, '     ');
}

/** What it does, why, and how to take it back. */
function effectLines(step: Recommendation, { width, said }: Page): readonly string[] {
  // What a rollback takes back, the cause has told.
  const why = step.action.includes(' rollout undo ') ? '' : said.once(step.rationale);
  return [
    ...wrapText(`${sentence(effectOf(step))} ${why}`, width, '     '),
    ...(step.undo === null ? [] : [`     Undo: ${oneLine(step.undo, 1000)}`]),
  ];
}

function sentence(text: string): string {
  return `${capital(text)}.`;
}

export function isCommand(text: string): boolean {
  return /^(?:kubectl|fist|amtool|crictl|journalctl) /.test(text);
}

/** What is also broken, in a line or two. */
function others({ also_broken: broken }: AgentResult, { width }: Page): readonly string[] {
  if (broken.length === 0) return [];
  const named = broken
    .slice(0, mostOthers)
    .map(({ object, happened, category }) => `${object} ${happened ?? category}`);
  const more = broken.length > mostOthers ? `; and ${broken.length - mostOthers} more` : '';
  return wrapText(`Also broken, no link found: ${named.join('; ')}${more}.`, width, '', '  ');
}

/** The first question that was left open, where the answer depends on it. */
function unanswered(
  { open_questions: [first, ...more], confidence }: AgentResult,
  { width, said }: Page,
): readonly string[] {
  if (first === undefined || confidence >= 0.6) return [];
  const rest = more.length === 0 ? '' : ` (${plural(more.length, 'more question')})`;
  return wrapText(`Not answered: ${said.once(oneLine(first, 300))}${rest}`, width, '', '  ');
}

/** That something was masked, so that nobody takes the mask for what was there. */
function maskedLines(report: AgentResult, { width }: Page): readonly string[] {
  const text = maskedText(report);
  return text === null ? [] : wrapText(text, width, '', '  ');
}

function links(
  { links: { runbook, query, silence }, recommendations }: AgentResult,
  { run }: TextView,
  { inWords }: Page,
): readonly string[] {
  const known = (address: string): boolean =>
    recommendations.slice(0, mostSteps).some(({ action }) => action.includes(address));
  const lines: readonly (readonly [string, string | null])[] = [
    ['Run', run === null || run === undefined ? null : (run.url ?? inWords(`fist describe run/${run.id}`))],
    ['Runbook', runbook === null || known(runbook) ? null : runbook],
    ['Query', query === null || known(query) ? null : query],
    ['Silence', silence],
  ];
  return lines.flatMap(([name, value]) => (value === null ? [] : [`${`${name}:`.padEnd(9)}${oneLine(value, 1000)}`]));
}

function titled(title: string, lines: readonly string[], { width, paint }: Page): readonly string[] {
  return lines.length === 0
    ? []
    : [paint('bold', title), ...lines.flatMap((line) => wrapText(line, width, '  ', '    '))];
}

function findings({ findings: found, also_broken: broken }: AgentResult, page: Page): readonly string[] {
  const line = (finding: Finding): string =>
    `${finding.severity} ${finding.category} ${finding.object} [${finding.evidence_ids.join(' ')}]: ${page.said.once(finding.description)}`;
  return titled('Findings', [...found, ...broken].map(line), page);
}

function evidence({ evidence: items }: AgentResult, { paint }: Page, isAscii: boolean): readonly string[] {
  if (items.length === 0) return [];
  return [
    paint('bold', 'Evidence'),
    ...items.flatMap(({ id, kind, command, time, excerpt }) => [
      `  ${id}  ${oneLine(command, 1000)}  (${timeText(time)})`,
      ...printable(isAscii && kind === 'metrics' ? asciiShape(excerpt) : excerpt)
        .split('\n')
        .map((line) => `      ${line}`),
    ]),
  ];
}
