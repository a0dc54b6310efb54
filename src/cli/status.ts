import { elapsedText } from '../core/time.ts';
import { plain } from '../lib/printable.ts';
import { plural } from '../lib/words.ts';
import { textWidth } from '../lib/text-width.ts';
import type { AnswerOf } from '../server/routes.ts';
import { answerIsNo } from './failure.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { sizeText } from './size-text.ts';
import { table } from './table.ts';
import type { Column } from './table.ts';
import { wrap } from '../lib/wrap.ts';

type StatusAnswer = AnswerOf<'GET /api/v1/status'>;
type Count = StatusAnswer['runs']['running'];

/** `fist status`: whether fist itself is well. Exit code 0, or 1 where something is wrong. */
export async function status(terminal: Terminal, flags: ServerFlags & { readonly output: string }): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const client = apiClient(flags, terminal);
  const answer = await client.call('GET /api/v1/status', {});
  if (format === 'text') {
    terminal.out(statusText(answer, client.url, terminal));
    for (const { message, next } of answer.problems) tell(terminal, `wrong: ${plain(message)}\n  next: ${plain(next)}`);
  } else await printObject(terminal, format, answer);
  return answer.well ? 0 : answerIsNo;
}

/** One line for each part and each Source and Sink. */
function statusText(status: StatusAnswer, url: string, terminal: Terminal): string {
  const { server, problems } = status;
  const verdict =
    problems.length === 0 ? 'all is well' : problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const rows = [
    { part: 'store', name: status.store.kind, says: storeText(status) },
    ...status.sources.map((source) => ({ part: 'source', name: source.name, says: sourceText(source, server.time) })),
    ...status.sinks.map((sink) => ({ part: 'sink', name: sink.name, says: sinkText(sink, server.time) })),
    { part: 'runs', name: '', says: runsText(status) },
    { part: 'cluster', name: '', says: clusterText(status, server.time) },
    { part: 'model', name: '', says: modelText(status.models) },
  ];
  return `fist ${server.version} at ${url}, ${server.state}: ${verdict}\n${statusTable(rows, terminal)}`;
}

function modelText({ server, workflows }: StatusAnswer['models']): string {
  const named =
    workflows === 0 ? '' : `${plural(workflows, 'Workflow')} ${workflows === 1 ? 'names' : 'name'} one; else `;
  return `${named}${server ?? 'none: the analyzers alone'}`;
}

interface StatusRow {
  readonly part: string;
  readonly name: string;
  readonly says: string;
}

/** What is said of a part goes on in the next line where the terminal is too narrow for it: nothing of it is cut. */
export function statusTable(rows: readonly StatusRow[], terminal: Pick<Terminal, 'columns' | 'colour'>): string {
  const nameWidth = Math.max(...rows.map(({ name }) => textWidth(plain(name))));
  const left = Math.max(leastStatusWidth, (terminal.columns ?? Infinity) - nameWidth - 'cluster'.length - 4);
  const lines = rows.flatMap(({ part, name, says }) =>
    wrap(says, left).map((line, index) =>
      index === 0 ? { part, name, says: line } : { part: '', name: '', says: line },
    ),
  );
  const columns: readonly Column<StatusRow>[] = [
    { heading: 'PART', text: ({ part }) => part },
    { heading: 'NAME', text: ({ name }) => name, cut: 12, keepsEnd: true },
    { heading: 'STATUS', text: ({ says }) => says },
  ];
  return table(lines, columns, { ...terminal, roomy: true });
}

const leastStatusWidth = 30;

function storeText({ store }: StatusAnswer): string {
  const state = store.problem === null ? 'takes writes' : `takes no writes: ${store.problem}`;
  return `${state}, ${sizeText(store.bytes)}, schema ${store.schema}`;
}

function sourceText(source: StatusAnswer['sources'][number], now: string): string {
  const last =
    source.lastEventTime === null ? 'nothing came yet' : `last event ${ageText(source.lastEventTime, now)} ago`;
  const refused = source.refused === 0 ? '' : `, refused ${source.refused} in the last hour (${source.refusedWhy})`;
  return `${readyText(source.ready)}, ${last}${refused}`;
}

function sinkText(sink: StatusAnswer['sinks'][number], now: string): string {
  const last = sink.lastSentTime === null ? 'nothing sent yet' : `last success ${ageText(sink.lastSentTime, now)} ago`;
  const oldest = sink.oldestWaiting === null ? '' : ` (oldest ${ageText(sink.oldestWaiting, now)})`;
  return `${readyText(sink.ready)}, ${last}, ${countText(sink.waiting)} waiting${oldest}, ${countText(sink.failed)} failed in the last hour`;
}

function runsText({ runs }: StatusAnswer): string {
  return `${countText(runs.running)} running, ${countText(runs.waiting)} waiting, ${countText(runs.failed)} failed in the last hour`;
}

function clusterText({ cluster }: StatusAnswer, now: string): string {
  if (cluster === null) return 'none: investigations have nothing to look at';
  const { description, problem, lastFailure } = cluster;
  if (problem !== null) return `${description} does not answer: ${problem}`;
  return `${description} answers${lastFailure === null ? '' : `; last failure ${ageText(lastFailure.at, now)} ago: ${lastFailure.message}`}`;
}

function readyText(ready: boolean): string {
  return ready ? 'ready' : 'not ready';
}

function countText({ count, more }: Count): string {
  return more ? `${count} or more` : String(count);
}

function ageText(time: string, now: string): string {
  return elapsedText(time, Date.parse(now));
}
