import { randomInt, randomUUID } from 'node:crypto';

/** The last moment that an id was made for, and how many it has; see RFC 9562, 6.2, method 1. */
let lastMs = 0;
let count = 0;

/**
 * A new UUID v7. Ids of one process sort in the order in which they were made, also within a millisecond and when the
 * machine's clock is set back.
 */
export function newId(): string {
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    count = randomInt(0x800);
  } else if (count < 0xfff) {
    count += 1;
  } else {
    lastMs += 1;
    count = 0;
  }
  const time = lastMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, '0')}-${randomUUID().slice(19)}`;
}

/** The lowest id that {@link newId} makes at this time, in milliseconds since the epoch: all earlier ids are below it. */
export function lowestIdAt(epochMs: number): string {
  const time = Math.max(0, Math.trunc(epochMs)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}
