import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { overload, overloadProblems } from './overload.ts';

// The short form, on a machine that has other tests to do; the long one keeps to the figures.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const limits = { probeMs: 5000, residentBytes: 400 * 1024 ** 2 };

describe('ten times the sustainable rate', { timeout: 300_000 }, () => {
  it('is refused with 503 but for what is stored; health is answered, and the queue drains', async () => {
    const report = await overload(cleanup, { warmUpSeconds: 2, seconds: 3, drainSeconds: 120 });
    expect(overloadProblems(report, limits)).toEqual([]);
    expect(report.refused).toBeGreaterThan(0);
    expect(report.load.wentOn, 'requests on a connection that was answered 503 before').toBeGreaterThan(0);
  });

  it('is found out where nothing bounds what waits', async () => {
    const program = 'test/chaos/unbounded.ts';
    const seconds = 120;
    const options = { warmUpSeconds: 2, seconds, untilBroken: true, drainSeconds: 0, program };
    const report = await overload(cleanup, options);
    expect(overloadProblems(report, limits).join('\n')).toMatch(/requests were not answered/);
    // Not by the client at its end.
    expect(report.load.seconds).toBeLessThan(seconds);
  });
});
