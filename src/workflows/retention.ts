import type { Metrics } from '../core/metrics.ts';
import type { Clock, Log } from '../core/ports.ts';
import { shortestAgeMs } from '../core/retention.ts';
import type {
  RetainedKind,
  RetentionCounts,
  RetentionPage,
  RetentionRule,
  RetentionRules,
  WordPlace,
} from '../core/retention.ts';
import type { Store, StoreTransaction } from '../core/store.ts';
import { dayOf, toTimestamp } from '../core/time.ts';
import { lowestIdAt } from '../lib/id.ts';

export interface RetentionOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly rules: RetentionRules;
}

export interface Retention {
  /**
   * Deletes what is too old or too much, in small transactions with pauses between, for at most {@link roundMs}; the next
   * call goes on where this one stopped. To be called each minute on one replica. Returns deleted rows by table. Stops
   * between two transactions when the signal is aborted. Rejects where the store fails.
   */
  apply(signal?: AbortSignal): Promise<RetentionCounts>;
}

/** Rows that one transaction looks at. A long one would keep notifications waiting. */
const rowsPerTransaction: Readonly<Record<RetainedKind, number>> = {
  runs: 100,
  deliveries: 200,
  events: 200,
  'dead-letters': 200,
  alerts: 100,
};
/** Words are many and small. */
const wordsPerTransaction = 500;
/** The longest of one call. */
export const roundMs = 20_000;
/** Of its time at most a third is spent in the store, however slow that is. */
const pausePerWork = 2;
const shortestPauseMs = 5;
/** What needs a look at many rows that stay is done once a day. */
const dayMs = 24 * 60 * 60_000;
/** Budgets of a day must not forget it, however short runs are kept. */
const shortestSpendingMs = 2 * dayMs;

/** What people confirmed is worth more than the run that it is of. */
const shortestVerdictsMs = 400 * dayMs;

type DailyTable = 'plans' | 'model_spending' | 'run_verdicts';

/** One way through the rows of a kind. */
interface Pass {
  readonly kind: RetainedKind;
  readonly rule: RetentionRule;
  readonly by: 'age' | 'count';
  readonly everyMs: number;
}

type Limits = Pick<RetentionPage, 'before' | 'endedBefore'>;

/** How far a pass has come. */
interface Place {
  readonly pass: Pass;
  after: string;
}

/** Makes the retention of one process; it remembers how far it has come. */
export function createRetention(options: RetentionOptions): Retention {
  const { clock, store } = options;
  const passes = passesOf(options.rules);
  const doneAtMs = new Map<Pass | DailyTable | 'words', number>();
  let underWay: Place | null = null;
  /** How far the words of alerts that are gone were looked for; null: to begin at the start. */
  let afterWord: WordPlace | null = null;

  function isDue(pass: Pass | DailyTable | 'words', everyMs: number): boolean {
    return clock.monotonic() - (doneAtMs.get(pass) ?? Number.NEGATIVE_INFINITY) >= everyMs;
  }

  async function limits({ kind, rule, by }: Pass): Promise<Limits | null> {
    const nowMs = clock.now();
    if (by === 'age') {
      const endedMs = nowMs - Math.max(shortestAgeMs, rule.ageMs ?? 0);
      return { before: lowestIdAt(endedMs), endedBefore: toTimestamp(endedMs) };
    }
    const before = await store.transaction('retention', (tx) => tx.retention.oldestOfNewest(kind, rule.count ?? 1));
    return before === null ? null : { before, endedBefore: toTimestamp(nowMs - shortestAgeMs) };
  }

  async function run(round: Round, pass: Pass): Promise<void> {
    const within = await limits(pass);
    const place = { pass, after: underWay?.pass === pass ? underWay.after : '' };
    underWay = place;
    if (within !== null && !(await walk(round, within, place))) return;
    doneAtMs.set(pass, clock.monotonic());
    underWay = null;
  }

  /** From the place on to the last page. False where the round was over first. */
  async function walk(round: Round, within: Limits, place: Place): Promise<boolean> {
    const { kind } = place.pass;
    for (;;) {
      if (round.isOver()) return false;
      const page = { ...within, after: place.after, limit: rowsPerTransaction[kind] };
      const { next } = await round.work(() =>
        store.transaction('retention', (tx) => tx.retention.deletePage(kind, page)),
      );
      if (next === null) return true;
      place.after = next;
    }
  }

  /** All words, once a day: nothing says which ones are of alerts that are gone. */
  async function walkWords(round: Round): Promise<void> {
    do {
      if (round.isOver()) return;
      const { next } = await round.work(() =>
        store.transaction('retention', (tx) => tx.retention.deleteOrphanWords(afterWord, wordsPerTransaction)),
      );
      afterWord = next;
    } while (afterWord !== null);
    doneAtMs.set('words', clock.monotonic());
  }

  /** A table of few rows, once a day. */
  async function daily(
    round: Round,
    table: DailyTable,
    remove: (tx: StoreTransaction) => Promise<number>,
  ): Promise<void> {
    if (round.isOver() || !isDue(table, dayMs)) return;
    await round.work(async () => ({ deleted: { [table]: await store.transaction('retention', remove) } }));
    doneAtMs.set(table, clock.monotonic());
  }

  return {
    async apply(signal) {
      const round = createRound(options, signal);
      for (const pass of underWay === null ? passes : rotated(passes, underWay.pass)) {
        if (round.isOver()) break;
        if (underWay?.pass === pass || isDue(pass, pass.everyMs)) await run(round, pass);
      }
      const runsMs = options.rules.runs.ageMs;
      if (runsMs !== null) {
        const madeBefore = toTimestamp(clock.now() - Math.max(shortestAgeMs, runsMs));
        await daily(round, 'plans', (tx) => tx.retention.deletePlans(madeBefore));
        const day = dayOf(toTimestamp(clock.now() - Math.max(shortestSpendingMs, runsMs)));
        await daily(round, 'model_spending', (tx) => tx.retention.deleteSpending(day));
        const saidBefore = toTimestamp(clock.now() - Math.max(shortestVerdictsMs, runsMs));
        await daily(round, 'run_verdicts', (tx) => tx.learned.deleteVerdicts(saidBefore));
      }
      const { ageMs, count } = options.rules.alerts;
      if ((ageMs !== null || count !== null) && isDue('words', dayMs)) await walkWords(round);
      return round.end();
    },
  };
}

