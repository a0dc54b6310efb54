import type { AlertItem, AlertState, AlertStatus, AlertTransition } from './alert.ts';
import { severities } from './alert.ts';
import { addMs, toEpochMs } from './time.ts';
import type { Timestamp } from './time.ts';

/** A time further ahead of ours than this is a wrong clock (design 3.2.3). */
const skewLimitMs = 10 * 60_000;
/** A start that much later than the last notification proves a resolve that was never sent (3.2.6). */
const resolveMissedMs = 60_000;
/** Firing copies that come so soon after the close are late, not new (3.2.10). */
const lateCopyMs = 30_000;

/** Names of the decisions: counters, metric labels and reasons of transitions. */
export const foldReasons = [
  'Opened',
  'Reopened',
  'FiringAgain',
  'ResolveMissed',
  'SeverityRaised',
  'SeverityLowered',
  'Repeated',
  'LateCopy',
  'Resolved',
  'ResolvedUnknown',
  'ResolvedAgain',
  'ResolvedLate',
  'StaleResolve',
] as const;
export type FoldReason = (typeof foldReasons)[number];

/** A change of status, episode or severity; `alert_transitions` keeps it. */
export type FoldTransition = Pick<AlertTransition, 'episode' | 'fromStatus' | 'toStatus' | 'reason' | 'at'>;

/** What one item does to its alert. */
export interface FoldVerdict {
  readonly reason: FoldReason;
  readonly next: AlertState;
  readonly transitions: readonly FoldTransition[];
  /** A new episode began: a run is due (unless a policy mutes it). */
  readonly opens: boolean;
  /** The alert was open and is closed now, or it had expired without a word to sinks and its sender says now that it is over. */
  readonly closes: boolean;
  /** The item's annotations and links are the latest word and replace the stored ones (3.2.14). */
  readonly updatesContent: boolean;
}

/** The decision of design 3.2, lines 3 to 14, for one item of one identity. Pure. `stored` null = never seen. */
export function foldAlert(stored: AlertState | null, item: AlertItem, receivedAt: Timestamp): FoldVerdict {
  const timed = withoutSkew(item, receivedAt);
  if (timed.status === 'firing') {
    if (stored === null) return opened(timed, receivedAt);
    return stored.status === 'resolved'
      ? firingOnClosed(stored, timed, receivedAt)
      : firingOnOpen(stored, timed, receivedAt);
  }
  if (stored === null) return resolvedUnknown(timed, receivedAt);
  if (stored.status !== 'resolved') return closed('Resolved', stored, timed, receivedAt);
  return stored.announced ? closed('ResolvedLate', stored, timed, receivedAt) : countedOnly('ResolvedAgain', stored);
}

type TimedItem = Pick<AlertItem, 'status' | 'severity' | 'startsAt' | 'endsAt' | 'skewed' | 'saidAt'>;

/** Line 3: a time more than 10 minutes ahead becomes the time of receipt. */
function withoutSkew(item: AlertItem, receivedAt: Timestamp): TimedItem {
  const { startsAt, endsAt } = item;
  // Text order is time order; the exact limit matters only for times that are ahead at all.
  if ((startsAt === null || startsAt <= receivedAt) && (endsAt === null || endsAt <= receivedAt)) return item;
  const limit = addMs(receivedAt, skewLimitMs);
  const startAhead = startsAt !== null && startsAt > limit;
  const endAhead = item.status === 'resolved' && endsAt !== null && endsAt > limit;
  return {
    ...item,
    startsAt: startAhead ? receivedAt : startsAt,
    endsAt: endAhead ? receivedAt : endsAt,
    skewed: item.skewed || startAhead || endAhead,
  };
}

/** Line 4. */
function opened(item: TimedItem, receivedAt: Timestamp): FoldVerdict {
  const next = openState({ episode: 1, receiveCount: 1 }, item, item.startsAt ?? receivedAt, null, receivedAt);
  return opens('Opened', next, [transition(next, null, 'Opened', receivedAt)]);
}

