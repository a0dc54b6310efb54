/** How often the loop is looked at: a stretch of work shows with all of its length but this. */
const everyMs = 10;

/**
 * Tells every 10 ms how much later than asked the event loop came to it, in seconds: what blocks the loop shows here.
 * Returns what stops it; it keeps no process alive. `monotonic` in milliseconds.
 */
export function watchEventLoop(
  record: (seconds: number) => void,
  monotonic: () => number = () => performance.now(),
): () => void {
  let lastMs = monotonic();
  const timer = setInterval(() => {
    const nowMs = monotonic();
    record(Math.max(0, nowMs - lastMs - everyMs) / 1000);
    lastMs = nowMs;
  }, everyMs).unref();
  return () => clearInterval(timer);
}
