import type { AppError } from '../../core/errors.ts';

/** How long a server that does not say whether it is ready is taken for one that has just begun. */
const beginningMs = 30_000;

/**
 * Whether what a server refuses is to be believed. One that has just begun refuses what its roles allow, for as long as it has not read
 * them: kube-apiserver serves before its informers are filled, and `/readyz` (check `informer-sync`) says when they are. So where a
 * connection was made since it last said so, it is asked.
 */
export interface Refusals {
  /** To be called with each connection that is made. */
  connected(): void;
  /**
   * Sends, and sends once more where a refusal came from a server that may have begun just then. `ready` answers the status of
   * `/readyz`. Throws ClusterUnavailable while it is not.
   */
  believed<T>(send: () => Promise<T>, isRefusal: (answer: T) => boolean, ready: () => Promise<number>): Promise<T>;
}

export function createRefusals(notReady: () => AppError): Refusals {
  let connections = 0;
  /** As many had been made when it last was ready. */
  let confirmed = -1;
  /** Since when it does not say it to who asks; null = it said it last. */
  let silentSinceMs: number | null = null;

  async function confirm(ready: () => Promise<number>): Promise<void> {
    const status = await ready();
    // Who may not ask whether it is ready may be nobody, or nobody yet.
    silentSinceMs = status === 403 ? (silentSinceMs ?? performance.now()) : null;
    const isBeginning = silentSinceMs !== null && performance.now() - silentSinceMs < beginningMs;
    if (isBeginning || status === 429 || status >= 500) throw notReady();
    confirmed = connections;
  }

  return {
    connected() {
      connections += 1;
    },
    async believed(send, isRefusal, ready) {
      const before = confirmed;
      const answer = await send();
      if (!isRefusal(answer)) {
        // By now it may say that it is ready; what it did not say before is not to count when it begins anew.
        if (silentSinceMs !== null && confirmed !== connections) await confirm(ready).catch(() => undefined);
        return answer;
      }
      if (before === confirmed && confirmed === connections) return answer;
      if (confirmed !== connections) await confirm(ready);
      return send();
    },
  };
}
