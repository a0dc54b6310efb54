import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { lowestIdAt } from '../../src/lib/id.ts';
import { routes } from '../../src/server/routes.ts';
import { api } from '../../src/sources/api.ts';
import { webhook } from '../../src/sources/webhook.ts';
import { checkAnswer } from '../support/answers.ts';
import { deliveryFixture, runFixture, stepFixture } from '../support/deliveries.ts';
import { apiSource, apiToken, sourceToken, webhookSource } from '../support/fake-server.ts';
import { badValues, goodValue, oddBodies, oddTexts, someOdd } from '../support/json-schema-values.ts';
import { ask } from '../support/http.ts';
import type { Asked } from '../support/http.ts';
import { createRandom } from '../support/random.ts';
import { alertFixture, eventFixture, letterFixture } from '../support/rows.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

// Drives every operation of the OpenAPI document over HTTP, with values in bounds and out of bounds.

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: JsonObject;
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: JsonObject } } };
  readonly responses: Readonly<Record<string, JsonObject>>;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> };
}

const id = lowestIdAt(Date.parse('2026-01-01T00:00:00Z'));
const seed = Number(process.env['FIST_TEST_SEED'] ?? 20260131);

let world: World;
let port: number;
let document: Document;
beforeAll(async () => {
  world = await createWorld({ sourceTypes: [webhook, api] }, [
    webhookSource({}),
    apiSource({}, { namespace: 'default', name: id }),
  ]);
  await world.store.transaction('intake', async (tx) => {
    await tx.alerts.insertAll([alertFixture({ id, namespace: 'shop', source: 'alertmanager' })]);
    await tx.runs.insertAll([{ run: runFixture({ id, alertId: id }), plan: null }]);
    await tx.runs.writeSteps([stepFixture({ id, runId: id })]);
    await tx.deliveries.insert([deliveryFixture({ id, runId: id, alertId: id, status: 'failed', wakeAt: null })]);
    await tx.events.insertAll([eventFixture({ id })]);
    await tx.events.addDeadLetters([{ ...letterFixture('m'), id }]);
    await tx.resources.replaceAll(
      (['Source', 'Workflow', 'Sink'] as const).map((kind) => ({
        apiVersion: 'punchingfist.io/v1alpha1',
        kind,
        namespace: 'default',
        name: id,
        spec: '{"type":"webhook"}',
        status: JSON.stringify({ ready: true, conditions: [] }),
        updatedAt: '2026-01-01T00:00:00.000Z',
      })),
    );
  });
  ({ port } = await world.server.listen());
  document = JSON.parse((await call('GET', '/openapi.json')).body) as Document;
});
afterAll(() => world.close());

/** Asks, and holds the answer against its route. Nothing may make the server fail. */
async function call(method: string, url: string, more: Partial<Asked> = {}) {
  const token = url.startsWith('/webhook/') ? sourceToken : apiToken;
  const answer = await ask({
    port,
    method,
    url,
    ...more,
    headers: { authorization: `Bearer ${token}`, ...more.headers },
  });
  if (answer.status === 500) throw new Error(`${method} ${url} answered 500: ${answer.body}`);
  checkAnswer({ method, url, ...answer });
  return answer;
}

const operations = routes.map((route) => [`${route.method} ${route.path}`, route] as const);

function operationOf(method: string, path: string): Operation {
  const operation = document.paths[path.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}')]?.[method.toLowerCase()];
  if (operation === undefined) throw new Error(`the document lacks ${method} ${path}`);
  return operation;
}

/** A path of a route, with these segments. */
const pathWith = (path: string, segment: string) =>
  path
    .replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(name === 'namespace' ? 'default' : segment))
    .replace('*', 'alerts');

const queryOf = (values: readonly (readonly [string, JsonValue])[]) => {
  const query = new URLSearchParams();
  for (const [name, value] of values)
    for (const one of Array.isArray(value) ? value : [value])
      query.append(name, typeof one === 'string' ? one : JSON.stringify(one));
  return query.size === 0 ? '' : `?${query.toString()}`;
};

