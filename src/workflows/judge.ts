import { lastReport } from '../core/stored-report.ts';
import type { AgentResult } from '../core/finding.ts';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { SaidVerdict } from '../core/ports.ts';
import { isFinal } from '../core/run.ts';
import type { RunRecord } from '../core/run.ts';
import type { StoreTransaction } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import { standingVerdicts } from '../core/verdict.ts';
import type { JudgedReport, Verdict, VerdictRecord } from '../core/verdict.ts';
import { namedObjects } from '../investigation/labels.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { shortId } from '../lib/short-id.ts';

/** What a person said, and whether anything was written: who says the same again changes nothing. */
export interface Judgement {
  readonly record: VerdictRecord;
  readonly isNew: boolean;
}

/** Writes what a person says of the report of a run. Throws NotFound and Conflict. */
export async function judgeRun(tx: StoreTransaction, said: SaidVerdict, now: Timestamp): Promise<Judgement> {
  const run = await tx.runs.findLocked(said.runId);
  if (run === undefined) throw new AppError('NotFound', `there is no run ${said.runId}`, { next: 'fist get runs' });
  const report = isFinal(run.status) ? lastReport(await tx.runs.steps(run.id)) : null;
  const earlier = await tx.learned.verdictsOf([run.id]);
  const standing = standingVerdicts(earlier).get(run.id) ?? null;
  const judged = judgedReport(report, run.completedAt ?? now);
  const refusal = refusalOfVerdict(said.verdict, { run, report, judged, cause: said.cause, standing });
  if (refusal !== null) throw new AppError('Conflict', refusal.message, { next: refusal.next });
  const words: Verdict = {
    verdict: said.verdict,
    cause: safe(said.cause),
    note: safe(said.note),
    by: safe(said.by),
  };
  if (standing !== null && isSame(standing, words)) return { record: standing, isNew: false };
  const about = run.input.alert ?? run.input.asked ?? null;
  const record: VerdictRecord = {
    ...words,
    runId: run.id,
    sequence: (earlier.at(-1)?.sequence ?? 0) + 1,
    judged,
    namespace: run.namespace,
    alertName: about?.name ?? null,
    fingerprint: about?.fingerprint ?? null,
    objectNamespace: about === null ? null : namedObjects(about.name, about.labels).namespace,
    at: now,
  };
  await tx.learned.insertVerdict(record);
  return { record, isNew: true };
}

interface Known {
  readonly run: Pick<RunRecord, 'id' | 'status'>;
  readonly report: JsonObject | null;
  readonly judged: JudgedReport;
  /** What the person says it was. */
  readonly cause: string | null;
  readonly standing: VerdictRecord | null;
}

/** Why this cannot be said of a run; null = it can. Pure. */
export function refusalOfVerdict(
  verdict: Verdict['verdict'],
  { run, report, judged, cause, standing }: Known,
): { readonly message: string; readonly next: string } | null {
  const name = `run/${shortId(run.id)}`;
  if (!isFinal(run.status))
    return { message: `${name} has not ended: ${run.status}`, next: `fist watch ${name}, then say it` };
  if (verdict === 'withdrawn')
    return standing === null
      ? { message: `nobody has said anything of ${name}`, next: `fist confirm ${name}, or fist refute ${name}` }
      : null;
  if (report === null)
    return { message: `${name} made no report, so there is no cause to judge`, next: `fist describe ${name}` };
  if (judged.cause !== null || (verdict === 'confirmed' && cause !== null)) return null;
  const next = `fist confirm ${name} --cause "what it was"`;
  return { message: `the report of ${name} states no cause, so there is none to ${verbs[verdict]}`, next };
}

const verbs = { confirmed: 'confirm', refuted: 'refute' } as const;

/** What is kept of the report that is judged: nothing that others wrote. */
function judgedReport(report: JsonObject | null, at: Timestamp): JudgedReport {
  const { object = null, cause = null, confidence = 0 } = (report ?? {}) as unknown as Partial<AgentResult>;
  return {
    object: object === null ? null : oneLine(object, 300),
    cause:
      cause === null
        ? null
        : { category: oneLine(cause.category, 100), object: oneLine(cause.object, 300), confidence },
    at,
  };
}

function safe(text: string | null): string | null {
  return text === null ? null : oneLine(redact(text), 1000);
}

function isSame(one: Verdict, other: Verdict): boolean {
  return one.verdict === other.verdict && one.cause === other.cause && one.note === other.note && one.by === other.by;
}
