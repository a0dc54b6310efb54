import { z } from 'zod';
import { errorCodes } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Route } from './define-route.ts';
import type { Pieces } from '../lib/turns.ts';
import { statusOf } from './errors.ts';
import { coreOf } from './parameters.ts';

/** Parts of the reference, in order; a route is in the first whose paths it has. */
export const routeParts = [
  ['Alerts', 'Alerts: one for each identity (Source and fingerprint).', /^\/api\/v1\/alerts/],
  ['Runs', 'Runs of Workflows, and what they lacked.', /^\/api\/v1\/(runs|gaps)/],
  ['Deliveries', 'What Sinks are told.', /^\/api\/v1\/deliveries/],
  ['Changes', 'What changes, as it changes.', /^\/api\/v1\/stream/],
  [
    'Resources',
    'Sources, Workflows and Sinks, in the shape of the Kubernetes API.',
    /^\/api\/v1\/(sources|workflows|sinks)/,
  ],
  ['Inputs', 'What came in, as it was.', /^\/api\/v1\/(events|dead-letters)/],
  [
    'First version',
    'Kept for callers of the first version; its workflows are runs.',
    /^\/(alerts|workflows|source-events)/,
  ],
  ['Notifications', 'Where senders of alerts send them.', /^\/webhook\//],
  ['Server', 'The server itself.', /^\//],
] as const;

/** The name of the part that a route is in. */
export function partOf({ path }: Pick<Route, 'path'>): string {
  return routeParts.find(([, , paths]) => paths.test(path))?.[0] ?? 'Server';
}

/** What any caller may get of a route beside what was hoped for: the code of an error and its status. */
export function errorsOf(route: Route): readonly { readonly code: ErrorCode; readonly status: number }[] {
  const { access, method, path, query, errors } = route;
  if (access === 'open') return Object.keys(query).length === 0 ? [] : [{ code: 'InvalidInput', status: 400 }];
  const codes: ErrorCode[] = ['InvalidInput', 'Unauthenticated', ...errors, 'StoreUnavailable', 'Draining', 'Internal'];
  const ofCodes = [...new Set(codes)].map((code) => ({ code, status: statusOf(code) }));
  const ofBodies = method === 'GET' ? [] : [408, 413, 415].map((status) => ({ code: 'InvalidInput' as const, status }));
  const ofPaths = path.includes(':') ? [{ code: 'InvalidInput' as const, status: 414 }] : [];
  return [...ofCodes, ...ofBodies, ...ofPaths].sort((one, other) => one.status - other.status);
}

/** The server as an OpenAPI 3.1 document, a route at a time. */
export function* openApiDocument(
  routes: readonly Route[],
  { version, publicUrl }: { readonly version: string; readonly publicUrl: string | null },
): Pieces<JsonObject> {
  const schemas: Record<string, JsonValue> = {};
  const paths: Record<string, Record<string, JsonValue>> = {};
  for (const route of routes) {
    const item = (paths[pathTemplate(route.path)] ??= {});
    item[route.method.toLowerCase()] = operationOf(route, schemas);
    yield;
  }
  schemas['Error'] = errorSchema();
  return {
    openapi: '3.1.1',
    info: {
      title: 'Punching Fist',
      version,
      description: 'Alerts, what was found out about them, and what people were told.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: publicUrl ?? '/' }],
    tags: routeParts.map(([name, description]) => ({ name, description })),
    security: [{ token: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([one], [other]) => (one < other ? -1 : 1))),
      responses: errorResponses(routes),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token of this server: FIST_TOKEN, or the file beside its database.',
        },
        source: { type: 'http', scheme: 'bearer', description: 'The token of the Source that has the path.' },
      },
    },
  };
}

/** `/api/v1/runs/{id}` of `/api/v1/runs/:id`. */
export function pathTemplate(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}').replace('*', '{path}');
}

function operationOf(route: Route, schemas: Record<string, JsonValue>): JsonObject {
  const { name, summary, description, access, method, body, status, contentType } = route;
  const answer = jsonSchemaOf(route.answer(), schemas);
  const responses: Record<string, JsonValue> = {
    [status]: { description: 'All is well.', content: { [contentType]: { schema: answer } } },
  };
  for (const { status } of errorsOf(route)) responses[status] = { $ref: `#/components/responses/${status}` };
  for (const [status, description] of Object.entries(route.otherAnswers)) {
    const either = { anyOf: [answer, { $ref: '#/components/schemas/Error' }] };
    const schema = responses[status] === undefined ? answer : either;
    responses[status] = { description, content: { [contentType]: { schema } } };
  }
  return {
    operationId: name,
    tags: [partOf(route)],
    summary,
    ...(description === '' ? {} : { description }),
    ...(access === 'token' ? {} : { security: access === 'open' ? [] : [{ source: [] }] }),
    parameters: parametersOf(route, schemas),
    ...(method === 'GET' || body === null
      ? {}
      : {
          requestBody: {
            required: !body.safeParse({}).success,
            content: { 'application/json': { schema: jsonSchemaOf(body, schemas) } },
          },
        }),
    responses,
  };
}

