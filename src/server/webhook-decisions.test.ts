import { EventEmitter } from 'node:events';
import type { FastifyRequest } from 'fastify';
import { beforeEach, describe, expect, it } from 'vitest';
import { fakeCatalog, fakeServer, fakeSource, sourceToken } from '../../test/support/fake-server.ts';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import { createTurns } from '../lib/turns.ts';
import { createAdmission } from './admission.ts';
import type { Place } from './admission.ts';
import { defaultLimits } from './options.ts';
import type { ServerOptions } from './options.ts';
import { createWaiting } from './waiting.ts';
import { unavailable } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import type { WebhookContext } from './webhook-context.ts';
import { decide } from './webhook-decisions.ts';
import { webhook } from '../sources/webhook.ts';

let options: ServerOptions;
beforeEach(async () => {
  const fake = await fakeServer();
  await fake.server.close();
  ({ options } = fake);
});

/** Each rate limit is used up. */
function usedUp({ rateLimit }: CatalogSource): Refusal | null {
  return rateLimit === null ? null : unavailable('RateLimited', 'RateLimited', 'm');
}

function context(changes: Partial<ServerOptions> = {}, most = 10) {
  const begun: string[] = [];
  const made: WebhookContext = {
    options: { ...options, ...changes },
    limits: defaultLimits,
    connections: {
      add: () => undefined,
      begin: () => begun.push('begin') < 4,
      end: () => void begun.push('end'),
      isKnown: () => false,
    },
    refusals: { note: () => undefined, of: () => null },
    rates: { refusal: usedUp, take: () => undefined, giveBack: () => undefined },
    pace: { watch: () => ({ arrived: () => undefined, end: () => undefined }), stop: () => undefined },
    complain: () => undefined,
    admission: createAdmission({ maxRequests: most, maxBytes: 100, shared: true }),
    allowsAnonymous: true,
    types: new Map([['webhook', webhook]]),
    waiting: createWaiting(),
    turns: createTurns(10),
  };
  return { made, begun };
}

interface Wanted {
  readonly path?: string;
  readonly method?: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function request({ path = 'alerts', method = 'POST', token = sourceToken, headers = {} }: Wanted = {}) {
  const all = { 'content-type': 'application/json', ...headers };
  const authorization = token === '' ? [] : ['Authorization', `Bearer ${token}`];
  return {
    method,
    params: { '*': path },
    headers: all,
    raw: { rawHeaders: authorization, socket: new EventEmitter() },
    webhookSource: null,
    place: null as Place | null,
  } as unknown as FastifyRequest;
}

/** Everything is wrong; each line sets one more thing right, and the next decision speaks. */
describe('the first thing that is wrong is told', () => {
  const wrong: Wanted = { path: 'x', method: 'GET', token: 'wrong', headers: { 'content-type': 'text/plain' } };
  const refusal = () => new AppError('StoreUnavailable', 'm', { reason: 'StoreSlow' });
  const bad = () => ({
    state: () => 'draining' as const,
    catalog: { current: () => null },
    intake: { ...options.intake, refusal },
  });
  const leaving = { current: () => fakeCatalog([fakeSource({ leaving: true })]) };
  const limited = { current: () => fakeCatalog([fakeSource({ rateLimit: { requestsPerMinute: 1, burst: 1 } })]) };
  const known = { current: () => fakeCatalog([fakeSource()]) };
  it.each<[string, () => Partial<ServerOptions>, Wanted]>([
    ['Draining', () => bad(), wrong],
    ['NotSynchronised', () => ({ ...bad(), state: () => 'ready' }), wrong],
    ['UnknownPath', () => ({ ...bad(), state: () => 'ready', catalog: leaving }), wrong],
    ['MethodNotAllowed', () => ({ ...bad(), state: () => 'ready', catalog: leaving }), { ...wrong, path: 'alerts' }],
    [
      'Unauthenticated',
      () => ({ ...bad(), state: () => 'ready', catalog: leaving }),
      { ...wrong, path: 'alerts', method: 'POST' },
    ],
    [
      'UnsupportedMediaType',
      () => ({ ...bad(), state: () => 'ready', catalog: leaving }),
      { headers: { 'content-type': 'text/plain' } },
    ],
    ['SourceVanished', () => ({ ...bad(), state: () => 'ready', catalog: leaving }), {}],
    ['RateLimited', () => ({ ...bad(), state: () => 'ready', catalog: limited }), {}],
    ['StoreSlow', () => ({ ...bad(), state: () => 'ready', catalog: known }), {}],
  ])('%s', async (reason, changes, wanted) => {
    const { made, begun } = context(changes());
    expect((await decide(made, request(wanted)))?.reason).toBe(reason);
    expect(begun).toEqual([]);
  });
});

describe('a request that is let in', () => {
  it('has a place; without one nothing is kept of it', () => {
    const { made, begun } = context({}, 2);
    const [first, second] = [request(), request()];
    expect(decide(made, first)).toBeNull();
    expect(first.place).not.toBeNull();
    expect(decide(made, second)).toMatchObject({ status: 503, reason: 'Overloaded' });
    expect(second.place).toBeNull();
    expect(begun).toEqual(['begin', 'begin', 'end']);
    first.place?.leave();
    expect(decide(made, request())).toMatchObject({
      reason: 'Overloaded',
      body: { message: expect.stringContaining('this connection') },
    });
  });
});

it('what a Source with a broken spec keeps is sent again later, whoever asks and whatever is behind it', () => {
  const broken = fakeSource({ path: null, addresses: ['/webhook/alerts'] });
  const catalog = {
    current: () => ({
      ...fakeCatalog([broken]),
      sourceByPath: (path: string) => (path === 'alerts' ? broken : undefined),
    }),
  };
  const { made } = context({ catalog });
  for (const path of ['alerts', 'alerts/api/v2/alerts'])
    expect(decide(made, request({ path, token: '' }))).toMatchObject({ status: 503, reason: 'SourceNotUsable' });
  expect(decide(made, request({ path: 'other' }))).toMatchObject({ status: 404 });
});

describe('authentication', () => {
  it.each([
    ['absent', '', 'Bearer realm="punching-fist"'],
    ['wrong', 'x', 'Bearer realm="punching-fist", error="invalid_token"'],
  ])('that is %s is challenged', (_what, token, challenge) => {
    expect(decide(context().made, request({ token }))).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': challenge },
    });
  });

  it('that nobody can check is 503, and says whether the Secret is missing or could not be read', () => {
    const missing = decide(context({ secrets: { get: () => null } }).made, request());
    expect(missing).toMatchObject({ status: 503, reason: 'SecretMissing', isLogged: true });
    const get = () => {
      throw new AppError('ResourcesExhausted', 'm');
    };
    const unread = decide(context({ secrets: { get } }).made, request());
    expect(unread).toMatchObject({ status: 503, reason: 'ResourcesExhausted' });
    expect(unread).not.toHaveProperty('isLogged');
  });
});
