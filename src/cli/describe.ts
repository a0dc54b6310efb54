import type { AlertTransition } from '../core/alert.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { Evidence, RunRecord, StepRecord } from '../core/run.ts';
import { inWordsOf } from './called-as.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { deliveryState, deliveryText } from './delivery-text.ts';
import { meantBy, readObject } from './find-alert.ts';
import { objectsOf } from './nouns/index.ts';
import type { AnyNoun, NamedObject } from './nouns/index.ts';
import type { AgentResult } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';
import { toTimestamp } from '../core/time.ts';
import { plain } from '../lib/printable.ts';
import { objectText, outputFormat } from './output.ts';
import { readReport } from '../report/read.ts';
import { renderText } from '../report/text.ts';
import { watchChanges } from './watch.ts';
import { checkTold } from './watch-list.ts';
import { shortId } from '../lib/short-id.ts';
import { whyOf } from './why-answer.ts';
import type { AlertDetail, Why } from './why-answer.ts';
import { whyLines } from './why-text.ts';
import type { Terminal } from './output.ts';

interface RunDetail extends RunRecord {
  readonly steps: readonly StepRecord[];
  readonly evidence: readonly Evidence[];
  readonly deliveries: readonly DeliveryRecord[];
}

/** How a report of a run is shown. */
interface DetailView {
  readonly width?: number;
  readonly evidence: boolean;
}

type TextOf = (detail: never, view: DetailView) => string;

/** How a noun is shown as text, by its singular; others are shown as YAML. */
const texts: ReadonlyMap<string, TextOf> = new Map<string, TextOf>([
  ['run', runText],
  ['alert', alertText],
  ['delivery', deliveryText],
]);

interface DescribeFlags extends ServerFlags {
  readonly output: string;
  readonly watch?: boolean;
  readonly evidence?: boolean;
}

/** `fist describe NOUN/KEY...` or `NOUN KEY...`: each with all that belongs to it; with `--watch` again at each change. */
export async function describe(terminal: Terminal, flags: DescribeFlags, ...words: string[]): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const named = objectsOf(words);
  if (flags.watch === true) for (const { noun, key } of named) checkTold(noun, `describe ${noun.singular}/${key}`);
  const client = apiClient(flags, terminal);
  const objects = await Promise.all(named.map((object) => meantBy(client, object)));
  const read = async () => {
    const details = await Promise.all(objects.map((object) => readObject(client, object)));
    if (format !== 'text') return objectText(format, details.length === 1 ? details[0] : { items: details });
    const texts = objects.map(({ noun }, index) => textOf(terminal, noun, details[index], flags.evidence === true));
    return (await Promise.all(texts)).join(separator);
  };
  if (flags.watch !== true) {
    terminal.out(await read());
    return 0;
  }
  let shown = '';
  return watchChanges(terminal, client, streamOf(objects), async () => {
    const text = await read();
    if (text === shown) return;
    terminal.out(shown === '' ? text : separator + text);
    shown = text;
  });
}

const separator = '\n---\n\n';

async function textOf(terminal: Terminal, noun: AnyNoun, detail: unknown, evidence: boolean): Promise<string> {
  const text = texts.get(noun.singular);
  const { columns } = terminal;
  const view = { evidence, ...(columns === undefined ? {} : { width: columns }) };
  return text === undefined ? objectText('yaml', detail) : asCalled(terminal, text(detail as never, view));
}

/** The changes of one thing, or all. */
function streamOf([first, ...others]: readonly NamedObject[]): string {
  if (first === undefined || others.length > 0) return '/api/v1/stream';
  return `/api/v1/stream?${first.noun.singular}=${encodeURIComponent(first.key)}`;
}

/** Only lines that say what to do next: the rest may quote what others wrote. */
function asCalled({ called }: Terminal, text: string): string {
  return text.replace(/^Next {2,}.*$/gm, (line) => inWordsOf(called, line));
}

