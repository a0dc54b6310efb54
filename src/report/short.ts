import type { AgentResult } from '../core/finding.ts';
import { timeText } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { plural } from '../lib/words.ts';
import { headLine } from './head.ts';
import type { ReportHead } from './head.ts';
import { wrapText } from './lines.ts';
import { causeText } from './words.ts';

/** What people read of a transition that has no report of its own. */
interface ShortView {
  readonly now: Timestamp;
  readonly width: number;
  readonly run: { readonly id: string; readonly url: string | null } | null;
}

/** One line: `RESOLVED critical KubePodCrashLooping pod/shop/web-1 after 25m`; of a group, that the others are over as well. */
export function endedText(head: ReportHead, now: Timestamp, others = 0): string {
  const more = others === 0 ? '' : `, and ${plural(others, 'other alert')} of its group`;
  return `${headLine(head, now)}${more}\n`;
}

/** The head, and a sentence: that it is looked into, that a run failed. */
export function briefText(head: ReportHead, words: string, { now, width, run }: ShortView): string {
  return lines([...wrapText(headLine(head, now), width, '', '  '), ...wrapText(words, width), ...runLine(run)]);
}

/** A report that was told already, for another alert of the same incident. */
export interface ToldReport {
  /** `KubePodCrashLooping pod/shop/web-1`. */
  readonly alert: string;
  readonly at: Timestamp;
  readonly run: ShortView['run'];
}

/**
 * An alert whose cause a report told already: what it is, what changed since (`note`), what went wrong with its own
 * investigation, that the cause is the same, where the report is, and where its own run is.
 */
export function pointerText(
  head: ReportHead,
  report: AgentResult,
  told: ToldReport,
  { now, width, run, note }: ShortView & { readonly note: string | null },
): string {
  const own = [note, report.notice].flatMap((words) => (words === null ? [] : wrapText(words, width)));
  const same = `Same cause as ${oneLine(told.alert, 300)}, reported at ${timeText(told.at)}. ${causeText(report)}`;
  const links = [...runLine(told.run, 'Report:'), ...runLine(run)];
  return lines([...wrapText(headLine(head, now), width, '', '  '), ...own, ...wrapText(same, width), ...links]);
}

function runLine(run: ShortView['run'], title = 'Run:'): readonly string[] {
  return run === null ? [] : [`${title.padEnd(9)}${run.url ?? `fist describe run/${run.id}`}`];
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
