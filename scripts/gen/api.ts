import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { finish } from '../../src/lib/turns.ts';
import type { Route } from '../../src/server/define-route.ts';
import {
  errorsOf,
  jsonSchemaOf,
  meaningOf,
  openApiDocument,
  partOf,
  pathTemplate,
  routeParts,
} from '../../src/server/openapi.ts';
import { routes } from '../../src/server/routes.ts';
import { generated, table } from './markdown.ts';

/** `docs/reference/api.md`, from the table of routes. */
export function apiPage(): string {
  const all: readonly Route[] = routes;
  const document = finish(openApiDocument(all, { version: '', publicUrl: null }));
  const { schemas } = document['components'] as { readonly schemas: Readonly<Record<string, JsonObject>> };
  const parts = routeParts.flatMap(([name, description]) => {
    const own = all.filter((route) => partOf(route) === name);
    return own.length === 0
      ? []
      : [`## ${name}`, description, ...own.flatMap((route) => routeSection(route, document))];
  });
  const objects = Object.entries(schemas).flatMap(([name, schema]) => [
    `### ${name}`,
    textOf(schema['description']),
    fieldTable(schema),
  ]);
  return `${[generated, '# API', introduction, routeTable(all), ...parts, '## Objects', ...objects].join('\n\n')}\n`;
}

const statuses = [400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 500, 503];

const introduction = [
  'Every route of the server. `GET /openapi.json` describes the same as an OpenAPI 3.1 document, for generators of clients and for tools:',
  curl({ method: 'GET', path: '/openapi.json', access: 'token', example: {}, isStream: false }),
  `**Token.** Routes want \`Authorization: Bearer TOKEN\`, the token of the server (\`FIST_TOKEN\`, or the file beside the database), unless they say otherwise. It is not asked of health routes; a webhook wants the token of its Source.

**Lists** answer \`{items, nextCursor}\`. \`?cursor=\` with the value of \`nextCursor\` goes on; a page may be short, even empty, although there is more. \`since\` and \`until\` take RFC 3339 or a duration before now (\`2h30m\`).

**Errors** are [Error](#error) objects: \`{"code", "message", "field"?, "next"?}\`. [errors.md](errors.md) has the codes. An unknown query parameter is an error, with the nearest name; so is an unknown field of a body. With every 503 comes \`Retry-After\`.

**Another method** than those of a path is answered 405 with \`Allow\`. **Answers** may have more fields in a later version; fields that are described stay.

In the examples \`FIST_TOKEN\` is the token, and the server is where it listens by default.`,
  table(
    ['Status', 'Meaning'],
    statuses.map((status) => [String(status), meaningOf(status)]),
  ),
].join('\n\n');

function routeTable(all: readonly Route[]): string {
  const rows = all.map((route) => [`[\`${nameOf(route)}\`](#${anchorOf(nameOf(route))})`, route.summary]);
  return table(['Route', 'What it does'], rows);
}

function nameOf({ method, path }: Route): string {
  return `${method} ${pathTemplate(path)}`;
}

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description: string;
  readonly schema: JsonObject;
}

function routeSection(route: Route, document: JsonObject): string[] {
  const { summary, description, access, body, status, contentType } = route;
  const { parameters } = operationOf(route, document) as unknown as { readonly parameters: readonly Parameter[] };
  const rows = parameters.map(({ name, in: place, required, description, schema }) => [
    `\`${name}\``,
    place,
    typeOf(schema),
    [description, ...(required === true && place !== 'path' ? ['Required.'] : []), ...bounds(schema)].join(' '),
  ]);
  const answer = jsonSchemaOf(route.answer(), {});
  return [
    `### \`${nameOf(route)}\``,
    [summary, description].filter(Boolean).join(' '),
    ...(access === 'open' ? ['Open: it needs no token.'] : []),
    ...(rows.length === 0 ? [] : [table(['Parameter', 'In', 'Type', 'Meaning'], rows)]),
    ...(body === null ? [] : ['Body:', fieldTable(jsonSchemaOf(body, {}), true)]),
    `Answers ${status}${contentType === 'application/json' ? '' : ` as ${contentType.split(';')[0]}`}: ${answerText(answer)}`,
    ...(hasFields(answer) ? [fieldTable(answer)] : []),
    ...errorList(route),
    curl(route),
  ];
}

