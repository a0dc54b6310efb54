import { describe, expect, it } from 'vitest';
import { AppError, errorCodes } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import { errorAnswer, requestError, retryAfterSeconds } from './errors.ts';

describe('what a caller hears of an error', () => {
  it('is a status of the 400s where the caller is to blame, 503 where it shall try again, else 500', () => {
    const statuses = new Map<number, ErrorCode[]>();
    for (const code of Object.keys(errorCodes) as ErrorCode[]) {
      const { status } = errorAnswer(new AppError(code, 'm'));
      statuses.set(status, [...(statuses.get(status) ?? []), code].sort());
    }
    expect(statuses.get(503)).toEqual([
      'ClusterUnavailable',
      'Draining',
      'RateLimited',
      'ResourcesExhausted',
      'SecretMissing',
      'StoreConflict',
      'StoreLocked',
      'StoreUnavailable',
      'Timeout',
      'Unreachable',
    ]);
    expect(new Set(statuses.keys())).toEqual(new Set([400, 401, 403, 404, 409, 500, 503]));
    for (const code of statuses.get(503) ?? []) expect(errorCodes[code].retryable, code).toBe(true);
  });

  it('names the field and the next step where there are any', () => {
    expect(errorAnswer(new AppError('InvalidInput', 'm', { field: 'f', next: 'n' }))).toEqual({
      status: 400,
      body: { code: 'InvalidInput', message: 'm', field: 'f', next: 'n' },
    });
    expect(errorAnswer(new AppError('NotFound', 'm')).body).toEqual({ code: 'NotFound', message: 'm' });
  });

  it.each([new TypeError('secret detail'), 'secret detail', new AppError('Internal', 'secret detail')])(
    'says nothing of a defect: %s',
    (thrown) => {
      const { status, body } = errorAnswer(thrown);
      expect(status).toBe(500);
      expect(JSON.stringify(body)).not.toContain('secret');
      expect(body.code).toBe('Internal');
    },
  );

  it.each([400, 408, 413] as const)('of a request that could not be read (%i) is in our words', (status) => {
    const answer = errorAnswer(requestError(status, new Error('secret detail')));
    expect(answer).toMatchObject({ status, body: { code: 'InvalidInput' } });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  it('of a status that nobody knows is still a sentence', () => {
    const thrown = Object.assign(new Error('secret detail'), { statusCode: 418 });
    expect(errorAnswer(thrown)).toEqual({
      status: 418,
      body: { code: 'InvalidInput', message: 'the request could not be read' },
    });
    expect(errorAnswer(Object.assign(new Error('x'), { statusCode: 200 })).status).toBe(500);
  });
});

it('senders who were refused together come back at different times, within five seconds', () => {
  expect(retryAfterSeconds(0, () => 0)).toBe('1');
  expect(retryAfterSeconds(0, () => 0.5)).toBe('3');
  expect(retryAfterSeconds(0, () => 0.999)).toBe('5');
  expect(retryAfterSeconds(41_001, () => 0)).toBe('42');
});