describe('the OpenAPI document', () => {
  it('is of version 3.1, names each operation once and refers to what it has', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    const all = Object.values(document.paths).flatMap((item) => Object.values(item));
    expect(all).toHaveLength(routes.length);
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(routes.length);
    const text = JSON.stringify(document);
    const references = new Set(
      [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)].map(([, kind, name]) => `${kind} ${name}`),
    );
    const components = document.components as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    for (const reference of references) {
      const [kind = '', name = ''] = reference.split(' ');
      expect(components[kind], reference).toHaveProperty(name);
    }
    expect(text).not.toMatch(/"\$defs"|"\$ref":"#\/\$defs/);
  });

  it('says of everything what it is', () => {
    const silent: string[] = [];
    const look = (value: JsonValue, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Array.isArray(value) && typeof value['properties'] === 'object')
        for (const [name, field] of Object.entries(value['properties'] as JsonObject))
          if (JSON.stringify(field).match(/"description"|"\$ref"/) === null) silent.push(`${path}.${name}`);
      for (const [name, inner] of Object.entries(value)) look(inner, `${path}.${name}`);
    };
    look(document as unknown as JsonValue, '');
    expect(silent).toEqual([]);
  });
});

describe.each(operations)('%s', (_name, { method, path, access, status, body }) => {
  const url = pathWith(path, id);
  const goodBody = (random = createRandom(seed)) => {
    const { requestBody } = operationOf(method, path);
    return requestBody === undefined ? {} : { json: goodValue(requestBody.content['application/json'].schema, random) };
  };

  it('takes what is in bounds', async () => {
    const random = createRandom(seed);
    const { parameters, responses } = operationOf(method, path);
    const given = parameters.filter((parameter) => parameter.in === 'query');
    const well = Object.keys(responses)
      .map(Number)
      .filter((one) => one < 300);
    for (let round = 0; round < 4; round += 1) {
      const chosen = given.filter(({ required }) => required === true || (round > 0 && random.next() < 0.5));
      // No text that a test makes is a cursor.
      const values = chosen
        .filter(({ name }) => name !== 'cursor')
        .map(({ name, schema }) => [name, goodValue(schema, random)] as const);
      const answer = await call(method, url + queryOf(values), method === 'POST' ? goodBody(random) : {});
      // What POST changes is what the next round finds.
      const accepted = method === 'POST' ? [...well, 404, 409] : [status];
      expect(accepted, answer.body).toContain(answer.status);
    }
  });

  it('refuses each parameter that is out of bounds, by its name', async () => {
    const random = createRandom(seed);
    const { parameters } = operationOf(method, path);
    const given = parameters.filter((parameter) => parameter.in === 'query');
    const needed = given
      .filter(({ required }) => required === true)
      .map(({ name, schema }) => [name, goodValue(schema, random)] as const);
    for (const { name, schema } of given) {
      const others = needed.filter(([other]) => other !== name);
      const bad: readonly JsonValue[] = [
        ...badValues(schema, random),
        ...(schema['type'] === 'array' ? [] : [['a', 'b']]),
      ];
      for (const value of bad) {
        // A flag is also said by its name alone.
        if (schema['type'] === 'boolean' && value === '') continue;
        const answer = await call(method, url + queryOf([...others, [name, value]]));
        expect([answer.status, JSON.parse(answer.body)]).toMatchObject([400, { code: 'InvalidInput', field: name }]);
      }
      for (const value of someOdd(random)) await call(method, url + queryOf([...others, [name, value]]));
    }
    if (access !== 'token') return;
    const unknown = await call(method, `${url}${queryOf([...needed, ['no-such-parameter', '1']])}`);
    expect([unknown.status, JSON.parse(unknown.body)]).toMatchObject([400, { field: 'no-such-parameter' }]);
  });

  it('takes any path that is one', async () => {
    if (!path.includes(':') && !path.includes('*')) return;
    for (const segment of [...oddTexts, 'x'.repeat(600), 'absent', ' ', '.', '..', 'a/b']) {
      const answer = await call(method, pathWith(path, segment), method === 'POST' ? goodBody() : {});
      expect(answer.status).toBeLessThan(500);
    }
  });

  it('refuses bodies that are none of it', async () => {
    if (method === 'GET') {
      expect((await call(method, url, { text: '{"x":1}' })).status).toBeLessThan(500);
      return;
    }
    const { json = {} } = goodBody();
    for (const odd of oddBodies(json, createRandom(seed))) await call(method, url, { json: odd });
    for (const text of ['', '{', 'x', '[[[[', '"\ud800"', '{"a":1,"a":2}']) await call(method, url, { text });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''])
      await call(method, url, { text: '{}', headers: { 'content-type': type } });
    if (body !== null && access === 'token') {
      const unknown = await call(method, url, { json: [] });
      expect(unknown.status).toBe(400);
    }
  });

  it('is for those who may', async () => {
    if (access === 'open') return;
    for (const authorization of ['', 'Bearer wrong', 'Basic x', 'Bearer '])
      expect((await call(method, url, { headers: { authorization } })).status).toBe(401);
  });
});