function operationOf({ method, path }: Route, document: JsonObject): JsonObject {
  const paths = document['paths'] as Readonly<Record<string, JsonObject>>;
  return paths[pathTemplate(path)]?.[method.toLowerCase()] as JsonObject;
}

function errorList(route: Route): string[] {
  const statuses = [...new Set(errorsOf(route).map(({ status }) => status))];
  if (statuses.length === 0) return [];
  return [`Errors: ${statuses.join(', ')}.`];
}

function hasFields(schema: JsonObject): boolean {
  return schema['properties'] !== undefined;
}

function answerText(schema: JsonObject): string {
  if (hasFields(schema)) return 'an object.';
  return `${typeOf(schema)}. ${schema['$ref'] === undefined ? textOf(schema['description']) : ''}`.trim();
}

/** A row for each field, those of objects within behind a dot. */
function fieldTable(schema: JsonObject, asInput = false): string {
  const rows = fieldRows(schema, '', asInput);
  return rows.length === 0 ? '' : table(['Field', 'Type', 'Meaning'], rows);
}

function fieldRows(schema: JsonObject, prefix: string, asInput: boolean): string[][] {
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, JsonObject>>).flatMap(
    ([name, field]) => {
      const note = asInput === required.includes(name) ? (asInput ? ['Required.'] : ['May be absent.']) : [];
      const own = [
        `\`${prefix}${name}\``,
        typeOf(field),
        [textOf(field['description']), ...note, ...bounds(field)].filter(Boolean).join(' '),
      ];
      return [own, ...fieldRows(field, `${prefix}${name}.`, asInput)];
    },
  );
}

/** In words, with a link to the objects of the page. */
function typeOf(schema: JsonObject): string {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const name = reference.split('/').at(-1) ?? '';
    return `[${name}](#${anchorOf(name)})`;
  }
  const choices = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonObject[] | undefined;
  if (choices !== undefined) return choices.map(typeOf).join(' or ');
  const words = (schema['enum'] ?? (schema['const'] === undefined ? undefined : [schema['const']])) as
    | readonly JsonValue[]
    | undefined;
  if (words !== undefined)
    return words
      .map((word) => (word === null ? 'null' : `\`${textOf(word)}\``))
      .join(', ')
      .replace(/, null$/, ' or null');
  if (schema['type'] === 'array') return `list of ${typeOf(schema['items'] as JsonObject)}`;
  if (schema['format'] === 'date-time') return 'time';
  const { type } = schema;
  if (Array.isArray(type)) return type.map(textOf).join(' or ');
  return typeof type === 'string' ? type : 'any JSON';
}

function bounds(schema: JsonObject): string[] {
  const { minimum, maximum, default: byDefault } = schema;
  const isBounded = typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER;
  return [
    ...(isBounded ? [`${textOf(minimum)} to ${maximum}.`] : []),
    ...(byDefault === undefined ? [] : [`Default: \`${textOf(byDefault)}\`.`]),
  ];
}

/** A text as it is, anything else as JSON; nothing for nothing. */
function textOf(value: JsonValue | undefined): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** One call, ready to be pasted. */
function curl({
  method,
  path,
  access,
  example,
  isStream,
}: Pick<Route, 'method' | 'path' | 'access' | 'example' | 'isStream'>): string {
  const query = example.query === undefined ? '' : `?${example.query}`;
  const url = `http://127.0.0.1:8080${path.replaceAll(/:(\w+)/g, (_, name: string) => (name === 'id' ? 'ID' : name.toUpperCase())).replace('*', 'PATH')}${query}`;
  const token = access === 'source' ? '$FIST_WEBHOOK_TOKEN' : '$FIST_TOKEN';
  const parts = [
    isStream ? 'curl -sN' : 'curl -s',
    ...(method === 'GET' ? [] : ['-X POST']),
    ...(access === 'open' ? [] : [`-H "Authorization: Bearer ${token}"`]),
    ...(example.body === undefined ? [] : [`-H 'Content-Type: application/json' -d '${JSON.stringify(example.body)}'`]),
    query === '' ? url : `'${url}'`,
  ];
  return `\`\`\`sh\n${parts.join(' ')}\n\`\`\``;
}
