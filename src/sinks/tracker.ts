import type { DeliveryVerdict } from '../core/delivery.ts';
import { parseDuration } from '../lib/duration.ts';
import { duration } from '../lib/schema.ts';
import type { SinkDelivery, SinkIo } from './define.ts';
import type { Failure } from './http.ts';
import { viewOf } from './payload.ts';

// What sinks that keep an issue for an incident share: which issue a delivery goes on with, and what becomes of it.

export const reopenWithin = duration.default('72h').meta({
  description: 'An alert that fires again so soon reopens its issue; later it gets a new one. 0 = always a new one.',
});

export interface TrackedIssue {
  /** `OPS-12`, `#12`. */
  readonly reference: string;
  readonly isDone: boolean;
  /** When it was done, milliseconds since the epoch; 0 = not known. */
  readonly doneAtMs: number;
  /** This delivery made it. */
  readonly isOfDelivery: boolean;
}

export type Looked = { readonly ok: true; readonly issue: TrackedIssue | null } | Failure;

/** A receiver of issues, for one delivery. */
export interface Tracker {
  /** null: it is no reference of this receiver, or the issue is gone. */
  find(reference: string): Promise<Looked>;
  /** The newest one that was made for the alert, where it is not remembered. */
  search(): Promise<Looked>;
  /** How long a search may miss an issue that was made; 0 = not at all. */
  readonly searchLagMs: number;
  create(): Promise<DeliveryVerdict>;
  /** Once for each delivery. `note` stands behind the text; empty = nothing does. */
  comment(issue: TrackedIssue, note: string): Promise<Failure | null>;
  reopen(issue: TrackedIssue): Promise<Failure | null>;
  close(issue: TrackedIssue): Promise<Failure | null>;
}

const shared = 'Another alert with this cause still fires: the issue stays open until that is over.';

interface Telling {
  readonly tracker: Tracker;
  readonly delivery: SinkDelivery;
  readonly io: Pick<SinkIo, 'othersFireAt'>;
  /** Issues that were done before are not reopened, milliseconds since the epoch. */
  readonly reopenSinceMs: number;
}

/**
 * One issue for an incident: made by the first report, commented by later ones, done with the last of its alerts. What was resolved gets no new
 * issue; one that a person closed is not reopened while its alert fires.
 */
export function tellTracker(
  tracker: Tracker,
  delivery: SinkDelivery,
  config: { readonly reopenWithin: string },
  io: Pick<SinkIo, 'now' | 'othersFireAt'>,
): Promise<DeliveryVerdict> {
  const telling = { tracker, delivery, io, reopenSinceMs: io.now() - parseDuration(config.reopenWithin) };
  return viewOf(delivery.payload).isOver ? tellEnd(telling) : tellFiring(telling);
}

async function tellFiring(telling: Telling): Promise<DeliveryVerdict> {
  const { tracker } = telling;
  const found = await findIssue(telling);
  if (!found.ok) return found;
  const { issue, mayReopen } = found;
  if (issue === null) return tracker.create();
  // The attempt before this one made it.
  if (issue.isOfDelivery) return { ok: true, reference: issue.reference };
  const failure = issue.isDone && mayReopen ? await tracker.reopen(issue) : null;
  return failure === null ? comment(telling, issue) : { ...failure, reference: issue.reference };
}

async function tellEnd(telling: Telling): Promise<DeliveryVerdict> {
  const { tracker, delivery, io } = telling;
  const { own, open, closed } = delivery.known;
  const found = await firstOf(tracker, [own, open, closed]);
  if (!found.ok) return found;
  const { issue } = found;
  if (issue === null) return { ok: true, reference: null };
  if (issue.isDone) return { ok: true, reference: issue.reference };
  const isEnd = delivery.event === 'alert-resolved';
  const isShared = isEnd && (await io.othersFireAt(issue.reference));
  const commented = await comment(telling, issue, isShared ? shared : '');
  if (!commented.ok || !isEnd || isShared) return commented;
  const failure = await tracker.close(issue);
  return failure === null ? commented : { ...failure, reference: issue.reference };
}

async function comment({ tracker }: Telling, issue: TrackedIssue, note = ''): Promise<DeliveryVerdict> {
  const { reference } = issue;
  const failure = await tracker.comment(issue, note);
  return failure === null ? { ok: true, reference } : { ...failure, reference };
}

async function firstOf(tracker: Tracker, references: readonly (string | null)[]): Promise<Looked> {
  for (const reference of references) {
    const found: Looked = reference === null ? { ok: true, issue: null } : await tracker.find(reference);
    if (!found.ok || found.issue !== null) return found;
  }
  return { ok: true, issue: null };
}

type Found = { readonly ok: true; readonly issue: TrackedIssue | null; readonly mayReopen: boolean } | Failure;

/** Says that a delivery has searched once, as the reference of a part; it is none of an issue. */
const sought = 'sought';

/** The issue to go on with. It is searched for where it is not remembered; twice, where an attempt may have made it and a search lags. */
async function findIssue({ tracker, delivery, reopenSinceMs }: Telling): Promise<Found> {
  const { own, open, incident, closed } = delivery.known;
  const remembered = await firstOf(tracker, [own, open, incident]);
  if (!remembered.ok || remembered.issue !== null)
    return remembered.ok ? { ...remembered, mayReopen: false } : remembered;
  for (const look of [() => firstOf(tracker, [closed]), () => tracker.search()]) {
    const earlier = await look();
    if (!earlier.ok) return earlier;
    const { issue } = earlier;
    if (issue !== null && (!issue.isDone || issue.doneAtMs > reopenSinceMs)) return { ...earlier, mayReopen: true };
  }
  if (!delivery.isRepeat || own === sought || tracker.searchLagMs === 0)
    return { ok: true, issue: null, mayReopen: false };
  return {
    ok: false,
    retry: true,
    reason: 'an earlier attempt may have made the issue; it is searched for once more before one is made',
    retryAfterMs: tracker.searchLagMs,
    reference: sought,
  };
}