function runText(run: RunDetail, view: DetailView): string {
  const lines = [
    `Run        ${run.id}`,
    `Workflow   ${run.namespace}/${run.name}`,
    `Status     ${run.status}${run.waitingFor === null ? '' : `, waits for ${run.waitingFor}`}`,
    `Trigger    ${run.triggerSource}${run.input.alert === null ? '' : `, alert ${plain(run.input.alert.name)} (alert/${run.input.alert.id}, episode ${run.input.alert.episode})`}`,
    `Times      created ${run.createdAt}, started ${run.startedAt ?? '-'}, completed ${run.completedAt ?? '-'}`,
    ...(run.errorCode === null ? [] : [`Error      ${run.errorCode}: ${plain(run.error ?? '')}`]),
    ...(run.status === 'failed' ? [`Next       fist retry run/${run.id}, once the reason is gone`] : []),
    ...(run.cancelRequestedAt === null
      ? []
      : [`Cancelled  ${run.cancelRequestedAt}: ${plain(run.cancelReason ?? '')}`]),
    '',
    'Steps',
    ...run.steps.map(stepLine),
    ...(run.steps.length === 0 ? [run.completedAt === null ? '  none yet' : '  none'] : []),
    ...outputLines(run),
    '',
    'Evidence',
    ...run.evidence.map((evidence) => `  ${evidence.id}  ${plain(evidence.object)}  ${plain(evidence.command)}`),
    ...(run.evidence.length === 0 ? ['  none'] : []),
    '',
    'Deliveries',
    ...run.deliveries.map((delivery) =>
      `  delivery/${delivery.id}  ${delivery.sinkName}  ${delivery.event}  ${deliveryState(delivery)}  ${plain(delivery.error ?? '')}`.trimEnd(),
    ),
    ...(run.deliveries.length === 0 ? ['  none'] : []),
  ];
  const report = run.steps.map(reportOf).findLast((result) => result !== null);
  return `${lines.join('\n')}\n${report == null ? '' : `\n${renderText(report, { ...view, now: toTimestamp(Date.now()) })}`}`;
}

/** The report that a step made, if it made one. */
function reportOf({ result }: StepRecord): AgentResult | null {
  const kept = result as JsonObject | null;
  return typeof kept?.['report'] === 'string' ? readReport(kept) : null;
}

function stepLine(step: StepRecord): string {
  const milliseconds =
    step.startedAt === null || step.completedAt === null
      ? ''
      : `  ${Date.parse(step.completedAt) - Date.parse(step.startedAt)} ms`;
  const failure = step.errorCode === null ? '' : `  ${step.errorCode}: ${plain(step.error ?? '')}`;
  return `  ${step.path}  ${step.name} (${step.type})  ${step.status}  attempt ${step.attempt}${milliseconds}${failure}`;
}

function outputLines(run: RunDetail): readonly string[] {
  const outputs = Object.entries(run.outputs);
  return outputs.length === 0
    ? []
    : [
        '',
        'Outputs',
        ...outputs.map(
          ([name, value]) => `  ${name}  ${plain(typeof value === 'string' ? value : JSON.stringify(value))}`,
        ),
      ];
}

/** What `fist why` says, then all that belongs to it. */
function alertText(alert: AlertDetail, { width }: DetailView): string {
  const why = whyOf(alert);
  return [
    ...whyLines(why, alert, Date.now(), width),
    '',
    `Alert      alert/${alert.id}`,
    `Status     ${alert.status}${alert.status === 'escalated' ? ' (investigated, still firing)' : ''}`,
    ...(alert.mutedReason === null
      ? []
      : [`No run     ${alert.mutedReason}${alert.mutedUntil === null ? '' : `, decided anew at ${alert.mutedUntil}`}`]),
    `Source     ${alert.namespace}/${alert.source}`,
    `Times      starts ${alert.startsAt ?? '-'}, ends ${alert.endsAt ?? '-'}, last received ${alert.lastReceivedAt}`,
    `Summary    ${plain(alert.summary ?? '-')}`,
    `Details    ${plain(alert.description ?? '-')}`,
    ...titled(
      'Labels',
      Object.entries(alert.labels).map(([name, value]) => `${plain(name)}=${plain(value)}`),
    ),
    ...titled('History', alert.transitions.map(transitionLine)),
    ...titled(
      'Runs',
      alert.runs.map((run) => `run/${shortId(run.id)}  ${run.name}  ${run.status}  ${run.createdAt}`),
    ),
    ...titled(
      'Deliveries',
      alert.deliveries.map((delivery) =>
        `delivery/${shortId(delivery.id)}  ${delivery.sinkName}  ${delivery.event}  ${deliveryState(delivery)}  ${plain(delivery.error ?? '')}`.trimEnd(),
      ),
    ),
    '',
    `Next       ${nextOf(why)}`,
    '',
  ].join('\n');
}

/** Whoever reads this has the alert before them: what leads here leads on to the run. */
function nextOf({ next, run, alert }: Why): string {
  const isHere = next === `fist describe alert/${shortId(alert.id)}`;
  return isHere && run !== null ? `fist describe run/${shortId(run.id)} --evidence` : plain(next);
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return ['', title, ...(lines.length === 0 ? ['  none'] : lines.map((line) => `  ${line}`))];
}

function transitionLine({ at, episode, fromStatus, toStatus, reason }: AlertTransition): string {
  return `${at}  episode ${episode}  ${fromStatus ?? '-'} -> ${toStatus}  ${reason}`;
}