/** What {@link idOf} of references.ts takes. */
const itsId = 'Its id, a beginning of it or of its short form (4 characters or more), or `@latest`.';

function parametersOf({ path, params, query, headers }: Route, schemas: Record<string, JsonValue>): JsonValue[] {
  const names = [...path.matchAll(/:(\w+)|\*/g)].map(([whole, name]) => name ?? whole);
  const inPath = names.map((name) => ({
    name: name === '*' ? 'path' : name,
    in: 'path',
    required: true,
    description: params[name] ?? (path.startsWith('/api/v1/') ? itsId : 'Its id.'),
    schema: { type: 'string' },
  }));
  const others = (place: string, parameters: Route['query']) =>
    Object.entries(parameters).map(([name, schema]) => {
      const { description = '', ...shape } = jsonSchemaOf(schema, schemas);
      const isRequired = !schema.safeParse(undefined).success;
      return { name, in: place, description, ...(isRequired ? { required: true } : {}), schema: shape };
    });
  return [...inPath, ...others('query', query), ...others('header', headers)];
}

/**
 * A schema as JSON Schema; those with an id go to `schemas` and are referred to. Answers may have more fields than are
 * described, so that a later version can add some.
 */
export function jsonSchemaOf(schema: z.ZodType, schemas: Record<string, JsonValue>): JsonObject {
  const {
    $schema: _dialect,
    $defs = {},
    ...shape
  } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      delete jsonSchema['next'];
      delete jsonSchema['id'];
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }) as JsonObject & { $defs?: JsonObject };
  for (const [name, definition] of Object.entries($defs)) schemas[name] ??= simplified(definition);
  const { id } = (coreOf(schema).meta() ?? {}) as { id?: string };
  const own = simplified(shape) as JsonObject;
  if (id === undefined) return own;
  schemas[id] ??= own;
  return { $ref: `#/components/schemas/${id}` };
}

/** References to the components, and what may be null said in one place. */
function simplified(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(simplified);
  if (typeof value !== 'object' || value === null) return value;
  const { $ref: reference, anyOf: choices } = value;
  if (typeof reference === 'string') return { ...value, $ref: reference.replace('#/$defs/', '#/components/schemas/') };
  const [own, none] = Array.isArray(choices) && choices.length === 2 ? (choices as JsonObject[]) : [];
  if (own !== undefined && none?.['type'] === 'null' && typeof own['type'] === 'string') {
    const words = own['enum'] as JsonValue[] | undefined;
    const { anyOf: _choices, ...others } = value;
    return simplified({
      ...others,
      ...own,
      type: [own['type'], 'null'],
      ...(words === undefined ? {} : { enum: [...words, null] }),
    });
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, simplified(inner)]));
}

function errorSchema(): JsonObject {
  return {
    type: 'object',
    required: ['code', 'message'],
    description: 'Every answer that is not the one that was hoped for.',
    properties: {
      code: { type: 'string', enum: Object.keys(errorCodes), description: 'Stable; errors.md has them all.' },
      message: { type: 'string', description: 'For people.' },
      field: { type: 'string', description: 'The wrong parameter, or the path in the body.' },
      next: { type: 'string', description: 'What to do next.' },
    },
  };
}

const meanings: Readonly<Record<number, string>> = {
  400: 'A parameter or the body is wrong; `field` names it.',
  401: 'No token, or a wrong one.',
  403: 'The caller is known and may not do this.',
  404: 'There is no such thing.',
  405: 'The path takes other methods; `Allow` names them.',
  408: 'The body did not come in time.',
  409: 'Its state does not allow this.',
  413: 'The body is too large.',
  414: 'A part of the path has more than 500 characters.',
  415: 'The body is not JSON, or is compressed.',
  500: 'A defect of the server.',
  503: 'The server cannot do it now; try again after `Retry-After` seconds.',
};

/** What a status of an error means. */
export function meaningOf(status: number): string {
  return meanings[status] ?? '';
}

function errorResponses(routes: readonly Route[]): JsonObject {
  const statuses = [...new Set(routes.flatMap((route) => errorsOf(route).map(({ status }) => status)))].sort(
    (a, b) => a - b,
  );
  const header = (description: string) => ({ description, schema: { type: 'string' } });
  const headers: Readonly<Record<number, JsonObject>> = {
    401: { 'WWW-Authenticate': header('`Bearer`.') },
    503: { 'Retry-After': header('Seconds.') },
  };
  return Object.fromEntries(
    statuses.map((status) => [
      String(status),
      {
        description: meaningOf(status),
        ...(headers[status] === undefined ? {} : { headers: headers[status] }),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    ]),
  );
}
