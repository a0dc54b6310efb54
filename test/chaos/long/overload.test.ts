import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../support/cleanup.ts';
import { overload, overloadProblems } from '../overload.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const limits = { probeMs: 1000, residentBytes: 300_000_000 };

describe('ten times the sustainable rate for a minute', { timeout: 900_000 }, () => {
  it('is refused with 503 but for what is stored; health is answered, and the queue drains', async () => {
    const report = await overload(cleanup, { warmUpSeconds: 10, seconds: 60, drainSeconds: 120 });
    expect(overloadProblems(report, limits), JSON.stringify(report)).toEqual([]);
    expect(report.refused).toBeGreaterThan(0);
    expect(report.load.wentOn).toBeGreaterThan(0);
  });

  it('is found out where nothing bounds what waits', async () => {
    const program = 'test/chaos/unbounded.ts';
    const seconds = 300;
    const options = { warmUpSeconds: 5, seconds, untilBroken: true, drainSeconds: 0, program };
    const report = await overload(cleanup, options);
    expect(overloadProblems(report, limits).join('\n')).toMatch(/requests were not answered/);
    // Not by the client at its end.
    expect(report.load.seconds).toBeLessThan(seconds);
  });
});
