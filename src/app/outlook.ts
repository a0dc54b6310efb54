import { sinkFor, workflowFor } from '../core/access.ts';
import { labelledTitle, matchLabels } from '../core/alert.ts';
import type { AlertItem, AlertState } from '../core/alert.ts';
import type { Catalog, CatalogSink, CatalogSource, CatalogWorkflow } from '../core/catalog.ts';
import type { Notification } from '../core/event.ts';
import { toEpochMs, toTimestamp } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { answeringRun, groupOf } from '../intake/groups.ts';
import type { AlertGroup, GroupFacts } from '../intake/groups.ts';
import { decideIdentity, groupByIdentity } from '../intake/identity.ts';
import { decideMute, flapWindowMs } from '../intake/policies.ts';
import type { Mute } from '../intake/policies.ts';
import { noTurns } from '../lib/turns.ts';
import { buildCatalog } from '../resources/catalog.ts';
import { readResources } from '../resources/read.ts';
import { sourceDefinitions } from '../sources/index.ts';
import type { ReceiveResult } from '../sources/define.ts';

// What a notification would do, decided by the same functions as in intake, and without any effect.

/** The catalog of a folder or file of resources, without a look at secrets. Throws InvalidInput where it cannot be read. */
export function catalogOf(path: string): Catalog {
  const { objects } = readResources(path);
  return buildCatalog(objects, {
    generation: 1,
    loopback: true,
    allowInsecureSources: false,
    asksForCertificates: true,
    secrets: { get: () => null },
  });
}

/** What one alert would do. */
export interface AlertOutlook {
  readonly item: AlertItem;
  /** Why its Source would not take it; null = it would. */
  readonly refusal: { readonly reason: string; readonly message: string } | null;
  /** Why no run would start, though it opens; null where one would, or none is due. */
  readonly mute: Mute | null;
  readonly startsRun: boolean;
}

/** What a notification would do at a Source. */
export interface SourceOutlook {
  readonly source: CatalogSource;
  /** Why the Source cannot read it; null = it can. */
  readonly unreadable: Extract<ReceiveResult, { ok: false }> | null;
  readonly alerts: readonly AlertOutlook[];
  /** Alerts that cannot be used. */
  readonly bad: Notification['bad'];
  readonly workflow: CatalogWorkflow | undefined;
  /** Who would be told, by the names in the Workflow; undefined: there is no such Sink, or it is not granted. */
  readonly sinks: readonly (readonly [name: string, sink: CatalogSink | undefined])[];
}

/** What a Source makes of a body. Null where the type takes no notifications. */
export async function readBody(
  source: CatalogSource,
  body: string,
  receivedAt: Timestamp,
): Promise<ReceiveResult | null> {
  const definition = sourceDefinitions.find(({ type }) => type === source.type);
  if (definition?.receive == null) return null;
  return definition.receive({ body, headers: {}, receivedAt }, noTurns, source.settings);
}

/** What a body would do at each Source that takes notifications, as if none of its alerts had ever come before. */
export async function outlooksOf(
  catalog: Catalog,
  sources: readonly CatalogSource[],
  body: string,
  at: Timestamp,
): Promise<readonly SourceOutlook[]> {
  const outlooks: SourceOutlook[] = [];
  for (const source of sources) {
    const received = await readBody(source, body, at);
    if (received === null) continue;
    const workflow = workflowFor(catalog, source.namespace, source.triggerWorkflow);
    const from = workflow?.namespace ?? source.namespace;
    const sinks = (workflow?.plan?.sinks ?? []).map((name) => [name, sinkFor(catalog, from, name)] as const);
    const found = { source, workflow, sinks };
    if (!received.ok) {
      outlooks.push({ ...found, unreadable: received, alerts: [], bad: [] });
      continue;
    }
    const rehearsal = createRehearsal(source);
    const alerts = rehearsal.take(received.notification.items, at);
    outlooks.push({ ...found, unreadable: null, alerts, bad: received.notification.bad });
  }
  return outlooks;
}

/** What a rehearsal remembers of an alert. */
interface Rehearsed {
  readonly state: AlertState | null;
  readonly runsAtMs: readonly number[];
}

