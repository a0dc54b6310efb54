import type { Severity } from '../../core/alert.ts';
import { isOwnEvent } from '../../core/cluster.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { parseRfc3339 } from '../../core/rfc3339.ts';
import { addMs, toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { laterOf, notAhead } from './board.ts';
import type { Board } from './board.ts';
import { keyOf, labelsOf, titleOf } from './subject.ts';
import type { Named } from './subject.ts';
import type { Watcher } from './watcher.ts';

const longestText = 2048;

export interface EventOptions {
  readonly severity: Severity;
  /** null: each alert is named by the reason. */
  readonly alertName: string | null;
  readonly quietMs: number;
}

/** One Event, or a series of them. */
interface Happening {
  readonly about: Named;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstAt: Timestamp;
  readonly lastAt: Timestamp;
  /** By the clock of the API server. */
  readonly createdAt: Timestamp;
}

/**
 * One alert for each object and reason of Warning Events, however many Events there are of them; it ends when the reason was
 * not heard for `quietMs`. An Event that was there before the Source got so far is none that happened.
 */
export function watchEvents(board: Board, { severity, alertName, quietMs }: EventOptions): Watcher {
  /** `heardOf` answers when it was heard of; null = it is old. */
  function take(
    object: KubernetesObject,
    nowMs: number,
    heardOf: (happening: Happening, key: string) => number | null,
  ): void {
    const happening = readEvent(object, nowMs);
    if (happening === null) return;
    const { about, reason, message, count, firstAt, lastAt } = happening;
    const key = `${keyOf(about)}/${reason}`;
    const heardMs = heardOf(happening, key);
    if (heardMs === null) return;
    const labels = { ...labelsOf(alertName ?? reason, severity, about), reason };
    const annotations = { summary: `${titleOf(about)}: ${reason}`, description: message, count: String(count) };
    // A series that began long ago and was quiet since is another happening.
    const isOne = toEpochMs(lastAt) - toEpochMs(firstAt) < quietMs;
    board.fire({ key, labels, annotations }, lastAt, heardMs, isOne ? firstAt : lastAt);
  }

  return {
    listing: () => undefined,
    listed(object, passed, nowMs) {
      take(object, nowMs, ({ lastAt, createdAt }, key) => {
        const known = board.lastAt(key);
        const heardAt = laterOf(lastAt, createdAt);
        const isOld = known === null ? heardAt <= passed : lastAt <= known;
        return isOld ? null : Math.min(nowMs, toEpochMs(heardAt));
      });
    },
    endOfList: () => undefined,
    changed(type, object, nowMs) {
      // Events are deleted when they are old.
      if (type !== 'deleted') take(object, nowMs, () => nowMs);
    },
    judge: (aliveMs) => board.resolveQuiet(aliveMs, quietMs),
    /** What goes on when the Source is declared is news. */
    firstPassed: (nowMs) => toTimestamp(nowMs - quietMs),
  };
}

/** null for what is none: also what this program says itself, which would come back to it for ever. */
function readEvent(object: KubernetesObject, nowMs: number): Happening | null {
  if (isOwnEvent(object)) return null;
  const { metadata, involvedObject, regarding, series } = object as unknown as EventFields;
  const about = involvedObject ?? regarding;
  const { reason, type } = object;
  if (type !== 'Warning' || typeof reason !== 'string' || reason === '' || about?.name === undefined) return null;
  const createdAt = timeOf(metadata?.creationTimestamp) ?? toTimestamp(nowMs);
  const firstAt = timeOf(object['firstTimestamp']) ?? timeOf(object['eventTime']) ?? createdAt;
  const lastAt = timeOf(series?.lastObservedTime) ?? timeOf(object['lastTimestamp']) ?? firstAt;
  const count = series?.count ?? object['count'];
  return {
    about: { kind: short(about.kind ?? ''), namespace: short(about.namespace ?? ''), name: short(about.name) },
    reason: short(reason),
    message: textOf(object['message'] ?? object['note']).slice(0, longestText),
    count: typeof count === 'number' ? count : 1,
    firstAt: notAhead(firstAt, nowMs),
    lastAt: notAhead(laterOf(firstAt, lastAt), nowMs),
    createdAt,
  };
}

interface EventFields {
  readonly metadata?: { readonly creationTimestamp?: unknown };
  readonly involvedObject?: Partial<Named>;
  readonly regarding?: Partial<Named>;
  readonly series?: { readonly count?: unknown; readonly lastObservedTime?: unknown };
}

function timeOf(value: unknown): Timestamp | null {
  return typeof value === 'string' ? (parseRfc3339(value) ?? null) : null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function short(text: string): string {
  return text.slice(0, 253);
}

/** Clocks of nodes may be so far apart from the API server's, and what was seen then was perhaps not told. */
export function withMargin(passed: Timestamp): Timestamp {
  return addMs(passed, -60_000);
}
