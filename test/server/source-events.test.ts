import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CatalogSource } from '../../src/core/catalog.ts';
import type { RunRecord, RunStatus } from '../../src/core/run.ts';
import type { ServerOptions } from '../../src/server/options.ts';
import type { Server } from '../../src/server/server.ts';
import { sourceDefinitions } from '../../src/sources/index.ts';
import { createFakeClock } from '../support/clock.ts';
import { apiSource, apiToken, fakeServer, sourceToken, webhookSource } from '../support/fake-server.ts';
import { createWorld } from './world.ts';

const url = '/api/v1/sources/shop/deploys/events';
const schema = {
  type: 'object',
  required: ['deployment'],
  properties: { deployment: { type: 'string', pattern: '^[a-z-]+$' }, replicas: { type: 'integer', maximum: 10 } },
  additionalProperties: false,
};
const body = { deployment: 'checkout', replicas: 2 };

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function start(source: CatalogSource = apiSource({ schema }), changes: Partial<ServerOptions> = {}) {
  const world = await createWorld({ sourceTypes: sourceDefinitions, ...changes }, [source]);
  open.push(() => world.close());
  return world;
}

function post(server: Server, payload: unknown, headers: Record<string, string> = {}, query = '') {
  return server.inject({
    method: 'POST',
    url: url + query,
    headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });
}

interface Answer {
  readonly runs: readonly { readonly id: string; readonly status: string }[];
}

describe('a request for a run', () => {
  it('starts one, which has the body as the data of its Source', async () => {
    const { server, store } = await start();
    const response = await post(server, body);
    expect(response.statusCode).toBe(200);
    const [run] = response.json<Answer>().runs;
    expect(response.json()).toEqual({
      runs: [{ id: run?.id, status: 'pending', outputs: {}, error: null }],
      reason: null,
    });
    expect((await store.read.runs.find(run?.id ?? ''))?.input).toMatchObject({ alert: null, data: body });
  });

  it('that comes again with its key is answered with the same run; with another body it is refused', async () => {
    const { server } = await start();
    const headers = { 'idempotency-key': 'k1' };
    const first = await post(server, body, headers);
    expect((await post(server, body, headers)).json()).toEqual(first.json());
    const other = await post(server, { deployment: 'other' }, headers);
    expect(other.statusCode).toBe(409);
    expect(other.json()).toMatchObject({ code: 'Conflict', next: 'send another key' });
    const without = [await post(server, body), await post(server, body)].map((each) => each.json<Answer>().runs[0]?.id);
    expect(new Set([...without, first.json<Answer>().runs[0]?.id]).size).toBe(3);
  });

  it('starts nothing while the Source is suspended', async () => {
    const { server } = await start(apiSource({}, { suspend: true }));
    expect((await post(server, body)).json()).toEqual({ runs: [], reason: 'Suspended' });
  });

  it('that has its run is answered with it, also where the storm cap leaves no room', async () => {
    const { server } = await start(apiSource({}, { stormCapPerMinute: 1 }));
    const headers = { 'idempotency-key': 'k1' };
    const first = await post(server, body, headers);
    expect((await post(server, body)).statusCode).toBe(503);
    const again = await post(server, body, headers);
    expect([again.statusCode, again.json()]).toEqual([200, first.json()]);
  });

  it('is not taken by a Source that asks an endpoint itself', async () => {
    const { server, store } = await start(apiSource({ endpoint: 'http://status.example/incidents' }));
    expect((await post(server, body)).statusCode).toBe(404);
    expect((await store.read.lists.runs({ limit: 1 })).items).toEqual([]);
  });

  it('is answered where its run cannot be read after the commit', async () => {
    const { server, store } = await start(apiSource({}));
    const find = vi.spyOn(store.read.runs, 'find').mockRejectedValue(new Error('away'));
    const response = await post(server, body);
    find.mockRestore();
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ runs: [{ status: 'pending' }] });
  });

  it('is 503 where the storm cap leaves no room', async () => {
    const { server } = await start(apiSource({}, { stormCapPerMinute: 1 }));
    expect((await post(server, body)).statusCode).toBe(200);
    const response = await post(server, body);
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^[1-5]$/);
  });
});

