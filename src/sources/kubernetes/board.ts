import type { AlertItem, Labels } from '../../core/alert.ts';
import type { Notification } from '../../core/event.ts';
import { toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { sha256Hex } from '../../lib/hash.ts';
import type { OpenAlert } from '../define.ts';
import { alertItem } from '../formats/alert.ts';

/** What an alert is about, and what it says. */
export interface Subject {
  /** Names it among the alerts of the Source; the alert has it as its external id. */
  readonly key: string;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** Alerts of a Source that watches, from what it saw: those that fire, and those that lately did. */
export interface Board {
  /** It happened at `at`, of which we heard at `heardMs`. `since`: when what it is a part of began. */
  fire(subject: Subject, at: Timestamp, heardMs: number, since?: Timestamp): void;
  /** It is over; nothing where it does not fire. */
  resolve(key: string, at: Timestamp): void;
  /** Resolves what was last heard of `quietMs` before `nowMs` or earlier. */
  resolveQuiet(nowMs: number, quietMs: number): void;
  /** When it last happened; null = not known. */
  lastAt(key: string): Timestamp | null;
  /** Keys of those that fire. */
  firing(): readonly string[];
  /** How much waits for `take`. */
  pending(): number;
  /** What is to be told, once; what fires and happened again is told once a minute. */
  take(nowMs: number): readonly AlertItem[];
}

interface Entry {
  subject: Subject;
  startsAt: Timestamp;
  lastAt: Timestamp;
  heardMs: number;
  fires: boolean;
  /** When it was told last; it is told again where it happened since. */
  toldMs: number;
}

const tellAgainMs = 60_000;
/** Kept so long after it was over, so that the same is not told twice: Events live for an hour. */
const keptMs = 2 * 3_600_000;
/** Beyond it the oldest is forgotten; where it fires it ends by `expireAfter`. */
const mostEntries = 20_000;

/** Goes on with what fires already. `wants`: what is not wanted of the rest is not noted. */
export function createBoard(open: readonly OpenAlert[], wants: (labels: Labels) => boolean): Board {
  const entries = new Map<string, Entry>();
  const waiting: AlertItem[] = [];
  for (const { externalId, labels, annotations, startsAt, lastReceivedAt, createdAt } of open) {
    if (externalId === null) continue;
    const heardMs = toEpochMs(lastReceivedAt);
    const began = startsAt ?? createdAt;
    const subject = { key: externalId, labels, annotations };
    entries.set(externalId, { subject, startsAt: began, lastAt: began, heardMs, fires: true, toldMs: heardMs });
  }

  function keep(entry: Entry): void {
    const { key } = entry.subject;
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > mostEntries) entries.delete(entries.keys().next().value ?? '');
  }

  function close(entry: Entry, at: Timestamp): void {
    entry.fires = false;
    waiting.push(itemOf(entry, at));
  }

  return {
    fire(subject, at, heardMs, since = at) {
      const before = entries.get(subject.key);
      if (before?.fires === true && isSameAlert(before.subject, subject)) {
        const isLater = at > before.lastAt;
        // Where it is no later it is what we know.
        if (isLater) Object.assign(before, { subject, lastAt: at });
        before.heardMs = Math.max(before.heardMs, heardMs);
        return;
      }
      // The Source gave it other labels until now, so it was another alert: nobody else would end that one.
      if (before?.fires === true) close(before, before.lastAt);
      if (!wants(subject.labels)) return;
      const entry = { subject, startsAt: since, lastAt: at, heardMs, fires: true, toldMs: heardMs };
      keep(entry);
      waiting.push(itemOf(entry, null));
    },
    resolve(key, at) {
      const entry = entries.get(key);
      if (entry?.fires === true) close(entry, at);
    },
    resolveQuiet(nowMs, quietMs) {
      for (const entry of entries.values()) {
        if (entry.fires && nowMs - entry.heardMs >= quietMs) close(entry, entry.lastAt);
        if (!entry.fires && nowMs - entry.heardMs >= keptMs) entries.delete(entry.subject.key);
      }
    },
    lastAt: (key) => entries.get(key)?.lastAt ?? null,
    firing: () => [...entries].filter(([, { fires }]) => fires).map(([key]) => key),
    pending: () => waiting.length,
    take(nowMs) {
      for (const entry of entries.values()) {
        if (!entry.fires || entry.heardMs <= entry.toldMs || nowMs - entry.toldMs < tellAgainMs) continue;
        entry.toldMs = nowMs;
        waiting.push(itemOf(entry, null));
      }
      return waiting.splice(0);
    },
  };
}

function isSameAlert(one: Subject, other: Subject): boolean {
  const names = Object.keys(one.labels);
  return (
    names.length === Object.keys(other.labels).length && names.every((name) => one.labels[name] === other.labels[name])
  );
}

function itemOf({ subject: { key, labels, annotations }, startsAt }: Entry, endsAt: Timestamp | null): AlertItem {
  const status = endsAt === null ? 'firing' : 'resolved';
  return alertItem({
    status,
    labels,
    annotations,
    generatorUrl: null,
    externalId: key,
    startsAt,
    endsAt,
    skewed: false,
  });
}

/** What a Source saw, as a notification. */
export function notificationOf(items: readonly AlertItem[]): Notification {
  const alerts = items.map(({ status, labels, annotations, startsAt, endsAt }) => {
    return { status, labels, annotations, startsAt, endsAt };
  });
  const body = JSON.stringify({ alerts });
  return {
    items,
    bad: [],
    moreBad: 0,
    unread: null,
    groupKey: null,
    receiver: null,
    truncatedAlerts: 0,
    deliveryKey: null,
    body,
    contentHash: sha256Hex(body),
  };
}

/** The later of two. */
export function laterOf(one: Timestamp, other: Timestamp): Timestamp {
  return one > other ? one : other;
}

/** No later than now: what lies ahead is a clock that is wrong. */
export function notAhead(time: Timestamp, nowMs: number): Timestamp {
  const now = toTimestamp(nowMs);
  return time > now ? now : time;
}