interface Round {
  isOver(): boolean;
  /** Does the work, counts what it deleted, and pauses for others. */
  work<T extends { readonly deleted: RetentionCounts }>(work: () => Promise<T>): Promise<T>;
  end(): RetentionCounts;
}

function createRound({ clock, log, metrics }: RetentionOptions, signal?: AbortSignal): Round {
  const startedMs = clock.monotonic();
  const counts: Record<string, number> = {};
  return {
    isOver: () => signal?.aborted === true || clock.monotonic() - startedMs >= roundMs,
    async work(work) {
      const workedMs = clock.monotonic();
      const result = await work();
      for (const [table, count] of Object.entries(result.deleted)) {
        if (count === 0) continue;
        counts[table] = (counts[table] ?? 0) + count;
        metrics.increment('fist_retention_deleted_total', { table }, count);
      }
      const tookMs = clock.monotonic() - workedMs;
      await clock.sleep(Math.max(shortestPauseMs, tookMs * pausePerWork), signal).catch(() => undefined);
      return result;
    },
    end() {
      if (Object.keys(counts).length > 0) log.info({ deleted: counts }, 'retention');
      return counts;
    },
  };
}

function passesOf(rules: RetentionRules): readonly Pass[] {
  const byAge = (kind: RetainedKind, rule: RetentionRule, everyMs: number): Pass[] =>
    rule.ageMs === null ? [] : [{ kind, rule, by: 'age', everyMs }];
  const byCount = (kind: RetainedKind, rule: RetentionRule, everyMs: number): Pass[] =>
    rule.count === null ? [] : [{ kind, rule, by: 'count', everyMs }];
  return [
    ...(['runs', 'events', 'dead-letters'] as const).flatMap((kind) => [
      ...byAge(kind, rules[kind], 0),
      ...byCount(kind, rules[kind], 0),
    ]),
    ...byAge('deliveries', rules.runs, dayMs),
    // After the runs, because an alert stays while a run is of it.
    ...byAge('alerts', rules.alerts, dayMs),
    ...byCount('alerts', rules.alerts, dayMs),
  ];
}

/** From the one that was interrupted on, and round to the others. */
function rotated(passes: readonly Pass[], first: Pass): readonly Pass[] {
  const index = passes.indexOf(first);
  return [...passes.slice(index), ...passes.slice(0, index)];
}