describe('a body', () => {
  it.each([
    [{}, 'deployment', 'is required'],
    [{ deployment: 7 }, 'deployment', 'must be string'],
    [{ deployment: 'Checkout' }, 'deployment', 'must match pattern'],
    [{ deployment: 'a', replicas: 11 }, 'replicas', 'must be <= 10'],
    [{ deployment: 'a', more: 1 }, undefined, 'must NOT have additional properties: more'],
    [[body], undefined, 'the body must be a JSON object'],
    ['{"deployment":', undefined, 'the body is not JSON'],
    ['{"__proto__":{"deployment":"a"}}', 'deployment', 'is required'],
    [`{"deployment":"a","x":${'['.repeat(40)}${']'.repeat(40)}}`, undefined, 'nested more than 32 deep'],
  ])('%j is refused and kept, and starts nothing', async (sent, field, message) => {
    const { server, get } = await start();
    const response = await post(server, sent);
    expect(response.statusCode).toBe(400);
    expect(response.json<{ message: string; field?: string }>().message).toContain(message);
    expect(response.json<{ field?: string }>().field).toBe(field);
    const count = async (list: string) => (await get(`/api/v1/${list}`)).json<{ items: unknown[] }>().items.length;
    expect({ runs: await count('runs'), letters: await count('dead-letters') }).toEqual({ runs: 0, letters: 1 });
  });

  it('may be any object without a schema', async () => {
    const { server } = await start(apiSource({}));
    expect((await post(server, { any: [1, { thing: null }] })).statusCode).toBe(200);
  });
});

describe('who may ask', () => {
  it('whoever has the token of the API, where the Source says nothing', async () => {
    const { server } = await start();
    for (const authorization of ['', 'Bearer x', `Bearer ${sourceToken}`])
      expect((await post(server, body, { authorization })).statusCode).toBe(401);
  });

  it('who proves it as the Source says, and nobody else', async () => {
    const authentication = { type: 'hmac', preset: 'github', secretRef: 'am' };
    const { server } = await start(apiSource({ authentication }), { secrets: { get: () => sourceToken } });
    const signature = createHmac('sha256', sourceToken).update(JSON.stringify(body)).digest('hex');
    expect((await post(server, body)).statusCode).toBe(401);
    expect(
      (await post(server, { ...body, replicas: 3 }, { 'x-hub-signature-256': `sha256=${signature}` })).statusCode,
    ).toBe(401);
    expect((await post(server, body, { 'x-hub-signature-256': `sha256=${signature}` })).statusCode).toBe(200);
  });

  it('a Source of another type, or none, takes no requests', async () => {
    const { server } = await start(webhookSource({}, { name: 'deploys', authentication: null }));
    expect((await post(server, body)).statusCode).toBe(404);
    expect((await server.inject({ method: 'POST', url: url.replace('shop', 'x') })).statusCode).toBe(401);
    expect((await server.inject({ method: 'GET', url })).statusCode).toBe(405);
  });
});

