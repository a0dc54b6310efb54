import { matchLabels } from '../core/alert.ts';
import type { AlertItem, AlertState } from '../core/alert.ts';
import { foldAlert } from '../core/alert-fold.ts';
import type { FoldVerdict } from '../core/alert-fold.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { Timestamp } from '../core/time.ts';

/** What the items of one identity in one notification come to. */
export interface IdentityDecision {
  /** A reason for each item: the fold's, or the filter's. */
  readonly reasons: readonly string[];
  /** What the fold decided, in array order; items that a filter refused are not among them. */
  readonly folded: readonly Folded[];
  /** The last item that began an episode: the run is its. Older ones of the same notification are superseded at once. */
  readonly opening: Folded | null;
  /** The last item whose content counts. */
  readonly content: AlertItem | null;
}

export interface Folded {
  readonly item: AlertItem;
  readonly verdict: FoldVerdict;
}

/** Items by fingerprint, in the order of the fingerprints; within one, in the order of the notification. */
export function groupByIdentity(items: readonly AlertItem[]): readonly (readonly [string, readonly AlertItem[]])[] {
  const [first] = items;
  if (first === undefined) return [];
  if (items.length === 1) return [[first.fingerprint, items]];
  const groups = Map.groupBy(items, (item) => item.fingerprint);
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
}

/**
 * Filters and folds the items of one identity. A resolve of an open alert, or of one that expired before its end was told, passes
 * every filter (design 3.2.15). Pure.
 */
export function decideIdentity(
  stored: AlertState | null,
  items: readonly AlertItem[],
  accepts: CatalogSource['accepts'],
  receivedAt: Timestamp,
): IdentityDecision {
  const reasons: string[] = [];
  const folded: Folded[] = [];
  let state = stored;
  let opening: Folded | null = null;
  let content: AlertItem | null = null;
  for (const item of items) {
    const isEnd = item.status === 'resolved' && state !== null && (state.status !== 'resolved' || state.announced);
    const refusal = isEnd ? null : accepts(matchLabels(item));
    if (refusal !== null) {
      reasons.push(refusal.reason);
      continue;
    }
    const verdict = foldAlert(state, item, receivedAt);
    const step = { item, verdict };
    reasons.push(verdict.reason);
    folded.push(step);
    state = verdict.next;
    if (verdict.opens) opening = step;
    if (verdict.updatesContent) content = item;
  }
  return { reasons, folded, opening, content };
}
