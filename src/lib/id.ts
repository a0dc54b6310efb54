import { randomUUIDv7 } from 'node:crypto';

/** A new UUID v7: ids sort by the time they were made. */
export function newId(): string {
  return randomUUIDv7();
}
