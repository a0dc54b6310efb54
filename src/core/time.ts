/** A moment as UTC ISO 8601 with milliseconds and `Z`, always 24 characters, so that text order is time order. */
export type Timestamp = string;

/** Milliseconds since the epoch to a {@link Timestamp}. */
export function toTimestamp(epochMs: number): Timestamp {
  return new Date(epochMs).toISOString();
}

/** A {@link Timestamp} to milliseconds since the epoch. */
export function toEpochMs(timestamp: Timestamp): number {
  return Date.parse(timestamp);
}

/** The timestamp `milliseconds` later (or earlier, if negative). */
export function addMs(timestamp: Timestamp, milliseconds: number): Timestamp {
  return toTimestamp(toEpochMs(timestamp) + milliseconds);
}
