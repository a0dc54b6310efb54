import { readReport } from '../report/read.ts';
import { alertHead, headOf, momentOf } from '../report/head.ts';
import { briefText, endedText, pointerText } from '../report/short.ts';
import type { ToldReport } from '../report/short.ts';
import { renderText } from '../report/text.ts';
import { namedText } from '../report/words.ts';
import { labelledTitle } from '../core/alert.ts';
import type { EventContext } from '../core/delivery.ts';
import type { AgentResult } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';
import type { RunGroup } from '../core/run.ts';
import { timeText } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';

/** The end of the episode that a delivery is about, though it tells what was found while the alert fired. */
export interface Ending {
  readonly resolvedAt: Timestamp | null;
  /** Since when the alert fires again; null = it does not. */
  readonly again: { readonly episode: number; readonly startsAt: Timestamp | null } | null;
  /** Others of its group fire still. */
  readonly othersFire: boolean;
}

/** What a text says beside the event itself. */
export interface TextFacts {
  /** The whole report of the run; null = it made none. */
  readonly report: JsonObject | null;
  readonly ending: Ending | null;
  readonly width: number;
  /** The report of another alert that has told the cause already; null = this one tells it. */
  readonly told: ToldReport | null;
  /** Other alerts of the incident, which this report tells as well. */
  readonly explains: readonly string[];
  /** Of the run; null = it answers for its own alert alone. */
  readonly group: RunGroup | null;
}

/** An event, without what is made of it here. */
type Told = Omit<EventContext, 'text' | 'sameAs'>;

/** What people read of a delivery. Pure. */
export function deliveryText(context: Told, facts: TextFacts): string {
  const { event, alert, workflow, run, timestamp } = context;
  const report = facts.report === null ? null : readReport(facts.report);
  const head = report === null ? alertHead(alert) : headOf(report, alert);
  const view = { now: timestamp, width: facts.width, run };
  if (event === 'alert-resolved') return endedText(head, timestamp, facts.group?.alerts ?? 0);
  if (event === 'run-started') return briefText(head, `Workflow ${workflow.name} looks into it.`, view);
  if (event === 'approval-requested') return briefText(head, `Workflow ${workflow.name} waits for an approval.`, view);
  if (report === null) {
    const words = outcome(context) ?? `Workflow ${workflow.name} made no report.`;
    return briefText(head, [words, othersText(facts.group)].join(' '), view);
  }
  const now = momentOf(head, report.observed_at, timestamp);
  const words = [endingWords(facts.ending), failure(context, report)].filter((part) => part !== null).join(' ');
  const note = words === '' ? null : words;
  if (facts.told !== null) return pointerText(head, report, facts.told, { ...view, now, note });
  return renderText(report, { ...view, now, alert, note, explains: facts.explains });
}

const mostNamed = 5;

/** A run without a report names the others of its group all the same. */
function othersText(group: RunGroup | null): string {
  const { alerts = 0, others = [] } = group ?? {};
  const left = Math.max(0, alerts - others.length);
  return namedText('It is also about', others.map(labelledTitle), mostNamed, left);
}

function endingWords(ending: Ending | null): string | null {
  if (ending === null) return null;
  const { resolvedAt, again, othersFire } = ending;
  const since =
    again !== null
      ? `; it fires again since ${again.startsAt === null ? 'then' : timeText(again.startsAt)}`
      : othersFire
        ? '; others of its group fire still'
        : '';
  return `The alert was resolved${resolvedAt === null ? '' : ` at ${timeText(resolvedAt)}`}, before this report was sent${since}.`;
}

function outcome({ workflow: { name, status, error } }: Told): string | null {
  return status === 'succeeded' ? null : `Workflow ${name} ${status}${error === null ? '' : `: ${error}`}`;
}

/** Why the run failed, where the report does not say it itself. */
function failure(context: Told, { notice }: AgentResult): string | null {
  return notice === null ? outcome(context) : null;
}
