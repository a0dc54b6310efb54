import type { Cluster } from '../core/cluster.ts';
import { toAppError } from '../core/errors.ts';
import type { ClusterHealth, Clock } from '../core/ports.ts';
import { toTimestamp } from '../core/time.ts';
import { formatDuration } from '../lib/duration.ts';
import { oneLine } from '../lib/printable.ts';

/** A check that takes longer has its answer: no. */
const checkMs = 3000;

/** The same cluster, whose failures are noted, and its health. */
export function watchClusterHealth(
  cluster: Cluster,
  clock: Clock,
): { readonly cluster: Cluster; readonly health: ClusterHealth } {
  let last: { readonly message: string; readonly at: string } | null = null;

  async function noted<T>(read: Promise<T>): Promise<T> {
    try {
      return await read;
    } catch (thrown) {
      last = { message: oneLine(toAppError(thrown).message, 300), at: toTimestamp(clock.now()) };
      throw thrown;
    }
  }

  const watched: Cluster = {
    ...cluster,
    get: (resource, namespace, name) => noted(cluster.get(resource, namespace, name)),
    list: (query) => noted(cluster.list(query)),
    logs: (query) => noted(cluster.logs(query)),
  };

  /** One small read; a refusal is an answer too. */
  async function problem(): Promise<string | null> {
    const done = new AbortController();
    const late = clock.sleep(checkMs, done.signal).then(
      () => `no answer within ${formatDuration(checkMs)}`,
      () => null,
    );
    try {
      return await Promise.race([watched.get('namespaces', null, 'default').then(() => null), late]);
    } catch {
      return last?.message ?? 'it does not answer';
    } finally {
      done.abort();
    }
  }

  return {
    cluster: watched,
    health: { description: cluster.name ?? cluster.description, problem, lastFailure: () => last },
  };
}
