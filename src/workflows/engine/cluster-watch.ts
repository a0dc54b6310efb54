import { toAppError } from '../../core/errors.ts';
import { withReads } from '../../core/cluster.ts';
import type { Cluster } from '../../core/cluster.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { Store } from '../../core/store.ts';
import { toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';

/** Runs that are woken when the cluster is back; further ones wait out their pauses. */
const mostWaiting = 1000;

/** Whether the cluster answers, as this process sees it, and who waits for that (design 3.1.10). */
export interface ClusterWatch {
  /** The same cluster, whoever asks it; its answers are noted. */
  noted(cluster: Cluster): Cluster;
  /** When it last answered a read; null = it did not yet. */
  answeredAt(): Timestamp | null;
  /** The run waits for its next attempt because the cluster could not be read. */
  waits(runId: string): void;
}

/** Asks nothing itself: the first run whose pause is over finds out, and the others do not wait for theirs. */
export function watchCluster({
  store,
  clock,
  log,
}: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): ClusterWatch {
  const waiting = new Set<string>();
  let answeredMs: number | null = null;

  async function wake(): Promise<void> {
    const ids = [...waiting];
    waiting.clear();
    const now = toTimestamp(clock.now());
    await store.transaction('run-wait', async (tx) => {
      for (const id of ids) await tx.runs.hasten(id, now);
    });
    log.info({ runs: ids.length }, 'the cluster answers again; runs that waited for it go on');
  }

  async function noted<T>(read: Promise<T>): Promise<T> {
    const result = await read;
    answeredMs = clock.now();
    if (waiting.size > 0) {
      wake().catch((error: unknown) =>
        log.warn({ error: toAppError(error).message }, 'runs that wait for the cluster could not be woken'),
      );
    }
    return result;
  }

  return {
    noted: (cluster) => withReads(cluster, noted),
    answeredAt: () => (answeredMs === null ? null : toTimestamp(answeredMs)),
    waits(runId) {
      if (waiting.size < mostWaiting) waiting.add(runId);
    },
  };
}
