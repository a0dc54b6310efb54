import { identityKey } from '../core/alert.ts';
import type { AlertContent, AlertItem, AlertRecord, StoredAlert } from '../core/alert.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { RunBrief } from '../core/run-store.ts';
import type { StoreTransaction } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import { allDone } from '../lib/all-done.ts';
import { newId } from '../lib/id.ts';
import { identityOf } from './facts.ts';
import type { IntakeFacts } from './facts.ts';
import { contentOf, newAlert } from './records.ts';

/** An alert of a batch: what is stored of it, what became of it so far, and its runs. */
export interface TrackedAlert {
  readonly id: string;
  /** As the next notification finds it; null = never seen. */
  readonly state: StoredAlert | null;
  /** Those that the facts name, and those that the batch made. */
  readonly runs: readonly RunBrief[];
  /** Notes a new state; `item` is the last one whose content counts. */
  keep(state: StoredAlert, item: AlertItem, groupKey: string | null, now: Timestamp): void;
  addRun(run: RunBrief): void;
}

/** The alerts of a batch, in memory until they are written. */
export interface TrackedAlerts {
  of(source: CatalogSource, fingerprint: string): TrackedAlert;
  write(tx: StoreTransaction): Promise<void>;
}

interface Entry extends TrackedAlert {
  /** The row of an alert that is new in this batch. */
  readonly inserted: () => AlertRecord | null;
  /** What changed of a stored one. */
  readonly saved: () => Saved | null;
  readonly content: () => AlertContent | null;
}

interface Saved {
  readonly state: StoredAlert & Pick<AlertRecord, 'updatedAt'>;
  readonly isRepeat: boolean;
}

export function trackAlerts(facts: IntakeFacts): TrackedAlerts {
  const entries = new Map<string, Entry>();
  return {
    of(source, fingerprint) {
      const key = identityKey(identityOf(source, fingerprint));
      let entry = entries.get(key);
      if (entry === undefined) {
        const stored = facts.alerts.get(key) ?? null;
        entry = trackAlert(source, stored, stored === null ? [] : (facts.runs.get(stored.id) ?? []));
        entries.set(key, entry);
      }
      return entry;
    },
    async write(tx) {
      const all = [...entries.values()];
      const saved = all.map((entry) => entry.saved()).filter((row) => row !== null);
      const { repeats = [], turned = [] } = Object.groupBy(saved, ({ isRepeat }) => (isRepeat ? 'repeats' : 'turned'));
      await allDone([
        tx.alerts.insertAll(all.map((entry) => entry.inserted()).filter((row) => row !== null)),
        tx.alerts.saveStates(turned.map(({ state }) => state)),
        tx.alerts.saveRepeats(repeats.map(({ state }) => state)),
        tx.alerts.saveContents(all.map((entry) => entry.content()).filter((row) => row !== null)),
      ]);
    },
  };
}

function trackAlert(source: CatalogSource, stored: StoredAlert | null, storedRuns: readonly RunBrief[]): Entry {
  let id = stored?.id;
  const runs = [...storedRuns];
  let state = stored;
  let inserted: AlertRecord | null = null;
  let content: AlertContent | null = null;
  let updatedAt: Timestamp | null = null;
  return {
    // Made when first asked for: ids say in which order alerts came, and one that is refused never came.
    get id() {
      return (id ??= newId());
    },
    runs,
    get state() {
      return state;
    },
    addRun: (run) => void runs.push(run),
    keep(next, item, groupKey, now) {
      const changed = next.contentHash === state?.contentHash ? null : contentOf(item, groupKey);
      if (stored !== null) {
        if (changed !== null) content = { id: stored.id, ...changed };
      } else if (inserted === null) inserted = newAlert(source, item, groupKey, next, now);
      else inserted = { ...inserted, ...next, ...changed, updatedAt: now };
      state = next;
      updatedAt = now;
    },
    inserted: () => inserted,
    saved() {
      if (stored === null || state === null || updatedAt === null) return null;
      return { state: { ...state, updatedAt }, isRepeat: isRepeat(stored, state) };
    },
    content: () => content,
  };
}

/**
 * Whether nothing changed but what a plain repeat changes. Times of the end and of receipt, the run and mutes change with one of
 * these only.
 */
function isRepeat(stored: StoredAlert, state: StoredAlert): boolean {
  const turning = ['status', 'severity', 'episode', 'announced'] as const;
  return turning.every((name) => state[name] === stored[name]);
}
