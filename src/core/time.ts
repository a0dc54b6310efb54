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

/** Its UTC day, `2026-11-23`. */
export function dayOf(timestamp: Timestamp): string {
  return timestamp.slice(0, 10);
}

/** A time for people, to the second: `2026-11-23 18:07:14 UTC`. */
export function timeText(time: Timestamp | null): string {
  return time === null ? 'an unknown time' : `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** A time for people, to the minute: `2026-11-23 18:07 UTC`. */
export function minuteText(time: Timestamp): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

/** How long something took, for people: `0.3s`, and from ten seconds on as {@link durationText}. */
export function secondsText(milliseconds: number): string {
  return milliseconds < 10_000 ? `${(Math.max(0, milliseconds) / 1000).toFixed(1)}s` : durationText(milliseconds);
}

/** How long ago a time was, as {@link durationText}. */
export function elapsedText(since: Timestamp, nowMs: number): string {
  return durationText(nowMs - toEpochMs(since));
}

/** `1m34s`, `2h5m`, `3d4h`: the two largest units. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const;
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join('') || '0s';
}
