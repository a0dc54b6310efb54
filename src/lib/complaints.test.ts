import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { Log } from '../core/ports.ts';
import { createComplaints } from './complaints.ts';

test('the same is logged once in a while, and what was left out is counted', async () => {
  const lines: object[] = [];
  const write = (fields: object, message: string) => void lines.push({ ...fields, message });
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  const clock = createFakeClock();
  const complain = createComplaints(log, clock, 1000);
  for (let second = 0; second < 3; second++) {
    for (let time = 0; time < 3; time++) complain('error', 'disk', { time }, 'the disk is full');
    complain('warn', 'network', {}, 'no network');
    await clock.advance(600);
  }
  expect(lines).toEqual([
    { time: 0, message: 'the disk is full' },
    { message: 'no network' },
    { time: 0, leftOut: 5, message: 'the disk is full' },
    { leftOut: 1, message: 'no network' },
  ]);
});