/** Lines 5, 6 and 13. */
function firingOnOpen(stored: AlertState, item: TimedItem, receivedAt: Timestamp): FoldVerdict {
  if (isNewStart(stored, item)) return resolveMissed(stored, item, item.startsAt ?? receivedAt, receivedAt);
  const next: AlertState = {
    ...stored,
    severity: item.severity,
    receiveCount: stored.receiveCount + 1,
    lastReceivedAt: latest(stored.lastReceivedAt, receivedAt),
    startsAt: earlierStart(stored, item.startsAt),
    skewed: stored.skewed || item.skewed,
  };
  const change = severities.indexOf(item.severity) - severities.indexOf(stored.severity);
  if (change === 0)
    return { reason: 'Repeated', next, transitions: [], opens: false, closes: false, updatesContent: true };
  if (change > 0) {
    const lowered = transition(next, stored.status, 'SeverityLowered', receivedAt);
    return {
      reason: 'SeverityLowered',
      next,
      transitions: [lowered],
      opens: false,
      closes: false,
      updatesContent: true,
    };
  }
  // A run is unique for an episode (line 18), so a rise begins the next one; nothing was closed, S and E stay.
  const raised: AlertState = { ...next, status: 'received', episode: stored.episode + 1, receivedAt };
  return opens('SeverityRaised', raised, [transition(raised, stored.status, 'SeverityRaised', receivedAt)]);
}

/** Line 6. A start that we had to replace (line 3) says nothing about the order of things, so it is a repeat. */
function isNewStart(stored: AlertState, item: TimedItem): boolean {
  const { startsAt } = item;
  if (startsAt === null || item.skewed) return false;
  if (stored.startsAt !== null && startsAt <= stored.startsAt) return false;
  return toEpochMs(startsAt) > toEpochMs(stored.lastReceivedAt) + resolveMissedMs;
}

/** Line 6: the sender's new start is the end of the episode whose resolve never came. */
function resolveMissed(stored: AlertState, item: TimedItem, startsAt: Timestamp, receivedAt: Timestamp): FoldVerdict {
  const next = openState(following(stored), item, startsAt, startsAt, receivedAt);
  const missed: FoldTransition = {
    episode: stored.episode,
    fromStatus: stored.status,
    toStatus: 'resolved',
    reason: 'ResolveMissed',
    at: receivedAt,
  };
  return opens('ResolveMissed', next, [missed, transition(next, 'resolved', 'Reopened', receivedAt)]);
}

/**
 * Line 5: S = min(S, s), not below the previous E. A start at or before that E is a late copy of the closed episode and
 * leaves S alone: with S = E, the copy of its resolve (e = E) would close the episode that fires now (line 12).
 */
function earlierStart(stored: AlertState, startsAt: Timestamp | null): Timestamp | null {
  if (startsAt === null || (stored.endsAt !== null && startsAt <= stored.endsAt)) return stored.startsAt;
  return stored.startsAt === null || startsAt < stored.startsAt ? startsAt : stored.startsAt;
}

/** Lines 9, 10 and 11. */
function firingOnClosed(stored: AlertState, item: TimedItem, receivedAt: Timestamp): FoldVerdict {
  const { startsAt, saidAt } = item;
  // It was on its way for long: its sender has said of the end since.
  if (saidAt !== undefined && stored.endsAt !== null && saidAt <= stored.endsAt) return countedOnly('LateCopy', stored);
  if (startsAt === null || stored.endsAt === null || startsAt > stored.endsAt) {
    return reopened('Reopened', stored, item, startsAt ?? latest(receivedAt, stored.endsAt ?? receivedAt), receivedAt);
  }
  const closedAt = stored.resolvedAt ?? stored.lastReceivedAt;
  if (toEpochMs(receivedAt) < toEpochMs(closedAt) + lateCopyMs) return countedOnly('LateCopy', stored);
  return reopened('FiringAgain', stored, item, stored.endsAt, receivedAt);
}

function reopened(
  reason: 'Reopened' | 'FiringAgain',
  stored: AlertState,
  item: TimedItem,
  startsAt: Timestamp,
  receivedAt: Timestamp,
): FoldVerdict {
  const next = openState(following(stored), item, startsAt, stored.endsAt, receivedAt);
  return opens(reason, next, [transition(next, 'resolved', reason, receivedAt)]);
}

