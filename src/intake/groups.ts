import type { Labels } from '../core/alert.ts';
import type { CatalogSource, Grouping } from '../core/catalog.ts';
import type { GroupRun, KnownGroup, RunAlert } from '../core/group-store.ts';
import { isFinal } from '../core/run.ts';
import type { RunRecord } from '../core/run.ts';
import type { StoreTransaction } from '../core/store.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { allDone } from '../lib/all-done.ts';
import { cutText } from '../lib/cut.ts';
import { sha256Hex } from '../lib/hash.ts';
import { shortId } from '../lib/short-id.ts';

/** Alerts that have one run together. */
export interface AlertGroup {
  readonly id: string;
  /** What they have in common; labels that they lack are left out. */
  readonly labels: Labels;
}

type GroupingSource = Pick<CatalogSource, 'namespace' | 'name' | 'triggerWorkflow' | 'grouping'>;

/**
 * The group of an alert with these labels. Null where its Source groups none, and where the alert has none of the labels: what
 * has nothing in common is no group. A label that is missing is an empty one, as for Alertmanager. Pure.
 */
export function groupOf(source: GroupingSource, labels: Labels): AlertGroup | null {
  const { grouping } = source;
  if (grouping === null) return null;
  const values = grouping.labels.map(
    (name) => [name, Object.hasOwn(labels, name) ? (labels[name] ?? '') : ''] as const,
  );
  const common = values.filter(([, value]) => value !== '');
  if (common.length === 0) return null;
  const { namespace, name, triggerWorkflow } = source;
  return {
    id: sha256Hex(JSON.stringify([namespace, name, triggerWorkflow, values])),
    labels: Object.fromEntries(common),
  };
}

const longestShown = 100;

/** `namespace="shop", severity="critical"`. */
export function quotedLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(cutText(value, longestShown))}`)
    .join(', ');
}

/** The run that keeps an alert of its group from one of its own. */
export interface AnsweringRun {
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** It has not begun: it will know the alert. */
  readonly joins: boolean;
  /** It has not ended; then the next one comes after it. */
  readonly isAtWork: boolean;
  /** When it is decided anew. */
  readonly untilMs: number;
}

/** What the policies ask about the group of an alert. */
export interface GroupFacts {
  readonly group: AlertGroup;
  readonly run: AnsweringRun;
}

/** What has no end that is known is looked at again after so long. */
const recheckMs = 5 * 60_000;
/** By so much may a time lie ahead that another replica wrote; more says that the clock was put back. */
const clockSlackMs = 60_000;

/**
 * Whether the newest run of a group answers for a further alert, or keeps it waiting for the next one: until it has ended, and until
 * `intervalMs` after it was made. Pure.
 */
export function answeringRun(
  run: GroupRun,
  { intervalMs }: Pick<Grouping, 'intervalMs'>,
  nowMs: number,
): AnsweringRun | null {
  const { id, status, startedAt, cancelRequestedAt, createdAt } = run;
  const leftMs = toEpochMs(createdAt) + intervalMs - nowMs;
  const isWithin = leftMs > 0 && leftMs <= intervalMs + clockSlackMs;
  const isAtWork = !isFinal(status);
  if (!isAtWork && !isWithin) return null;
  return {
    id,
    name: `run/${shortId(id)}`,
    joins: isAtWork && startedAt === null && cancelRequestedAt === null,
    isAtWork,
    untilMs: nowMs + (isWithin ? leftMs : recheckMs),
  };
}

/** What makes a run wait for other alerts of its group. */
export interface GroupWait {
  readonly group: AlertGroup;
  /** How long at least. Milliseconds. */
  readonly waitMs: number;
}

/** While more alerts come at once (the parts of a notification, the pages of a sweep), a run waits so long for the next ones. */
export const holdMs = 10_000;
/** After so long a run begins, whatever comes. */
const mostHeldMs = 60_000;

/** Runs of groups as one transaction sees them: those that are stored, and those that it adds. */
export interface GroupRuns {
  /** Null: a run may be made for the group, or there is none. */
  answering(source: GroupingSource, group: AlertGroup | null, nowMs: number): GroupFacts | null;
  start(group: AlertGroup, run: RunRecord): void;
  join(alert: RunAlert): void;
  /** More come at once after `heldFrom`: runs that wait for others of their group wait for those; null = no more come. */
  write(tx: StoreTransaction, heldFrom: Timestamp | null): Promise<void>;
}

export function createGroupRuns(known: ReadonlyMap<string, KnownGroup>): GroupRuns {
  const started = new Map<string, RunRecord>();
  const joined = new Map<string, RunAlert>();
  return {
    answering({ grouping }, group, nowMs) {
      const newest = group === null ? undefined : (started.get(group.id) ?? known.get(group.id)?.run);
      const run = newest == null || grouping === null ? null : answeringRun(newest, grouping, nowMs);
      return run === null || group === null ? null : { group, run };
    },
    start: (group, run) => void started.set(group.id, run),
    join: (alert) => void joined.set(`${alert.alertId} ${alert.runId}`, alert),
    async write(tx, heldFrom) {
      const starts = Array.from(started, ([id, { id: runId, namespace }]) => ({
        id,
        namespace,
        runId,
        previousRunId: known.get(id)?.newest ?? null,
      }));
      const alerts = [...joined.values()];
      const runs = new Set(alerts.map(({ runId }) => runId));
      const stored = [...known.values()].flatMap(({ run }) => (run !== null && runs.has(run.id) ? run : []));
      const held = heldFrom === null ? [] : stored.flatMap((run) => heldUntil(run, heldFrom) ?? []);
      await allDone([
        ...(starts.length === 0 ? [] : [tx.groups.begin(starts)]),
        ...(alerts.length === 0 ? [] : [tx.groups.join(alerts)]),
        ...(held.length === 0 ? [] : [tx.groups.hold(held)]),
      ]);
    },
  };
}

/** Null where it waits for something else, or waits long enough. */
function heldUntil(
  { id, waitingFor, wakeAt, createdAt }: GroupRun,
  now: Timestamp,
): { readonly id: string; readonly wakeAt: Timestamp } | null {
  if (waitingFor !== 'timer' || wakeAt === null) return null;
  const untilMs = Math.min(toEpochMs(now) + holdMs, toEpochMs(createdAt) + mostHeldMs);
  return untilMs > toEpochMs(wakeAt) ? { id, wakeAt: toTimestamp(untilMs) } : null;
}
