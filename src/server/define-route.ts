import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ErrorCode } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { ApiCaller } from '../lib/api-call.ts';
import { bodyReader } from './body.ts';
import type { Assistant } from './mcp/server.ts';
import type { ServerOptions } from './options.ts';
import { headerReader, queryReader } from './parameters.ts';
import type { NoParameters, Parameters, RawQuery, ValuesOf } from './parameters.ts';
import type { Rates } from './rates.ts';
import type { Refusals } from './refusals.ts';
import type { Feed } from './stream/feed.ts';

/** Who may call a route: anybody, who has the API's token, or who has the token of the Source. */
export type RouteAccess = 'open' | 'token' | 'source';

/**
 * What callers need whom the cluster knows: nothing more (`identity`), to read runs or to change them (in the namespace of what they ask
 * for), or to read the metrics. Who has the API's token may do everything.
 */
export type RouteRight = 'identity' | 'read' | 'change' | 'metrics';

/** What handlers work with. */
export interface RouteContext extends ServerOptions {
  readonly refusals: Refusals;
  readonly rates: Rates;
  readonly feed: Feed;
  /** The document of `GET /openapi.json`, as JSON. */
  openApi(): Promise<string>;
  /** The tools of assistants, loaded when they are first asked for. */
  assistant(): Promise<Assistant>;
  /** Asks other routes on behalf of a request that may ask them itself. */
  callApi(http: RouteHttp): ApiCaller;
}

