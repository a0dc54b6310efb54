import { expect, it } from 'vitest';
import { unavailable, unknownPath, wrongMethod } from './refusal.ts';

it('what our side cannot take now is 503, and every sender tries again', () => {
  expect(unavailable('StoreFull', 'StoreUnavailable', 'm')).toEqual({
    status: 503,
    reason: 'StoreFull',
    body: { code: 'StoreUnavailable', message: 'm', next: 'send it again' },
  });
  expect(unavailable('R', 'Draining', 'm', 'n').body.next).toBe('n');
});

it('an unknown path says where to look, and a wrong method which one is right', () => {
  expect(unknownPath()).toMatchObject({ status: 404, reason: 'UnknownPath', body: { next: 'fist get sources' } });
  expect(wrongMethod('GET')).toMatchObject({ status: 405, headers: { allow: 'POST, PUT' } });
  expect(wrongMethod('GET').body.message).toContain('not GET');
});