/** A run is taken to last so long: what else would it be, where none is made. */
const assumedRunMs = 60_000;
const minuteMs = 60_000;

/** Runs of groups, each of which begins after its wait and is taken to last as long as any other. */
function rehearseGroups(source: CatalogSource) {
  const { grouping } = source;
  const newest = new Map<string, { readonly name: string; readonly madeMs: number }>();
  return {
    start(group: AlertGroup | null, item: AlertItem, madeMs: number): void {
      if (group !== null) newest.set(group.id, { name: `the run of ${labelledTitle(item)}`, madeMs });
    },
    answering(group: AlertGroup | null, nowMs: number): GroupFacts | null {
      const made = group === null ? undefined : newest.get(group.id);
      if (group === null || made === undefined || grouping === null) return null;
      const { name, madeMs } = made;
      const startsMs = madeMs + grouping.waitMs;
      const run = answeringRun(
        {
          id: '',
          status: nowMs < startsMs + assumedRunMs ? 'running' : 'succeeded',
          waitingFor: null,
          wakeAt: null,
          cancelRequestedAt: null,
          // What comes in the same notification comes in time.
          startedAt: nowMs > madeMs && nowMs >= startsMs ? toTimestamp(startsMs) : null,
          createdAt: toTimestamp(madeMs),
        },
        grouping,
        nowMs,
      );
      return run === null ? null : { group, run: { ...run, name } };
    },
  };
}

/** Takes notifications one after the other, as intake would, and keeps what that depends on. */
export interface Rehearsal {
  /** In the order of the items. */
  take(items: readonly AlertItem[], at: Timestamp): readonly AlertOutlook[];
}

/** Begins with an empty store. Runs that are put off are not begun later. */
export function createRehearsal(source: CatalogSource): Rehearsal {
  const alerts = new Map<string, Rehearsed>();
  const groups = rehearseGroups(source);
  let minute = { number: 0, runs: 0 };

  function takeOne(fingerprint: string, items: readonly AlertItem[], at: Timestamp): readonly AlertOutlook[] {
    const nowMs = toEpochMs(at);
    const known = alerts.get(fingerprint) ?? { state: null, runsAtMs: [] };
    const { folded, opening, reasons } = decideIdentity(known.state, items, source.accepts, at);
    const number = Math.floor(nowMs / minuteMs);
    if (number !== minute.number) minute = { number, runs: 0 };
    const runsAtMs = known.runsAtMs.filter((ms) => ms > nowMs - flapWindowMs);
    const lastMs = known.runsAtMs.at(-1);
    const group = opening === null ? null : groupOf(source, matchLabels(opening.item));
    const mute =
      opening === null
        ? null
        : decideMute({
            source,
            labels: matchLabels(opening.item),
            nowMs,
            group: groups.answering(group, nowMs),
            lastRunEndedAt:
              lastMs === undefined ? null : new Date(Math.min(nowMs, lastMs + assumedRunMs)).toISOString(),
            runsOfAlert: runsAtMs.length,
            runsOfSource: minute.runs,
            raised: opening.verdict.reason === 'SeverityRaised',
          });
    const starts = opening !== null && mute === null;
    if (starts) {
      minute.runs += 1;
      groups.start(group, opening.item, nowMs);
    }
    const state = folded.at(-1)?.verdict.next ?? known.state;
    alerts.set(fingerprint, { state, runsAtMs: starts ? [...known.runsAtMs, nowMs].slice(-1000) : known.runsAtMs });
    return items.map((item, place) => {
      const reason = reasons[place] ?? '';
      const isFolded = folded.some((step) => step.item === item);
      const refusal = isFolded ? null : (source.accepts(matchLabels(item)) ?? { reason, message: reason });
      const opens = opening?.item === item;
      return { item, refusal, mute: opens ? mute : null, startsRun: opens && starts };
    });
  }

  return {
    take(items, at) {
      const outlooks = groupByIdentity(items).flatMap(([fingerprint, group]) => takeOne(fingerprint, group, at));
      const places = new Map(items.map((item, place) => [item, place]));
      return outlooks.sort((one, other) => (places.get(one.item) ?? 0) - (places.get(other.item) ?? 0));
    },
  };
}
