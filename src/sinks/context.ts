import { objectOf } from '../core/json.ts';
import type { AlertRecord, AlertTransition } from '../core/alert.ts';
import { alertJson, sourceJson } from '../core/context.ts';
import { annotated, tellingNamespace, withText } from '../core/delivery.ts';
import type { DeliveryRecord, EventContext, RenderedPayload } from '../core/delivery.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { lastReport } from '../core/stored-report.ts';
import type { AlertSnapshot, RunRecord, StepRecord } from '../core/run.ts';
import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { plainText } from '../report/escape.ts';
import type { ToldReport } from '../report/short.ts';

import { deliveryText } from './text.ts';
import type { Ending } from './text.ts';

/** The rows that a delivery speaks about, read when it is rendered. */
export interface DeliveryFacts {
  readonly delivery: DeliveryRecord;
  readonly run: RunRecord | undefined;
  readonly steps: readonly StepRecord[];
  /** `.steps` of templates. */
  readonly stepsView: JsonObject;
  readonly alert: AlertRecord | undefined;
  /** Of the alert; needed only where {@link hasEnded}. */
  readonly transitions: readonly AlertTransition[];
  /** Other alerts that the run answers for fire still; needed only where {@link hasEnded}. */
  readonly othersFire: boolean;
  /** Where people reach this server, without a slash at the end; null where it is not known. */
  readonly publicUrl: string | null;
  /** Columns of the text. */
  readonly width: number;
  /** The report of another alert that has told this Sink the cause already; null = this one tells it. */
  readonly told: ToldReport | null;
  /** Other alerts of the same incident, which this report tells as well. */
  readonly explains: readonly string[];
}

/** Whether the episode of a run has ended, though the run was about an alert that fires. */
export function hasEnded(alert: AlertRecord, episode: number): boolean {
  return alert.episode > episode || (alert.episode === episode && alert.status === 'resolved');
}

/**
 * What a delivery tells. A run-started one knows no outputs, even where the run has ended since; a run-finished one tells
 * whether the alert still fires now, when it is rendered. Pure: the same rows give the same payload.
 */
export function eventContext(facts: DeliveryFacts): EventContext {
  const { delivery, run, alert } = facts;
  const started = delivery.event === 'run-started';
  const resolved = delivery.event === 'alert-resolved';
  const ending = endingOf(facts);
  // Of a group, as for Alertmanager: it fires while one of its alerts does.
  const over = ending?.othersFire === true ? null : ending;
  const snapshot =
    resolved && alert !== undefined
      ? closedSnapshot(alert, delivery)
      : runSnapshot(run?.input.alert ?? null, facts, over);
  const report = started ? null : lastReport(facts.steps);
  const source = run?.input.source ?? {
    name: alert?.source ?? '',
    namespace: alert?.namespace ?? tellingNamespace(delivery),
    type: '',
  };
  const shape = sourceJson({
    source,
    alert: snapshot,
    ...(run?.input.data === undefined ? {} : { data: run.input.data }),
    ...(run?.input.group === undefined ? {} : { group: run.input.group }),
    context: run?.input.context ?? {},
    depth: 0,
  });
  const resolvedAt = resolved ? delivery.createdAt : (over?.resolvedAt ?? null);
  const context: Omit<EventContext, 'text' | 'sameAs'> = {
    event: delivery.event,
    source: { name: source.name, type: source.type, namespace: source.namespace },
    workflow: {
      name: run?.name ?? textOf(delivery.data['workflow']),
      namespace: run?.namespace ?? tellingNamespace(delivery),
      status: started ? 'running' : (run?.status ?? ''),
      outputs: started ? {} : (run?.outputs ?? {}),
      duration: durationSeconds(
        run?.startedAt ?? null,
        started ? delivery.createdAt : (run?.completedAt ?? delivery.createdAt),
      ),
      completedAt: started ? null : (run?.completedAt ?? null),
      error: started ? null : (run?.error ?? null),
    },
    data: objectOf(shape['data']),
    alert: snapshot === null ? null : { ...alertJson(snapshot), ...lastingOf(snapshot), resolvedAt },
    report: resolved ? causeOf(report) : annotated(report, noteOf(ending)),
    steps: started ? {} : facts.stepsView,
    run:
      run === undefined
        ? null
        : {
            id: run.id,
            status: started ? 'running' : run.status,
            url: facts.publicUrl === null ? null : `${facts.publicUrl}/api/v1/runs/${run.id}`,
          },
    timestamp: delivery.createdAt,
  };
  const { width, told, explains } = facts;
  // The end of another alert is not that of the group.
  const group = run?.alertId === delivery.alertId ? (run?.input.group ?? null) : null;
  const text = deliveryText(context, { report, ending, width, told, explains, group });
  if (told === null || delivery.event !== 'run-finished') return { ...context, text, sameAs: null };
  // Templates print the report by this name.
  const lines = text.trimEnd().split('\n');
  const short = withText(context.report, lines.map((line) => plainText(line)).join('\n'));
  const { alert: first, at, run: itsRun } = told;
  return {
    ...context,
    text,
    report: short,
    sameAs: { alert: first, reportedAt: at, run: itsRun === null ? null : { ...itsRun } },
  };
}

