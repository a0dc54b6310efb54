import { afterEach, describe, expect, test } from 'vitest';
import { findApiServer } from '../../support/api-server.ts';
import { createCleanup } from '../../support/cleanup.ts';
import { operatorChaos } from '../operator.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** `FIST_CHAOS_SECONDS` of trouble; 10 minutes where it is not set. */
const seconds = Number(process.env['FIST_CHAOS_SECONDS'] ?? 600);

// The quick form is test/real/operator-chaos.test.ts.
describe.skipIf(assets === null)('an operator behind a connection on which everything goes wrong, for long', () => {
  test('comes to what is declared, and keeps no more than it had', { timeout: 1_800_000 }, async () => {
    const plan = { seed: 7, seconds, restarts: Math.ceil(seconds / 100), silentMs: 170_000, mostConvergeMs: 60_000 };
    const report = await operatorChaos(cleanup, assets ?? '', plan);
    console.log(JSON.stringify(report));
    expect(report.differences).toEqual([]);
    expect(report.faults).toBeGreaterThan(100);
    const [first, , , last] = report.quarters;
    expect(last?.files ?? 0).toBeLessThanOrEqual((first?.files ?? 0) + 10);
    expect(last?.residentBytes ?? 0).toBeLessThan((first?.residentBytes ?? 0) * 1.25 + 32 * 1024 ** 2);
  });
});
