import type { Timestamp } from './time.ts';

/** What retention takes away by age and count, each with all that belongs to it. */
export const retainedKinds = ['runs', 'deliveries', 'events', 'dead-letters', 'alerts'] as const;
/**
 * `runs`: finished ones with their steps, evidence, agent events and deliveries. `deliveries`: those of no run. `events`: source events.
 * `alerts`: resolved ones with their labels, words and history; of those that stay, what is old of their history.
 */
export type RetainedKind = (typeof retainedKinds)[number];

/** A part of a table in the order of its ids, which is the order in which the rows were made. */
export interface RetentionPage {
  /** Id of the last row of the page before; '' = from the oldest on. */
  readonly after: string;
  /** Only rows with a smaller id. */
  readonly before: string;
  /** Only what ended, or was last received, earlier. */
  readonly endedBefore: Timestamp;
  /** Rows that are looked at, at most. */
  readonly limit: number;
}

export interface RetentionStep {
  /** `after` of the next page; null = that was the last. */
  readonly next: string | null;
  /** Deleted rows by table. */
  readonly deleted: RetentionCounts;
}

/** A place in the index of words. */
export interface WordPlace {
  readonly word: string;
  readonly alertId: string;
}

export interface WordsStep {
  /** `after` of the next step; null = that was the last. */
  readonly next: WordPlace | null;
  readonly deleted: RetentionCounts;
}

/** Deleted rows by table; tables of which nothing was deleted may be absent. */
export type RetentionCounts = Readonly<Record<string, number>>;

/** What retention writes. */
export interface RetentionStore {
  /**
   * Deletes what may go of one page, of runs with many events a part of it. What an unfinished run, an open alert or a pending delivery refers to stays, and so
   * do these themselves.
   */
  deletePage(kind: RetainedKind, page: RetentionPage): Promise<RetentionStep>;
  /** Id of the oldest row among the newest `count`; null = there are not so many. */
  oldestOfNewest(kind: RetainedKind, count: number): Promise<string | null>;
  /** Deletes plans made before that no run has, but for the newest of each Workflow that there is. Returns how many. */
  deletePlans(madeBefore: Timestamp): Promise<number>;
  /** Deletes what was spent on UTC days before this one, `2026-11-23`. Returns how many rows. */
  deleteSpending(beforeDay: string): Promise<number>;
  /**
   * Deletes words of alerts that are gone, among the next `limit` in the order of the index: those of earlier summaries, of
   * which the deletion of an alert does not know. `after` null: from the start.
   */
  deleteOrphanWords(after: WordPlace | null, limit: number): Promise<WordsStep>;
}

/** How long something is kept: by age, by count, by whichever comes first, or for ever. */
export interface RetentionRule {
  /** null = whatever its age. At least {@link shortestAgeMs}. */
  readonly ageMs: number | null;
  /** The newest so many; null = however many there are. */
  readonly count: number | null;
}

/** What is younger always stays: cooldowns, flap caps and repeats of senders look back so far. */
export const shortestAgeMs = 60 * 60_000;

/** Deliveries go with their run; those of no run are kept as long as runs. */
export type RetentionRules = Readonly<Record<Exclude<RetainedKind, 'deliveries'>, RetentionRule>>;

const forever: RetentionRule = { ageMs: null, count: null };
/** Nothing is ever deleted. */
export const keepEverything: RetentionRules = {
  runs: forever,
  events: forever,
  'dead-letters': forever,
  alerts: forever,
};