/**
 * What is sent: the contract's payload plus event, alert, report and run. Steps stay here; the report holds their sum. The end
 * of an alert is short: who hears of it has been told the rest.
 */
export function deliveryPayload(context: EventContext): JsonObject {
  const { event, source, workflow, data, alert, report, run, timestamp, text, sameAs } = context;
  const short = event === 'alert-resolved';
  return {
    event,
    source: { ...source },
    workflow: { ...workflow, ...(short ? { outputs: {} } : {}) },
    data: short ? { labels: data['labels'] ?? {} } : data,
    alert: short && alert !== null ? { ...alert, annotations: {}, description: '' } : alert,
    report,
    run: run === null ? null : { ...run },
    timestamp,
    text,
    sameAs,
  };
}

/** What templates and conditions of a Sink see: the context, with the source's data under `.source.data` too. */
export function templateData(context: EventContext): JsonObject {
  const { steps, source, data, workflow, alert } = context;
  const own = { workflow: { ...workflow }, data, alert, steps, source: { ...source, data } };
  return presentRoots({ ...deliveryPayload(context), ...own });
}

/** Without roots that are null: `.report.root_cause` without a report prints nothing, and from a null it would fail, as in Go. */
export function presentRoots(roots: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(roots).filter(([, value]) => value !== null));
}

/** null: the alert of a run-finished delivery still fires, or it is about none. */
function endingOf({ delivery, run, alert, transitions, othersFire }: DeliveryFacts): Ending | null {
  if (delivery.event !== 'run-finished' || run === undefined || alert === undefined) return null;
  if (!hasEnded(alert, run.episode)) return null;
  const end = transitions.findLast(({ episode, toStatus }) => episode === run.episode && toStatus === 'resolved');
  const { episode, startsAt, status } = alert;
  const again = episode > run.episode && status !== 'resolved' ? { episode, startsAt } : null;
  return { resolvedAt: end?.at ?? alert.resolvedAt, again, othersFire };
}

/** The alert of the run, with how it stands now. */
function runSnapshot(
  snapshot: AlertSnapshot | null,
  { alert }: DeliveryFacts,
  ending: Ending | null,
): AlertSnapshot | null {
  if (snapshot === null || ending === null) return snapshot;
  const endsAt = alert?.episode === snapshot.episode ? alert.endsAt : ending.resolvedAt;
  return { ...snapshot, status: 'resolved', endsAt };
}

/** How long it fired; nothing while it does. */
function lastingOf({ startsAt, endsAt, status }: AlertSnapshot): JsonObject {
  if (status !== 'resolved' || startsAt === null || endsAt === null) return {};
  return { durationSeconds: Math.max(0, Math.round((toEpochMs(endsAt) - toEpochMs(startsAt)) / 1000)) };
}

/** The report was written while the alert fired: says so where it no longer does. */
function noteOf(ending: Ending | null): string | null {
  if (ending === null) return null;
  const { resolvedAt, again, othersFire } = ending;
  const since =
    again !== null
      ? `; it fires again since ${again.startsAt ?? 'then'} (episode ${again.episode})`
      : othersFire
        ? '; others of its group fire still'
        : '';
  return `> The alert was resolved${resolvedAt === null ? '' : ` at ${resolvedAt}`}, before this report was sent${since}.`;
}

/** Where the report of a delivery is kept; null = it has none, or only the part that is one line. */
export function reportOf(facts: DeliveryFacts, told: JsonObject | null): RenderedPayload['report'] {
  const { event } = facts.delivery;
  const short = event === 'run-started' || event === 'alert-resolved';
  const report = short ? null : lastReport(facts.steps);
  const step = report === null ? undefined : facts.steps.find(({ result }) => result === report);
  if (step === undefined) return null;
  const kept = { stepId: step.id, note: noteOf(endingOf(facts)) };
  return facts.told === null ? kept : { ...kept, text: textOf(told?.['report']) };
}

/** The part of a report that is one line. */
function causeOf(report: JsonObject | null): JsonObject | null {
  if (report === null) return null;
  const { summary = null, root_cause = null, confidence = null } = report;
  return { summary, root_cause, confidence };
}

/** The episode that the delivery announces the end of, though the alert may fire again by now. */
function closedSnapshot(alert: AlertRecord, { data }: DeliveryRecord): AlertSnapshot {
  const { id, name, fingerprint, severity, labels, annotations, summary, description, generatorUrl } = alert;
  const episode = typeof data['episode'] === 'number' ? data['episode'] : alert.episode;
  const startsAt = typeof data['startsAt'] === 'string' ? data['startsAt'] : alert.startsAt;
  const endsAt = typeof data['endsAt'] === 'string' ? data['endsAt'] : alert.endsAt;
  const own = { id, name, fingerprint, severity, labels, annotations, summary, description, generatorUrl };
  return { ...own, status: 'resolved', episode, startsAt, endsAt };
}

/** Whole seconds as text, as the contract has it. */
function durationSeconds(from: Timestamp | null, to: Timestamp): string {
  return from === null ? '0' : String(Math.max(0, Math.round((toEpochMs(to) - toEpochMs(from)) / 1000)));
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
