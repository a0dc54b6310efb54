import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { redact } from '../../lib/redact.ts';
import { kindOf } from '../define.ts';
import type { EventView, EvidenceDraft, Target } from '../define.ts';
import { numberAt, textAt, timeAt } from './fields.ts';

/**
 * Reads an event as the API writes it: `count` and `lastTimestamp`, or `series`, or only `eventTime`; what core/v1 wrote
 * reads as `deprecatedCount` and so on in events.k8s.io/v1.
 */
export function eventView(event: KubernetesObject): EventView {
  const created = timeAt(event, 'metadata', 'creationTimestamp');
  const eventTime = timeAt(event, 'eventTime');
  const about = aboutOf(event);
  return {
    type: textAt(event, 'type'),
    reason: textAt(event, 'reason'),
    message: inLines(textAt(event, 'message') || textAt(event, 'note')),
    container: /\{([^}]{1,63})\}$/.exec(textAt(about, 'fieldPath'))?.[1] ?? '',
    count: numberAt(event, 'series', 'count') ?? numberAt(event, 'count') ?? numberAt(event, 'deprecatedCount') ?? 1,
    first: timeAt(event, 'firstTimestamp') ?? timeAt(event, 'deprecatedFirstTimestamp') ?? eventTime ?? created,
    last:
      timeAt(event, 'series', 'lastObservedTime') ??
      timeAt(event, 'lastTimestamp') ??
      timeAt(event, 'deprecatedLastTimestamp') ??
      eventTime ??
      created,
  };
}

/** What is known to be a secret by its lines alone is taken out before anybody joins them. */
function inLines(message: string): string {
  return message.includes('\n') ? redact(message) : message;
}

/** Events of a pod that are not about another of its containers: one that names none may be about each. */
export function eventsOfContainer(events: readonly EventView[], name: string): readonly EventView[] {
  return events.filter(({ container }) => container === '' || container === name);
}

/** The reference to what an event is about: core/v1 says `involvedObject`, events.k8s.io `regarding`. */
export function aboutOf(event: KubernetesObject): unknown {
  return event['involvedObject'] ?? event['regarding'];
}

/** Whether an event is about this object: kind and name, and the UID where both have one. */
export function isAbout(event: KubernetesObject, kind: string, name: string, uid: string | undefined): boolean {
  const about = aboutOf(event);
  if (textAt(about, 'kind').toLowerCase() !== kind || textAt(about, 'name') !== name) return false;
  const aboutUid = textAt(about, 'uid');
  // Events about nodes carry the node's name as UID.
  return uid === undefined || aboutUid === '' || aboutUid === uid || aboutUid === name;
}

/** Evidence of an object's events: those newest last, at most 25. The same for every finding about the object. */
export function eventsEvidence(
  target: Pick<Target, 'kind' | 'namespace' | 'name'>,
  events: readonly EventView[],
): EvidenceDraft {
  const lines = events
    .slice(-25)
    .map(
      (event) => `${event.last ?? 'unknown time'}  ${event.type}  ${event.reason}  x${event.count}  ${event.message}`,
    );
  return {
    read: { kind: 'events', of: kindOf(target), namespace: target.namespace, name: target.name },
    excerpt: lines.join('\n'),
  };
}

/** Warnings with one of these reasons, seen within `milliseconds` before `now`. */
export function recentWarnings(
  events: readonly EventView[],
  reasons: readonly string[],
  now: Timestamp,
  milliseconds = 3_600_000,
): readonly EventView[] {
  const since = addMs(now, -milliseconds);
  return events.filter(
    (event) =>
      event.type === 'Warning' && reasons.includes(event.reason) && (event.last === null || event.last >= since),
  );
}
