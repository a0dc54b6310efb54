/** Keys, each with the time at which it is due. Times are monotonic milliseconds. */
export interface KeyedDelays {
  /** One that waits already is due at the earlier time, and keeps its place among those of that time. */
  add(key: string, atMs: number): void;
  remove(key: string): void;
  /** Takes out the key that has been due for the longest. */
  take(nowMs: number): string | undefined;
  nextAtMs(): number | null;
  dueCount(nowMs: number): number;
}

interface Entry {
  readonly key: string;
  readonly atMs: number;
  /** Those of one time come in the order in which they were added. */
  readonly order: number;
}

/** A binary heap; what was moved or removed stays in it until it comes to the top. */
export function createKeyedDelays(): KeyedDelays {
  const current = new Map<string, Entry>();
  let heap: Entry[] = [];
  let order = 0;

  function isBefore(one: Entry, other: Entry): boolean {
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
  }

  function push(entry: Entry): void {
    let at = heap.length;
    heap.push(entry);
    for (let above = (at - 1) >> 1; at > 0; above = (at - 1) >> 1) {
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  function pop(): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = at * 2 + 1;
      const left = heap[below];
      const right = heap[below + 1];
      if (left === undefined) break;
      const least = right !== undefined && isBefore(right, left) ? right : left;
      if (least === right) below += 1;
      if (!isBefore(least, last)) break;
      heap[at] = least;
      at = below;
    }
    heap[at] = last;
  }

  function top(): Entry | undefined {
    while (heap[0] !== undefined && current.get(heap[0].key) !== heap[0]) pop();
    return heap[0];
  }

  return {
    add(key, atMs) {
      const known = current.get(key);
      if (known !== undefined && known.atMs <= atMs) return;
      const entry = { key, atMs, order: (order += 1) };
      current.set(key, entry);
      // Of keys that are added sooner and sooner, most entries are of no use.
      if (heap.length > 2 * current.size + 16) {
        heap = [];
        for (const kept of current.values()) push(kept);
      } else push(entry);
    },
    remove: (key) => void current.delete(key),
    take(nowMs) {
      const first = top();
      if (first === undefined || first.atMs > nowMs) return undefined;
      pop();
      current.delete(first.key);
      return first.key;
    },
    nextAtMs: () => top()?.atMs ?? null,
    dueCount(nowMs) {
      let count = 0;
      for (const { atMs } of current.values()) if (atMs <= nowMs) count += 1;
      return count;
    },
  };
}
