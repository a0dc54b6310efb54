import { deliveryEvents } from '../core/delivery.ts';
import type { DeliveryEvent } from '../core/delivery.ts';

/** Where an incident is told in Slack, as the reference of a delivery keeps it. */
export interface SlackPlace {
  /** Id of the channel; as it is configured until a message was posted. */
  readonly channel: string;
  /** Of the message whose thread goes on; null = it is gone, or nobody knows whether it was posted. */
  readonly ts: string | null;
  /** Messages to the channel until now, with those that may have come; 0 = the thread is that of another alert. */
  readonly posts: number;
  /** What was told last; null = nothing is certain to be. */
  readonly told: DeliveryEvent | null;
  readonly severity: string;
}

/** An alert that fires again so long after the first message goes on in its thread. */
const recentMs = 3_600_000;

/** `C0123456789/1700000000.000100/1/run-finished/critical`. */
export function referenceOf({ channel, ts, posts, told, severity }: SlackPlace): string {
  return [channel, ts ?? '-', posts, told ?? '-', severity].join('/');
}

/** Reads a reference; null where it is none. Pure. */
export function placeOf(reference: string | null): SlackPlace | null {
  const [, channel, ts, posts, told, severity] =
    /^(.+)\/(-|\d+\.\d+)\/(\d+)\/([-a-z]+)\/([a-z]*)$/.exec(reference ?? '') ?? [];
  if (channel === undefined) return null;
  return {
    channel,
    ts: ts === undefined || ts === '-' ? null : ts,
    posts: Number(posts),
    told: deliveryEvents.find((event) => event === told) ?? null,
    severity: severity ?? '',
  };
}

/** The place of an episode that is over, where it began a short while ago: an alert that flaps has one thread. */
export function stillRecent(place: SlackPlace | null, nowMs: number): SlackPlace | null {
  if (place === null || place.ts === null) return null;
  return nowMs - Number(place.ts) * 1000 < recentMs ? place : null;
}

/** Slack takes names in the place of some ids only. */
export function isSlackId(channel: string): boolean {
  return /^[CGD][A-Z0-9]{7,}$/.test(channel);
}
