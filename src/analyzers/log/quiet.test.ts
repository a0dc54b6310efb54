import { describe, expect, test } from 'vitest';
import { readLog } from './records.ts';
import { complaint, lastWords } from './telling.ts';

const at = (minute: number, text: string, level = 'info', more = ''): string =>
  `{"ts":"2026-05-01T09:${String(minute).padStart(2, '0')}:00Z","level":"${level}","msg":"${text}"${more}}`;
const troubled = (...lines: readonly string[]): string | null => {
  const line = complaint(readLog(lines.join('\n')), '503', Date.parse('2026-05-01T09:20:00Z'));
  return line === null ? null : `${line.kind} ${line.text}`;
};
const refused = 'broker not reachable yet, trying again: dial tcp queue-0.queue:5672: connect: connection refused';

describe('a failed connection that a program only informs of', () => {
  test.each([
    { of: 'refused', lines: [at(21, refused)], says: `refused ${refused}` },
    {
      of: 'a request for readiness is no success',
      lines: [at(21, refused), at(22, '/healthz/ready')],
      says: `refused ${refused}`,
    },
    {
      of: 'its debug level',
      lines: [at(21, 'lookup orders.shop.svc:80: no such host', 'debug')],
      says: 'unresolved lookup orders.shop.svc:80: no such host',
    },
    {
      of: 'an error that names nothing',
      lines: [at(21, refused), at(23, 'worker 3 failed to take a task', 'error')],
      says: `refused ${refused}`,
    },
    {
      of: 'an error that names a reason comes before it',
      lines: [at(21, 'open /etc/shop/key: permission denied', 'error'), at(22, refused)],
      says: 'permission open /etc/shop/key: permission denied',
    },
    { of: 'a success came later', lines: [at(21, refused), at(22, 'connected to the broker')], says: null },
    { of: 'nobody is named', lines: [at(21, 'connection refused, trying again')], says: null },
    { of: 'it was long before the trouble', lines: [at(1, refused), at(21, 'tick')], says: null },
    {
      of: 'another reason at this level',
      lines: [at(21, 'no such file or directory: /etc/shop/queue:5672')],
      says: null,
    },
    {
      of: 'an answer to a client',
      lines: [at(21, 'GET /orders 502 upstream orders:80 connection refused')],
      says: null,
    },
  ])('a program that runs: $of', ({ lines, says }) => {
    expect(troubled(...lines)).toBe(says);
  });

  test.each([
    { of: 'nothing else is said', lines: [at(21, refused)], says: refused },
    { of: 'it is followed by its end', lines: [at(21, refused), at(22, 'exiting')], says: refused },
    {
      of: 'an error is said',
      lines: [at(21, refused), at(22, 'licence 7 is for another host', 'error')],
      says: 'licence 7 is for another host',
    },
    { of: 'it was long before the end', lines: [at(10, refused), at(22, 'tick')], says: null },
  ])('a program that ended: $of', ({ lines, says }) => {
    const line = lastWords(readLog(lines.join('\n')), { exitCode: 1, finishedAt: '2026-05-01T09:22:01Z' });
    expect(line?.text ?? null).toBe(says);
    expect(line?.certain ?? false).toBe(false);
  });
});
