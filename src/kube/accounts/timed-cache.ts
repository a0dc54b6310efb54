/** Values that are of use for a while. Times are monotonic milliseconds. */
export interface TimedCache<T> {
  get(key: string, nowMs: number): T | undefined;
  set(key: string, value: T, untilMs: number): void;
  delete(key: string): void;
  readonly size: number;
}

/** Holds at most so many; beyond it what was not asked for the longest is forgotten. */
export function createTimedCache<T>(most: number): TimedCache<T> {
  const entries = new Map<string, { readonly value: T; readonly untilMs: number }>();
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.untilMs <= nowMs) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, untilMs) {
      entries.delete(key);
      entries.set(key, { value, untilMs });
      if (entries.size > most) entries.delete(entries.keys().next().value ?? '');
    },
    delete: (key) => void entries.delete(key),
    get size() {
      return entries.size;
    },
  };
}
