import { afterEach, describe, expect, test } from 'vitest';
import { operatorChaos } from '../chaos/operator.ts';
import { findApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterEach(() => cleanup.run());

// The long form is test/chaos/long/operator.test.ts.
describe.skipIf(assets === null)('an operator behind a connection on which everything goes wrong', () => {
  test('comes to what is declared once nothing goes wrong any more', async () => {
    const plan = { seed: 20_261_130, seconds: 30, restarts: 1, silentMs: 3000, mostConvergeMs: 60_000 };
    const report = await operatorChaos(cleanup, assets ?? '', plan);
    expect(report.differences).toEqual([]);
    expect(report.faults).toBeGreaterThan(20);
    expect(report.changes).toBeGreaterThan(50);
    const [first, , , last] = report.quarters;
    expect(last?.files ?? 0).toBeLessThanOrEqual((first?.files ?? 0) + 20);
    expect(last?.residentBytes ?? 0).toBeLessThan((first?.residentBytes ?? 0) * 1.5 + 64 * 1024 ** 2);
  });
});
