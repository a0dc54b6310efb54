import { z } from 'zod';
import { AppError } from '../../../core/errors.ts';
import { lastReport } from '../../../core/stored-report.ts';
import type { AgentResult } from '../../../core/finding.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { isFinal } from '../../../core/run.ts';
import type { StepRecord } from '../../../core/run.ts';
import { toTimestamp } from '../../../core/time.ts';
import { oneLine, printableJson } from '../../../lib/printable.ts';
import { shortId } from '../../../lib/short-id.ts';
import { headOf, momentOf } from '../../../report/head.ts';
import { readReport } from '../../../report/read.ts';
import { renderText } from '../../../report/text.ts';
import { mostDataBytes } from '../answer.ts';
import { callRoute } from '../call-route.ts';
import { defineTool } from '../define.ts';
import type { ToolAnswer, ToolWorld } from '../define.ts';
import { runArgument } from '../input.ts';
import { callOf } from '../lines.ts';
import { runWhenDone, waitArgument } from '../when-done.ts';
import type { RunDetail } from '../when-done.ts';
import { alertArgument, readAlert } from './alerts.ts';

const columns = 100;

/** A report and where it is from. */
interface FoundReport {
  readonly kept: JsonObject;
  /** Null: of an alert whose run is no longer known. */
  readonly runId: string | null;
  /** What a person said of its cause. */
  readonly verdict: RunDetail['verdict'];
}

interface WantedReport {
  readonly run: string | undefined;
  readonly alert: string | undefined;
  /** Seconds. */
  readonly wait: number;
}

export const getReport = defineTool({
  name: 'get_report',
  title: 'Read a report',
  description:
    'Reads the report of an investigation: the cause with how sure it is, the way to it, the evidence that it cites, and what to do. Of a run, or the last one about an alert. `text` is what people read; `json` has the findings with the ids of their evidence.',
  effect: 'reads',
  input: z.strictObject({
    run: runArgument.optional(),
    alert: alertArgument.optional(),
    format: z.enum(['text', 'json']).default('text').describe('The report for people, or as JSON.'),
    wait: waitArgument,
    evidence: z.boolean().default(false).describe('text: also the findings and the evidence that they cite.'),
  }),
  async run(world, { run, alert, format, wait, evidence }) {
    const { kept, runId, verdict } = await findReport(world, { run, alert, wait });
    const name = `The report${runId === null ? '' : ` of run ${runId}`}`;
    const said = verdict == null ? '' : ` A person ${verdict} its cause: get_run says more.`;
    const next = runId === null ? [] : nextOf(kept, runId);
    if (format === 'json') {
      const { text, left } = boundedJson(kept);
      return {
        head: `${name} as JSON${left.length === 0 ? '' : `, without ${left.join(', ')}, for which there is no room`}.${said}`,
        data: { origin: 'a report', text, narrow: 'the text is shorter' },
        next,
      };
    }
    const narrow = evidence ? 'ask without evidence' : 'why says the most of it in a screen';
    return {
      head: `${name}.${said}`,
      data: { origin: 'a report', text: reportText(readReport(kept), world, evidence), narrow },
      next,
    };
  },
});

function nextOf(kept: JsonObject, runId: string): readonly string[] {
  const { evidence, model } = readReport(kept);
  const [piece] = evidence;
  return [
    ...(piece === undefined || !/^e\d{1,6}$/.test(piece.id)
      ? []
      : [`${callOf('get_evidence', { run: runId, evidence: piece.id })}: a piece of evidence, whole`]),
    ...(model === null ? [] : [`fist ask run/${shortId(runId)} "...": goes on with the model that wrote it`]),
  ];
}

function reportText(report: AgentResult, { nowMs }: Pick<ToolWorld, 'nowMs'>, evidence: boolean): string {
  const now = momentOf(headOf(report), report.observed_at, toTimestamp(nowMs));
  return renderText(report, { now, width: columns, evidence });
}

