import { fullName } from '../core/run.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { AgentResult } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';
import type { Evidence, RunRecord, StepRecord } from '../core/run.ts';
import { secondsText, timeText, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import type { VerdictRecord } from '../core/verdict.ts';
import { dollarsText } from '../lib/dollars.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { plural } from '../lib/words.ts';
import { headOf, momentOf } from '../report/head.ts';
import { readReport } from '../report/read.ts';
import { renderText } from '../report/text.ts';
import { inWordsOf } from './called-as.ts';
import { deliveryColumns } from './delivery-text.ts';
import { fieldLines, titledTable } from './detail-text.ts';
import type { DetailView } from './detail-text.ts';
import { verdictText } from './judge.ts';
import { styleOf } from './nouns/columns.ts';
import type { Column } from './table.ts';

/** A run as the API shows it. */
export interface RunDetail extends RunRecord {
  readonly steps: readonly StepRecord[];
  readonly evidence: readonly Evidence[];
  readonly deliveries: readonly DeliveryRecord[];
  /** What people said of its report, oldest first; servers of earlier versions do not say. */
  readonly verdicts?: readonly Pick<VerdictRecord, 'verdict' | 'cause' | 'note' | 'by' | 'at'>[];
}

/** What `fist describe run/ID` prints: the run, its steps, evidence and deliveries, and the report that it made. */
export function runText(run: RunDetail, view: DetailView): string {
  const report = runReportText(run, view);
  const outputs = Object.entries(run.outputs);
  const lines = [
    ...fieldLines(
      [
        ['Run', run.id],
        ['Workflow', fullName(run)],
        ['Status', `${run.status}${run.waitingFor === null ? '' : `, waits for ${run.waitingFor}`}`],
        ['Trigger', triggerText(run)],
        ['Group', groupText(run)],
        ['Parent', parentText(run)],
        ['Question', questionText(run)],
        ['Created', timeText(run.createdAt)],
        ['Started', run.startedAt === null ? null : timeText(run.startedAt)],
        ['Completed', run.completedAt === null ? null : timeText(run.completedAt) + tookText(run)],
        ['Model', modelText(run)],
        ['Verdict', verdictsText(run)],
        ['Error', run.errorCode === null ? null : `${run.errorCode}: ${run.error ?? ''}`],
        ['Next', run.status === 'failed' ? `fist retry run/${shortId(run.id)}, once the reason is gone` : null],
        [
          'Cancelled',
          run.cancelRequestedAt === null ? null : `${timeText(run.cancelRequestedAt)}: ${run.cancelReason ?? ''}`,
        ],
      ],
      view,
    ),
    ...titledTable('Steps', run.steps, stepColumns, view, run.completedAt === null ? 'none yet' : 'none'),
    ...(outputs.length === 0 ? [] : titledTable('Outputs', outputs, outputColumns, view)),
    ...titledTable('Evidence', run.evidence, evidenceColumns, view),
    ...titledTable('Deliveries', run.deliveries, deliveryColumns, view),
  ];
  return `${lines.join('\n')}\n${report === null ? '' : `\n${report}`}`;
}

/** The report that a run made; null = it made none. */
export function runReportText({ steps }: Pick<RunDetail, 'steps'>, view: DetailView): string | null {
  const report = reportOfRun({ steps });
  return report === null ? null : reportText(report, view);
}

/** The newest report of its steps; null = it made none. */
export function reportOfRun({ steps }: Pick<RunDetail, 'steps'>): AgentResult | null {
  return steps.map(reportOf).findLast((result) => result !== null) ?? null;
}

/** A report for people. */
export function reportText(
  report: AgentResult,
  { columns, colour, called, evidence, ascii = false, nowMs }: DetailView,
): string {
  return renderText(report, {
    now: momentOf(headOf(report), report.observed_at, toTimestamp(nowMs)),
    colour,
    evidence,
    ascii,
    inWords: (command) => inWordsOf(called, command),
    ...(columns === undefined ? {} : { width: columns }),
  });
}

/** The report that a step made, if it made one. */
function reportOf({ result }: StepRecord): AgentResult | null {
  const kept = result as JsonObject | null;
  return typeof kept?.['report'] === 'string' ? readReport(kept) : null;
}

function triggerText({ triggerSource, input: { alert, source, data } }: RunDetail): string {
  if (alert === null) {
    const due = data?.['scheduledAt'];
    const missed = data?.['missed'];
    const who = data?.['user'];
    const asked = source.type === 'chat' && typeof who === 'string' ? `, asked by ${plain(who)}` : '';
    const isLate = typeof missed === 'number' && missed > 0;
    return `${source.type} ${triggerSource}${typeof due === 'string' ? `, due ${timeText(due)}` : ''}${isLate ? `, after ${missed} that were missed` : ''}${asked}`;
  }
  return `${triggerSource}, alert ${alert.name} (alert/${shortId(alert.id)}, episode ${alert.episode})`;
}

/** What models used for it; null = none was asked. */
function modelText({ id, agentEvents, modelTokens, modelCostMicros }: RunDetail): string | null {
  if (agentEvents === 0) return null;
  const cost = modelCostMicros === 0 ? '' : `, ${dollarsText(modelCostMicros)}`;
  return `${plural(modelTokens, 'token')}${cost}; fist trace run/${shortId(id)}`;
}

/** What was said last, and how often it was said otherwise before; null = nobody said anything. */
function verdictsText({ verdicts = [] }: RunDetail): string | null {
  const last = verdicts.at(-1);
  if (last === undefined) return null;
  const earlier = verdicts.length === 1 ? '' : ` (after ${plural(verdicts.length - 1, 'earlier verdict')})`;
  return `${verdictText(last)}${earlier}`;
}

/** `namespace=shop, with 12 other alerts`. */
function groupText({ input: { group } }: RunDetail): string | null {
  if (group === undefined) return null;
  const labels = Object.entries(group.labels).map(([name, value]) => `${name}=${plain(value)}`);
  const others = group.alerts === undefined ? '' : `, with ${plural(group.alerts, 'other alert')}`;
  return `${labels.join(', ')}${others}`;
}

function parentText({ input: { parent } }: RunDetail): string | null {
  if (parent === undefined) return null;
  return `run/${shortId(parent.runId)} of Workflow ${parent.workflows.join(', then ')}`;
}

function questionText({ input: { followUp } }: RunDetail): string | null {
  if (followUp === undefined) return null;
  const { runId, question, by } = followUp;
  return `${plain(question)} (about run/${shortId(runId)}${by === null ? '' : `, by ${plain(by)}`})`;
}

function tookText({ startedAt, completedAt }: RunDetail): string {
  const took = secondsBetween(startedAt, completedAt);
  return took === '' ? '' : `, after ${took}`;
}

function secondsBetween(from: Timestamp | null, to: Timestamp | null): string {
  return from === null || to === null ? '' : secondsText(Date.parse(to) - Date.parse(from));
}

const stepColumns: readonly Column<StepRecord>[] = [
  { heading: 'STEP', text: ({ path }) => path },
  { heading: 'NAME', text: ({ name }) => name, cut: 12 },
  { heading: 'TYPE', text: ({ type }) => type },
  { heading: 'STATUS', text: ({ status }) => status, style: ({ status }) => styleOf(status) },
  { heading: 'ATTEMPT', text: ({ attempt }) => String(attempt) },
  { heading: 'TOOK', text: ({ startedAt, completedAt }) => secondsBetween(startedAt, completedAt) },
  {
    heading: 'ERROR',
    text: ({ errorCode, error }) => (errorCode === null ? '' : `${errorCode}: ${error ?? ''}`),
    cut: 20,
  },
];

const outputColumns: readonly Column<[string, unknown]>[] = [
  { heading: 'NAME', text: ([name]) => name },
  { heading: 'VALUE', text: ([, value]) => (typeof value === 'string' ? value : JSON.stringify(value)), cut: 20 },
];

const evidenceColumns: readonly Column<Evidence>[] = [
  { heading: 'ID', text: ({ id }) => id },
  { heading: 'OBJECT', text: ({ object }) => object, cut: 16, keepsEnd: true },
  { heading: 'COMMAND', text: ({ command }) => command, cut: 20 },
];