describe('waiting for the end', () => {
  function statuses(...given: RunStatus[]): Partial<ServerOptions> {
    return runsOf('shop', ...given);
  }

  function runsOf(namespace: string, ...given: RunStatus[]): Partial<ServerOptions> {
    const left = [...given];
    const find = async (id: string) =>
      ({
        id,
        namespace,
        status: left.length > 1 ? left.shift() : left[0],
        outputs: { done: true },
        error: namespace === 'shop' ? null : 'it found a secret',
      }) as unknown as RunRecord;
    return {
      reader: { runs: { find, steps: async () => [], evidence: async () => [] } } as unknown as ServerOptions['reader'],
    };
  }

  async function waitFor(wait: string, changes: Partial<ServerOptions>) {
    const clock = createFakeClock();
    const fake = await fakeServer({ sourceTypes: sourceDefinitions, clock, ...changes }, [apiSource({})]);
    open.push(() => fake.server.close());
    const asked = post(fake.server, body, {}, `?wait=${wait}`);
    const done = asked.then((response) => response.json<Answer & { message?: string }>());
    for (;;) {
      const answer = await Promise.race([done, clock.advance(250).then(() => null)]);
      if (answer !== null) return answer;
    }
  }

  it('answers with what came of the run', async () => {
    const { runs } = await waitFor('30s', statuses('pending', 'running', 'succeeded'));
    expect(runs).toEqual([{ id: 'new-run', status: 'succeeded', outputs: { done: true }, error: null }]);
  });

  it('answers with the state of a run of another namespace, and with nothing that it found', async () => {
    const { runs } = await waitFor('30s', runsOf('platform', 'running', 'failed'));
    expect(runs).toEqual([{ id: 'new-run', status: 'failed', outputs: {}, error: null }]);
  });

  it('answers with the run as it is when the time is over', async () => {
    expect((await waitFor('2s', statuses('running'))).runs[0]?.status).toBe('running');
  });

  it('does not hold a server that stops', async () => {
    let asked = 0;
    const state = () => ((asked += 1) > 2 ? 'draining' : 'ready');
    expect((await waitFor('60s', { ...statuses('running'), state })).runs[0]?.status).toBe('running');
  });

  it.each(['61s', 'soon', '-1s', '1h', '060s', ''])('%j is no time to wait', async (wait) => {
    expect((await waitFor(wait, statuses('running'))).message).toContain('wait: must be seconds');
  });
});

describe('the schema', () => {
  it.each([
    [{ type: 'strin' }, 'must be equal to one of the allowed values'],
    [{ $ref: 'https://example.com/x.json' }, "can't resolve reference"],
    [{ properties: { a: { type: 'string', pattern: '(?=a)' } } }, 'invalid'],
    [{ properties: { a: { type: 'array', uniqueItems: true } } }, 'uniqueItems needs maxItems'],
    [{ propertis: {} }, 'unknown keyword'],
    [{ $async: true, type: 'object' }, '$async'],
  ])('%j is refused at the field', (wrong, message) => {
    expect(() => apiSource({ schema: wrong })).toThrow(
      expect.objectContaining({ field: 'schema', message: expect.stringContaining(message) as string }),
    );
  });

  it.each([
    [{ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', dependencies: { a: ['b'] } }],
    [{ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', dependentRequired: { a: ['b'] } }],
    [{ type: 'object', properties: { a: { type: 'string', format: 'date-time' } } }],
  ])('%j is fine', (fine) => {
    expect(() => apiSource({ schema: fine })).not.toThrow();
  });

  it('a schema that takes longer with each level of a body holds nobody up', async () => {
    const twice = { allOf: [{ $ref: '#' }, { $ref: '#' }] };
    const { server } = await start(apiSource({ schema: { type: 'object', properties: { a: twice } } }));
    const deep = Array.from({ length: 30 }).reduce<object>((inner) => ({ a: inner }), {});
    const long = post(server, deep);
    const first = await Promise.race([
      long.then(() => 'the long one'),
      post(server, { a: 1 }).then(() => 'the short one'),
    ]);
    expect(first).toBe('the short one');
    const answer = await long;
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain('to be compared with the schema');
    expect((await post(server, { a: {} })).statusCode).toBe(200);
  });

  it('a pattern with which JavaScript would go on for days is answered', async () => {
    const { server } = await start(
      apiSource({ schema: { properties: { a: { type: 'string', pattern: '^(a+)+$' } } } }),
    );
    expect((await post(server, { a: `${'a'.repeat(60)}!` })).statusCode).toBe(400);
  });
});
