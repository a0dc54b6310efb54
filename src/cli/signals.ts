const stopSignals = ['SIGINT', 'SIGTERM'] as const;
type StopSignal = (typeof stopSignals)[number];

/** What a shell reports for a process that was ended by the signal. */
export const exitCodeOf: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Ctrl-C may come more than once: the terminal signals every process of the group, and npm passes it on. What follows the
 * first within this time is a copy of it.
 */
const copiesMs = 1000;

/**
 * Calls `stop` at the first SIGINT or SIGTERM, and `end` at a later one that a person sent again. Returns how to stop
 * listening.
 */
export function onStopSignals(
  stop: () => void,
  end: (signal: StopSignal) => void,
  now: () => number = () => performance.now(),
): () => void {
  let firstAt: number | null = null;
  const handle = (signal: StopSignal) => {
    if (firstAt === null) {
      firstAt = now();
      stop();
    } else if (now() - firstAt >= copiesMs) end(signal);
  };
  for (const signal of stopSignals) process.on(signal, handle);
  return () => {
    for (const signal of stopSignals) process.off(signal, handle);
  };
}