async function findReport(world: ToolWorld, { run, alert, wait }: WantedReport): Promise<FoundReport> {
  if ((run === undefined) === (alert === undefined))
    throw new AppError('InvalidInput', 'name either a run or an alert', { field: 'run' });
  return alert === undefined ? reportOfRun(await runWhenDone(world, run ?? '', wait)) : reportOfAlert(world, alert);
}

/** The newest report of a run. Throws NotFound where it made none, or none yet. */
function reportOfRun({ id, status, steps, error, verdict }: RunDetail): FoundReport {
  const kept = lastReport(steps as readonly StepRecord[]);
  if (kept !== null) return { kept, runId: id, verdict };
  const name = `run ${id}`;
  if (!isFinal(status))
    throw new AppError('NotFound', `${name} is ${status} and has no report yet`, {
      next: callOf('get_report', { run: id, wait: 30 }),
    });
  throw new AppError('NotFound', `${name} ${status} without a report${error === null ? '' : `: ${oneLine(error)}`}`, {
    next: callOf('get_run', { run: id }),
  });
}

async function reportOfAlert(world: ToolWorld, key: string): Promise<FoundReport> {
  const { id, aiAnalysis, runs } = await readAlert(world, key);
  if (aiAnalysis === null)
    throw new AppError('NotFound', `alert ${id} has no report`, { next: `${callOf('why', { alert: id })} says why` });
  const of = runs.find(({ status }) => isFinal(status));
  const run = of === undefined ? null : await runWhenDone(world, of.id, 0);
  return { kept: aiAnalysis as JsonObject, runId: run?.id ?? null, verdict: run?.verdict ?? null };
}

/** What is left out first where a report is too long: what other tools show, then what matters least. */
const leftOut = ['report', 'evidence', 'actions_taken', 'conversation', 'measurements', 'gaps', 'also_broken'] as const;

/** A report as JSON that fits; the Markdown, which says the same, never stands in it. */
function boundedJson(kept: JsonObject): { readonly text: string; readonly left: readonly string[] } {
  const rest: Record<string, JsonValue> = { ...kept };
  const left: string[] = [];
  for (const field of leftOut) {
    if (field !== 'report') {
      const text = jsonOf(rest);
      if (Buffer.byteLength(text) <= mostDataBytes) return { text, left };
      left.push(field);
    }
    delete rest[field];
  }
  return { text: jsonOf(rest), left };
}

function jsonOf(value: JsonObject): string {
  return printableJson(JSON.stringify(value, null, 1));
}

export const getEvidence = defineTool({
  name: 'get_evidence',
  title: 'Read a piece of evidence',
  description:
    'Reads one piece of evidence of a run: what was looked at, when, the command that shows it again, and the part that matters (of a log, an object, events or metrics), redacted.',
  effect: 'reads',
  input: z.strictObject({
    run: runArgument,
    evidence: z.string().min(1).max(20).describe('Its id within the run: `e1`.'),
  }),
  async run({ api }, { run: key, evidence: wanted }): Promise<ToolAnswer> {
    const { id, evidence } = await callRoute(api, 'GET /api/v1/runs/:id', { params: { id: key } });
    const piece = evidence.find((one) => one.id === wanted.toLowerCase());
    if (piece === undefined) {
      const last = evidence.at(-1)?.id;
      const there = last === undefined ? 'it has none' : `it has ${evidence.length}, the last is ${last}`;
      throw new AppError('NotFound', `run ${id} has no evidence ${JSON.stringify(wanted)}: ${there}`, {
        field: 'evidence',
        next: callOf('get_run', { run: id }),
      });
    }
    const { kind, object, command, time, excerpt } = piece;
    return {
      head: `Evidence ${piece.id} of run ${id}.`,
      data: {
        origin: 'the cluster, as it was read',
        text: [`${kind} of ${object}, ${time}`, `shown again by: ${command}`, '', excerpt].join('\n'),
        narrow: '',
      },
      next: [],
    };
  },
});
