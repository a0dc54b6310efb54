import { deliveryEvents } from '../core/delivery.ts';
import type { DeliveryEvent } from '../core/delivery.ts';

/** Where a chat tells an incident, as the reference of a delivery keeps it. */
export interface ChatPlace {
  /** Id of the channel; as it is configured until a message was posted. */
  readonly room: string;
  /** Of the message that is brought up to date; null = it is gone, or nobody knows whether it was posted. */
  readonly id: string | null;
  /** Messages to the channel until now, with those that may have come; 0 = the thread is that of another alert. */
  readonly posts: number;
  /** What was told last; null = nothing is certain to be. */
  readonly told: DeliveryEvent | null;
  readonly severity: string;
  /** When the first message was posted, seconds since the epoch. */
  readonly since: number;
}

/** An alert that fires again so long after the first message goes on there. */
const recentMs = 3_600_000;

/** `C0123456789/1700000000.000100/1/run-finished/critical/1700000000`. */
export function referenceOf({ room, id, posts, told, severity, since }: ChatPlace): string {
  return [threadOf({ room, id }), posts, told ?? '-', severity, since].join('/');
}

/** The message of a place: what the references of all that is told below it begin with. */
export function threadOf({ room, id }: Pick<ChatPlace, 'room' | 'id'>): string {
  return `${encodeURIComponent(room)}/${id ?? '-'}`;
}

/** Reads a reference; null where it is none. Pure. */
export function placeOf(reference: string | null): ChatPlace | null {
  const parts = /^([^/]+)\/([^/]+)\/(\d+)\/([-a-z]+)\/([a-z]*)\/(\d+)$/.exec(reference ?? '');
  if (parts === null) return null;
  const [, room = '', id = '', posts, told, severity = '', since] = parts;
  return {
    room: decodeURIComponent(room),
    id: id === '-' ? null : id,
    posts: Number(posts),
    told: deliveryEvents.find((event) => event === told) ?? null,
    severity,
    since: Number(since),
  };
}

/** The place of an episode that is over, where it began a short while ago: an alert that flaps is told in one. */
export function stillRecent(place: ChatPlace | null, nowMs: number): ChatPlace | null {
  return place !== null && place.id !== null && nowMs - place.since * 1000 < recentMs ? place : null;
}
