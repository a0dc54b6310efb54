import { withReads } from '../core/cluster.ts';
import { toAppError } from '../core/errors.ts';
import type { ClusterHealth, Clock } from '../core/ports.ts';
import { toTimestamp } from '../core/time.ts';
import { formatDuration } from '../lib/duration.ts';
import { oneLine } from '../lib/printable.ts';
import type { SharedCluster } from './tenancy.ts';

/** A check that takes longer has its answer: no. */
const checkMs = 3000;

/** A cluster whose failures are noted, whoever looks at it. */
export interface WatchedCluster extends SharedCluster {
  readonly health: ClusterHealth;
}

function failureText(thrown: unknown): string {
  return oneLine(toAppError(thrown).message, 300);
}

/** The same cluster, and its health. */
export function watchClusterHealth(shared: SharedCluster, clock: Clock): WatchedCluster {
  const { cluster, asAccount } = shared;
  let last: { readonly message: string; readonly at: string } | null = null;

  async function noted<T>(read: Promise<T>): Promise<T> {
    try {
      return await read;
    } catch (thrown) {
      last = { message: failureText(thrown), at: toTimestamp(clock.now()) };
      throw thrown;
    }
  }

  const watched = withReads(cluster, noted);

  /** One small read; a refusal is an answer too. */
  async function problem(): Promise<string | null> {
    const done = new AbortController();
    const late = clock.sleep(checkMs, done.signal).then(
      () => `no answer within ${formatDuration(checkMs)}`,
      () => null,
    );
    try {
      return await Promise.race([watched.get('namespaces', null, 'default').then(() => null), late]);
    } catch (thrown) {
      // Not the last of all: others look at the same time.
      return failureText(thrown);
    } finally {
      done.abort();
    }
  }

  return {
    ...shared,
    cluster: watched,
    asAccount(place) {
      const own = asAccount(place);
      return own && withReads(own, noted);
    },
    health: { description: cluster.name ?? cluster.description, problem, lastFailure: () => last },
  };
}
