import { randomInt, randomUUID } from 'node:crypto';

/** The last moment that an id was made for, and how many it has; see RFC 9562, 6.2, method 1. */
interface Sequence {
  lastMs: number;
  count: number;
}

const ofMachine: Sequence = { lastMs: 0, count: 0 };
/** Apart: a machine whose clock is ahead must not draw the ids of the store's time after it. */
const ofStore: Sequence = { lastMs: 0, count: 0 };

/**
 * A new UUID v7. Ids of one process sort in the order in which they were made, also within a millisecond and when the
 * machine's clock is set back.
 */
export function newId(): string {
  return next(ofMachine, Date.now());
}

/**
 * The same for a moment of the store's clock, in milliseconds since the epoch: these ids sort by it among all replicas,
 * however the clocks of their machines are set, and within one process in the order in which they were made.
 */
export function newIdAt(epochMs: number): string {
  return next(ofStore, epochMs);
}

function next(sequence: Sequence, nowMs: number): string {
  if (nowMs > sequence.lastMs) {
    sequence.lastMs = nowMs;
    sequence.count = randomInt(0x800);
  } else if (sequence.count < 0xfff) {
    sequence.count += 1;
  } else {
    sequence.lastMs += 1;
    sequence.count = 0;
  }
  const time = sequence.lastMs.toString(16).padStart(12, '0');
  const count = sequence.count.toString(16).padStart(3, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${randomUUID().slice(19)}`;
}

/** When an id of {@link newId} or {@link newIdAt} was made, in milliseconds since the epoch. */
export function epochMsOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The lowest id that {@link newId} makes at this time, in milliseconds since the epoch: all earlier ids are below it. */
export function lowestIdAt(epochMs: number): string {
  const time = Math.max(0, Math.trunc(epochMs)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}
