import { afterEach, expect, test } from 'vitest';
import { onStopSignals } from './signals.ts';

let forget = () => undefined as void;
afterEach(() => forget());

test('copies of Ctrl-C are one signal; another one later ends at once', () => {
  const told: string[] = [];
  let time = 0;
  forget = onStopSignals(
    () => told.push('stop'),
    (signal) => told.push(`end ${signal}`),
    () => time,
  );
  process.emit('SIGINT', 'SIGINT');
  process.emit('SIGINT', 'SIGINT');
  time = 999;
  process.emit('SIGTERM', 'SIGTERM');
  expect(told).toEqual(['stop']);
  time = 1000;
  process.emit('SIGINT', 'SIGINT');
  expect(told).toEqual(['stop', 'end SIGINT']);
});

test('forgets its handlers', () => {
  const before = process.listenerCount('SIGINT');
  forget = onStopSignals(
    () => undefined,
    () => undefined,
  );
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  forget();
  expect(process.listenerCount('SIGINT')).toBe(before);
});
