import { afterEach, expect, test } from 'vitest';
import { onStopSignals } from './signals.ts';

let forget = () => undefined as void;
afterEach(() => forget());

test('copies of Ctrl-C are one signal; another one later ends at once', () => {
  const told: string[] = [];
  let time = 0;
  forget = onStopSignals(
    () => told.push('stop'),
    () => told.push('end'),
    () => time,
  );
  process.emit('SIGINT');
  process.emit('SIGINT');
  time = 999;
  process.emit('SIGTERM');
  expect(told).toEqual(['stop']);
  time = 1000;
  process.emit('SIGINT');
  expect(told).toEqual(['stop', 'end']);
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
