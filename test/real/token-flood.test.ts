import { afterEach, describe, expect, test } from 'vitest';
import { createReviews } from '../../src/kube/accounts/review.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { clusterIdentities } from '../../src/kube/accounts/identities.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');
const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** TokenReviews that the API server answered, by its own record. */
function reviewsOf(server: ApiServer): number {
  return server.audit().filter(({ objectRef }) => objectRef?.resource === 'tokenreviews').length;
}

describe.skipIf(assets === null)('unknown tokens in masses, on a real API server', () => {
  test('a caller who is known is answered throughout, and the API server has a bounded number to review', async () => {
    const server = await startApiServer(cleanup, assets ?? '');
    server.kubectl(['create', 'namespace', 'fist']);
    server.kubectl(['create', 'serviceaccount', 'operator', '-n', 'fist']);
    server.kubectl(['create', 'serviceaccount', 'sender', '-n', 'fist']);
    const delegator = ['--clusterrole', 'system:auth-delegator', '--serviceaccount', 'fist:operator'];
    server.kubectl(['create', 'clusterrolebinding', 'operator', ...delegator]);
    const kubeconfig = server.kubeconfig('operator', { token: server.token('fist', 'operator') });
    const transport = await connectTransport({ kubeconfig });
    cleanup.defer(() => transport.close());
    const clock = createFakeClock(new Date().toISOString());
    const identities = clusterIdentities(createReviews(transport, clock));

    const good = server.token('fist', 'sender');
    const send = async (token: string, from: string): Promise<string> =>
      identities.check({ token, from }, null).then(
        ({ kind }) => kind,
        (error: unknown) => (error as { readonly code: string }).code,
      );
    expect(await send(good, '10.0.0.1')).toBe('allowed');
    const before = reviewsOf(server);

    const flood: Promise<string>[] = [];
    for (let round = 0; round < 20; round += 1) {
      for (let one = 0; one < 100; one += 1) flood.push(send(`garbage-${round}-${one}`, `10.1.0.${one % 7}`));
      // What is known of the good one ends each minute, so it has to be asked about again, in the middle of it all.
      await clock.advance(61_000);
      expect(await send(good, '10.0.0.1')).toBe('allowed');
    }
    const outcomes = await Promise.all(flood);
    expect(new Set(outcomes)).toEqual(new Set(['unknown', 'RateLimited']));
    const asked = reviewsOf(server) - before;
    // Twenty minutes by the clock of the test: a burst of 100 in each of them, and the good one's.
    expect(asked).toBeLessThanOrEqual(20 * (100 + 2));
    expect(asked).toBeGreaterThan(20 * 2);

    // The account is gone, and its token with it: what was known of it ends with the minute. The API server itself keeps it for ten seconds.
    server.kubectl(['delete', 'serviceaccount', 'sender', '-n', 'fist']);
    expect(await send(good, '10.0.0.1')).toBe('allowed');
    await waitFor(
      "the token to be nobody's",
      async () => {
        await clock.advance(60_000);
        return (await send(good, '10.0.0.1')) === 'unknown';
      },
      { timeoutMs: 30_000, everyMs: 1000 },
    );
  });
});
