import { DatabaseError } from 'pg';
import { describe, expect, test } from 'vitest';
import type { AppError } from '../../core/errors.ts';
import { lastConflict, storeError } from './errors.ts';

/** An error as the server sends it. */
function fromServer(code: string, message = 'words of the server'): DatabaseError {
  return Object.assign(new DatabaseError(message, 0, 'error'), { code, severity: 'ERROR' });
}

describe('what PostgreSQL and its driver throw', () => {
  test.each([
    ['40P01', 'StoreConflict', true],
    ['55P03', 'StoreConflict', true],
    ['57P01', 'StoreUnavailable', true],
    ['53300', 'StoreUnavailable', true],
    ['25006', 'StoreUnavailable', true],
    ['28P01', 'StoreUnavailable', false],
    ['3D000', 'StoreUnusable', false],
  ])('%s is %s', (state, code, retryable) => {
    expect(storeError(fromServer(state))).toMatchObject({
      code,
      retryable,
      message: 'PostgreSQL: words of the server',
    });
  });

  test('names why the store takes nothing, for the metric', () => {
    const reasonOf = (state: string) => (storeError(fromServer(state)) as AppError).reason;
    expect([reasonOf('53100'), reasonOf('57014'), reasonOf('57P03')]).toEqual(['StoreFull', 'StoreSlow', 'StoreDown']);
  });

  test('a lock that others keep is a slow store in the end; any other conflict stays one', () => {
    const [locked, overtaken] = ['55P03', '40001'].map((state) => storeError(fromServer(state)) as AppError);
    if (locked === undefined || overtaken === undefined) throw new Error('no errors');
    expect(lastConflict(locked)).toMatchObject({
      code: 'StoreUnavailable',
      reason: 'StoreSlow',
      retryable: true,
      cause: locked,
      next: expect.stringContaining('pg_locks'),
    });
    expect(lastConflict(overtaken)).toBe(overtaken);
  });

  test('an error of our statement stays what it is', () => {
    const thrown = fromServer('42601');
    expect(storeError(thrown)).toBe(thrown);
  });

  test('a code of the operating system is no state of the server', () => {
    const thrown = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    expect(storeError(thrown)).toMatchObject({ code: 'StoreUnavailable', message: 'PostgreSQL: write EPIPE' });
  });

  test('a name with several addresses says what was wrong with each', () => {
    const thrown = new AggregateError([
      new Error('connect ECONNREFUSED ::1:5432'),
      new Error('connect ECONNREFUSED 127.0.0.1:5432'),
    ]);
    expect(storeError(thrown)).toMatchObject({
      message: 'PostgreSQL: connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432',
    });
  });

  test('a copy of an error, as pg-boss tells of it, is read like the error', () => {
    expect(
      storeError({ code: '57P01', severity: 'FATAL', message: 'terminating connection', queue: 'x' }),
    ).toMatchObject({
      code: 'StoreUnavailable',
      message: 'PostgreSQL: terminating connection',
    });
  });
});
