import { expect, test } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { problemWords } from './problem-words.ts';

const unavailable = (reason: string, cause?: object) =>
  new AppError('StoreUnavailable', 'password of fist@10.0.0.1', { reason, cause });
const caused = (fields: object) => Object.assign(new Error('secret detail'), fields);

test.each<[string, unknown, string]>([
  ['a full disk', unavailable('StoreFull', caused({ errcode: 13 })), 'its disk is full'],
  ['a slow one', unavailable('StoreSlow'), 'it is slow'],
  [
    'a failing disk',
    unavailable('StoreDown', caused({ errcode: 10 + (4 << 8) })),
    'its disk cannot be read or written',
  ],
  ['a read-only file', unavailable('StoreDown', caused({ errcode: 8 })), 'its file is read-only'],
  ['a damaged file', unavailable('StoreDamaged', caused({ errcode: 11 })), 'the database is damaged'],
  ['a removed file', unavailable('StoreRemoved'), 'the database file was removed'],
  ['a standby', unavailable('StoreDown', caused({ code: '25006' })), 'the server only reads'],
  ['too many connections', unavailable('StoreDown', caused({ code: '53300' })), 'the server has no connection left'],
  ['a shutdown', unavailable('StoreDown', caused({ code: '57P01' })), 'the server is stopping or starting'],
  ['no server', unavailable('StoreDown', caused({ code: 'ECONNREFUSED' })), 'the server does not answer'],
  ['a lost right', new AppError('StoreUnusable', 'm', { cause: caused({ code: '42501' }) }), 'the user lacks a right'],
  ['no cause', unavailable('StoreDown'), 'it takes no writes'],
  ['a defect', new TypeError('secret detail'), 'it takes no writes'],
])('%s is told in fixed words', (_name, thrown, words) => {
  expect(problemWords(thrown)).toBe(words);
});