/** Lines 7 and 16. */
function closed(
  reason: 'Resolved' | 'ResolvedLate',
  stored: AlertState,
  item: TimedItem,
  receivedAt: Timestamp,
): FoldVerdict {
  const endsAt = item.endsAt ?? receivedAt;
  if (stored.startsAt !== null && endsAt < stored.startsAt) return countedOnly('StaleResolve', stored);
  const next: AlertState = {
    ...stored,
    status: 'resolved',
    receiveCount: stored.receiveCount + 1,
    lastReceivedAt: latest(stored.lastReceivedAt, receivedAt),
    endsAt,
    resolvedAt: receivedAt,
    announced: false,
    skewed: stored.skewed || item.skewed,
  };
  const transitions = [transition(next, stored.status, reason, receivedAt)];
  return { reason, next, transitions, opens: false, closes: true, updatesContent: true };
}

/** Line 8: it came before its firing: a row that is already closed. */
function resolvedUnknown(item: TimedItem, receivedAt: Timestamp): FoldVerdict {
  const next: AlertState = {
    ...openState(
      { episode: 0, receiveCount: 1 },
      item,
      item.startsAt ?? item.endsAt ?? receivedAt,
      item.endsAt ?? receivedAt,
      receivedAt,
    ),
    status: 'resolved',
    resolvedAt: receivedAt,
  };
  const transitions = [transition(next, null, 'ResolvedUnknown', receivedAt)];
  return { reason: 'ResolvedUnknown', next, transitions, opens: false, closes: false, updatesContent: true };
}

/** Counted, and nothing else: what the row says stays true. */
function countedOnly(reason: FoldReason, stored: AlertState): FoldVerdict {
  const next: AlertState = { ...stored, receiveCount: stored.receiveCount + 1 };
  return { reason, next, transitions: [], opens: false, closes: false, updatesContent: false };
}

function opens(reason: FoldReason, next: AlertState, transitions: readonly FoldTransition[]): FoldVerdict {
  return { reason, next, transitions, opens: true, closes: false, updatesContent: true };
}

/** The next episode of an alert. Whoever was not told of the end of the one before is told of that of the next. */
function following({ episode, receiveCount, announced }: AlertState): Beginning {
  return { episode: episode + 1, receiveCount: receiveCount + 1, announced };
}

type Beginning = Pick<AlertState, 'episode' | 'receiveCount'> & Partial<Pick<AlertState, 'announced'>>;

function openState(
  { episode, receiveCount, announced = false }: Beginning,
  item: TimedItem,
  startsAt: Timestamp,
  endsAt: Timestamp | null,
  receivedAt: Timestamp,
): AlertState {
  return {
    status: 'received',
    severity: item.severity,
    episode,
    receiveCount,
    startsAt,
    endsAt,
    skewed: item.skewed,
    receivedAt,
    lastReceivedAt: receivedAt,
    resolvedAt: null,
    announced,
  };
}

function transition(
  next: { episode: number; status: AlertStatus },
  fromStatus: AlertStatus | null,
  reason: string,
  at: Timestamp,
): FoldTransition {
  return { episode: next.episode, fromStatus, toStatus: next.status, reason, at };
}

function latest(one: Timestamp, other: Timestamp): Timestamp {
  return one > other ? one : other;
}

/** What became of the items of a notification, by the answer's words (design 3.3). */
const categories: Readonly<Record<FoldReason, 'opened' | 'repeated' | 'resolved' | 'ignored'>> = {
  Opened: 'opened',
  Reopened: 'opened',
  FiringAgain: 'opened',
  ResolveMissed: 'opened',
  SeverityRaised: 'opened',
  SeverityLowered: 'repeated',
  Repeated: 'repeated',
  LateCopy: 'ignored',
  Resolved: 'resolved',
  ResolvedUnknown: 'resolved',
  ResolvedAgain: 'ignored',
  ResolvedLate: 'resolved',
  StaleResolve: 'ignored',
};

/** The category of a reason in the answer to the sender; what is not a fold's reason (filters, bad items) is `ignored`. */
export function foldCategory(reason: string): 'opened' | 'repeated' | 'resolved' | 'ignored' {
  return Object.hasOwn(categories, reason) ? categories[reason as FoldReason] : 'ignored';
}

/** Line 16: an open alert that is no longer received is closed, without a notice: who was told of it is told of a real end alone. */
export function foldExpired(
  stored: AlertState,
  at: Timestamp,
): { readonly next: AlertState; readonly transition: FoldTransition } {
  const next: AlertState = { ...stored, status: 'resolved', endsAt: latest(stored.startsAt ?? at, at), resolvedAt: at };
  return { next, transition: transition(next, stored.status, 'Expired', at) };
}