/** The request that is served. */
export interface RouteHttp {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What came with a request, not read yet. */
export interface RawRequest {
  readonly params: unknown;
  readonly query: RawQuery;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  /** As {@link RouteInput} has it. */
  readonly within: string | null;
}

/** What one route takes and answers; everything that is known of a route follows from it. */
export interface RouteOptions<
  Method extends 'GET' | 'POST',
  Path extends string,
  Query extends Parameters,
  Headers extends Parameters,
  Body extends z.ZodType,
  Answer extends z.ZodType,
> {
  /** The name of the operation in the OpenAPI document, `listAlerts`. */
  readonly name: string;
  readonly method: Method;
  /** `:name` stands for one segment, `*` for the rest. */
  readonly path: Path;
  readonly access: RouteAccess;
  /** `read` for GET and `change` for POST unless said. */
  readonly needs?: RouteRight;
  /** One sentence, with a full stop. */
  readonly summary: string;
  /** What else a caller has to know. */
  readonly description?: string;
  /** What the segments of the path are; `id` needs none. */
  readonly params?: Readonly<Partial<Record<ParamName<Path>, string>>>;
  /**
   * A schema for each query parameter: of a text, a whole number (`z.int()`), a flag (`z.boolean()`), or a list, which may be
   * given several times. Unknown ones are refused, but of open routes: no probe shall fail because of a word.
   */
  readonly query?: Query;
  /** The same for headers that the route looks at. */
  readonly headers?: Headers;
  /** Of the JSON body. Without it the route takes none, or an empty object. */
  readonly body?: Body;
  /** The handler reads the body itself, as it came (`request.bodyText`); the schema describes it. */
  readonly readsBody?: boolean;
  /** Of the answer that was hoped for; 200 unless said. */
  readonly status?: 200 | 201;
  /** `application/json` unless said. */
  readonly contentType?: string;
  /** The answer has no end; it is counted apart from those that have one. */
  readonly isStream?: boolean;
  /** Decides by the headers, before the body is read. Throws an AppError. */
  readonly admits?: (context: RouteContext, request: FastifyRequest) => void;
  /** Errors that a caller may get of this route alone. */
  readonly errors?: readonly ErrorCode[];
  /** What the same answer means with another status. */
  readonly otherAnswers?: Readonly<Record<number, string>>;
  /** For the example of the reference: what stands behind the path, and the body. */
  readonly example?: { readonly query?: string; readonly body?: JsonObject };
  /** Made when it is asked for: by the reference, the OpenAPI document and tests, not for an answer. */
  readonly answer: () => Answer;
  /**
   * Returns what the schema describes, or sends something else itself and returns the reply. Null: the route is served by
   * webhooks.ts, which decides before it reads the body.
   */
  readonly handler:
    | ((
        context: RouteContext,
        input: RouteInput<Path, Query, Headers, Body>,
        http: RouteHttp,
      ) => Returned<Answer> | Promise<Returned<Answer>>)
    | null;
}

/** What was read of a request. */
export interface RouteInput<Path extends string, Query extends Parameters, Headers extends Parameters, Body> {
  readonly params: Readonly<Record<ParamName<Path>, string>>;
  readonly query: ValuesOf<Query>;
  readonly headers: ValuesOf<Headers>;
  readonly body: Body extends z.ZodType ? z.output<Body> : undefined;
  /** The only namespace that the caller may hear of; null = it may hear of all. */
  readonly within: string | null;
}

type Returned<Answer extends z.ZodType> = DeepReadonly<z.output<Answer>> | FastifyReply;

/** Names of the segments of a path that a caller chooses. */
export type ParamName<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamName<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : Path extends `${string}*`
      ? '*'
      : never;

export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** A route, as the table has it. */
export interface Route<
  Method extends 'GET' | 'POST' = 'GET' | 'POST',
  Path extends string = string,
  Query extends Parameters = Parameters,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly name: string;
  readonly method: Method;
  readonly path: Path;
  readonly access: RouteAccess;
  readonly needs: RouteRight;
  readonly summary: string;
  readonly description: string;
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: Query;
  readonly headers: Parameters;
  readonly body: Body | null;
  readonly status: number;
  readonly contentType: string;
  readonly isStream: boolean;
  readonly errors: readonly ErrorCode[];
  readonly otherAnswers: Readonly<Record<number, string>>;
  readonly example: { readonly query?: string; readonly body?: JsonObject };
  answer(): Answer;
  readonly admits: ((context: RouteContext, request: FastifyRequest) => void) | null;
  /** Reads what came and returns what the handler does. Null: as in the options. */
  readonly run: ((context: RouteContext, raw: RawRequest, http: RouteHttp) => Promise<unknown>) | null;
  /** The same for a request, and sends it. */
  readonly serve: ((context: RouteContext, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) | null;
}

/**
 * Declares a route. Registration, the reading and the bounds of parameters and bodies, 405, `GET /openapi.json`,
 * `docs/reference/api.md` and the types of the CLI's client follow; routes.ts has the list.
 */
export function defineRoute<
  const Method extends 'GET' | 'POST',
  const Path extends string,
  Answer extends z.ZodType,
  Query extends Parameters = NoParameters,
  Headers extends Parameters = NoParameters,
  Body extends z.ZodType = z.ZodUndefined,
>(options: RouteOptions<Method, Path, Query, Headers, Body, Answer>): Route<Method, Path, Query, Body, Answer> {
  const { method, access, handler, status = 200, contentType = 'application/json' } = options;
  const query = options.query ?? ({} as Query);
  const headers = options.headers ?? ({} as Headers);
  const readQuery = queryReader(query, access === 'open');
  const readHeaders = headerReader(headers);
  const readBody = method === 'GET' || options.readsBody === true ? () => undefined : bodyReader(options.body);
  const run =
    handler &&
    (async (context: RouteContext, raw: RawRequest, http: RouteHttp): Promise<unknown> => {
      const input = {
        params: raw.params,
        query: readQuery(raw.query),
        headers: readHeaders(raw.headers),
        body: readBody(raw.body),
        within: raw.within,
      } as RouteInput<Path, Query, Headers, Body>;
      return handler(context, input, http);
    });
  return {
    ...options,
    needs: options.needs ?? (method === 'GET' ? 'read' : 'change'),
    description: options.description ?? '',
    params: options.params ?? {},
    query,
    headers,
    body: options.body ?? null,
    status,
    contentType,
    isStream: options.isStream ?? false,
    errors: options.errors ?? [],
    otherAnswers: options.otherAnswers ?? {},
    example: options.example ?? {},
    admits: options.admits ?? null,
    run,
    serve:
      run &&
      (async (context, request, reply) => {
        const { params, headers, body, apiWithin: within } = request;
        const answer = await run(
          context,
          { params, query: request.query as RawQuery, headers, body, within },
          { request, reply },
        );
        // A reply can be awaited: who sent something else and returned it gives nothing here.
        if (answer === undefined || reply.sent) return reply;
        if (contentType !== 'application/json') void reply.type(contentType);
        return reply.code(status).send(answer);
      }),
  };
}
