import { rmSync } from 'node:fs';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const kept = new Set<string>();

/**
 * A temporary folder goes when the process does: at its end, and at a signal that nobody else answers. Returns what forgets
 * a folder that was removed.
 */
export function keepUntilRemoved(folder: string): () => void {
  if (kept.size === 0) {
    process.on('exit', removeAll);
    for (const signal of signals) process.on(signal, endBy);
  }
  kept.add(folder);
  return () => {
    kept.delete(folder);
    if (kept.size === 0) stopListening();
  };
}

function removeAll(): void {
  for (const folder of kept) rmSync(folder, { recursive: true, force: true });
}

/** Whoever else listens ends the process in its own time; where nobody does, the signal does what it does without us. */
function endBy(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeAll();
  stopListening();
  process.kill(process.pid, signal);
}

function stopListening(): void {
  process.off('exit', removeAll);
  for (const signal of signals) process.off(signal, endBy);
}
