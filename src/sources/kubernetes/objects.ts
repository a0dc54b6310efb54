import type { Severity } from '../../core/alert.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { parseRfc3339 } from '../../core/rfc3339.ts';
import { laterOf, notAhead } from './board.ts';
import type { Board, Subject } from './board.ts';
import { keyOf, labelsOf, titleOf } from './subject.ts';
import type { Watcher } from './watcher.ts';

export interface ObjectOptions {
  readonly event: 'added' | 'modified' | 'deleted';
  readonly severity: Severity;
  /** null: `PodAdded`. */
  readonly alertName: string | null;
  /** An object that was not changed for so long is left alone. */
  readonly quietMs: number;
}

/** Of an object that is there. */
interface Known {
  /** Changes with what somebody wants of it, where it has such a number; else with everything. */
  readonly version: string;
  readonly subject: Subject;
}

/** More objects than this are not remembered, so what is deleted or changed of them between two lists is not seen. */
const mostKnown = 50_000;

/**
 * One alert for each object. added: from its creation until it is deleted. deleted: from then until there is one of its name
 * again. modified: from a change of what is wanted of it until it was left alone for `quietMs`.
 */
export function watchObjects(board: Board, options: ObjectOptions): Watcher {
  const { event, severity, alertName, quietMs } = options;
  const known = new Map<string, Known>();
  let seen = new Set<string>();

  function subjectOf({ kind = '', metadata }: KubernetesObject): Subject {
    const about = { kind, namespace: metadata.namespace ?? '', name: metadata.name };
    const alertname = alertName ?? `${kind}${event[0]?.toUpperCase()}${event.slice(1)}`;
    const labels = labelsOf(alertname, severity, about);
    return { key: `${keyOf(about)}/${event}`, labels, annotations: { summary: `${titleOf(about)} was ${event}` } };
  }

  function note(subject: Subject, object: KubernetesObject): void {
    if (known.size < mostKnown || known.has(subject.key))
      known.set(subject.key, { version: versionOf(object), subject });
  }

  function isThere(object: KubernetesObject, nowMs: number, isNew: (createdAt: Timestamp) => boolean): void {
    const subject = subjectOf(object);
    const { key } = subject;
    const before = known.get(key);
    note(subject, object);
    const now = toTimestamp(nowMs);
    const createdAt = notAhead(parseRfc3339(object.metadata.creationTimestamp ?? '') ?? now, nowMs);
    if (event === 'added' && before === undefined && isNew(createdAt)) board.fire(subject, createdAt, nowMs);
    if (event === 'deleted') board.resolve(key, now);
    if (event === 'modified' && before !== undefined && before.version !== versionOf(object))
      board.fire(subject, now, nowMs);
  }

  function isGone(subject: Subject, at: Timestamp, nowMs: number): void {
    known.delete(subject.key);
    if (event === 'added') board.resolve(subject.key, at);
    if (event === 'deleted') board.fire(subject, at, nowMs);
  }

  return {
    listing: () => void (seen = new Set()),
    listed(object, passed, nowMs) {
      seen.add(subjectOf(object).key);
      isThere(
        object,
        nowMs,
        (createdAt) => createdAt > passed && createdAt > (board.lastAt(subjectOf(object).key) ?? ''),
      );
    },
    endOfList(nowMs) {
      const now = toTimestamp(nowMs);
      for (const [key, { subject }] of known) if (!seen.has(key)) isGone(subject, now, nowMs);
      // Of what an earlier process knew.
      if (event === 'added') for (const key of board.firing()) if (!seen.has(key)) board.resolve(key, now);
      seen = new Set();
    },
    changed(type, object, nowMs) {
      if (type !== 'deleted') return isThere(object, nowMs, () => true);
      const deletedAt = parseRfc3339(object.metadata.deletionTimestamp ?? '');
      // It may have been on its way for a while, and it may have been alerted about later.
      const subject = subjectOf(object);
      const at = notAhead(deletedAt ?? toTimestamp(nowMs), nowMs);
      isGone(subject, laterOf(at, board.lastAt(subject.key) ?? at), nowMs);
    },
    judge(aliveMs) {
      if (event === 'modified') board.resolveQuiet(aliveMs, quietMs);
    },
    firstPassed: (nowMs) => toTimestamp(nowMs),
  };
}

function versionOf({ metadata: { uid = '', generation, resourceVersion = '' } }: KubernetesObject): string {
  return `${uid} ${generation ?? resourceVersion}`;
}
