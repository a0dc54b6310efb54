import { readDatabase, tokenFileOf } from '../app/store.ts';
import { existsSync, readFileSync } from 'node:fs';
import { AppError } from '../core/errors.ts';
import { errorOfAnswer, requestPath } from '../lib/api-call.ts';
import { hostOf, isLoopback } from '../lib/address-policy.ts';
import { createHttpClient } from '../lib/http.ts';
import { parseServerEvents } from '../lib/server-sent-events.ts';
import type { ServerEvent } from '../lib/server-sent-events.ts';
import type { AnswerOf, RequestOf, RouteName } from '../server/routes.ts';
import type { Terminal } from './output.ts';

/** Flags of every command that talks to a server. */
export interface ServerFlags {
  readonly server?: string;
  readonly token?: string;
  readonly db?: string;
}

/** Calls the API of a running server. */
export interface ApiClient {
  readonly url: string;
  /** Calls a route by its method and path, `GET /api/v1/runs/:id`; what it takes and answers is declared with the route. */
  call<Name extends RouteName>(name: Name, request: RequestOf<Name>): Promise<AnswerOf<Name>>;
  /** The same where the path is put together at run time. Rejects with Cancelled where the signal is aborted. */
  get(path: string, signal?: AbortSignal): Promise<unknown>;
  /** What the stream of changes tells from a position on. Rejects as `get` does; throws while it is read where it breaks off. */
  events(path: string, lastId: string, signal: AbortSignal): Promise<AsyncIterable<ServerEvent>>;
  post(path: string, body: unknown, signal?: AbortSignal): Promise<unknown>;
  /** To a Source's webhook, with the token of that Source and never the API's. */
  notify(path: string, body: unknown, webhookToken: string | undefined): Promise<unknown>;
}

const answerMs = 30_000;
/** The server says something each 15 seconds. */
const idleMs = 45_000;
const maxResponseBytes = 64 * 1024 * 1024;

/**
 * The server is `--server`, else 127.0.0.1:8080. Without `--token` a server on this machine gets the token of the file that
 * it keeps beside its database; any other host would learn it.
 */
export function apiClient(flags: ServerFlags, terminal: Terminal, timeoutMs = answerMs): ApiClient {
  const url = (flags.server ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new AppError('InvalidInput', `${url} is not an http or https URL`, {
      field: '--server',
      next: '--server http://127.0.0.1:8080, or FIST_SERVER',
    });
  }
  const isHere = isLoopback(hostOf(new URL(url)));
  const token = flags.token ?? (isHere ? tokenIn(tokenFileOf(readDatabase(flags.db, terminal.env))) : undefined);
  const http = createHttpClient();

  async function call(
    method: string,
    path: string,
    bearer: string | undefined,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const response = await http
      .send({
        method,
        url: url + path,
        headers: {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        timeoutMs,
        maxResponseBytes,
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((cause: unknown) => {
        throw signal?.aborted === true ? cause : unreachable(url, cause);
      });
    if (response.status >= 200 && response.status < 300) return response.body === '' ? null : JSON.parse(response.body);
    throw path.startsWith('/webhook/') && response.status === 401
      ? refusedBySource(url + path)
      : failure(response.status, response.body, url, token);
  }

  async function callApi(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    if (token === undefined && !isHere) throw tokenNeeded(url);
    return call(method, path, token, body, signal);
  }

  return {
    url,
    async call<Name extends RouteName>(name: Name, request: RequestOf<Name>): Promise<AnswerOf<Name>> {
      const [method = '', path = ''] = name.split(' ');
      return (await callApi(method, requestPath(path, request), request.body)) as AnswerOf<Name>;
    },
    get: (path, signal) => callApi('GET', path, undefined, signal),
    async events(path, lastId, signal) {
      if (token === undefined && !isHere) throw tokenNeeded(url);
      const headers = {
        accept: 'text/event-stream',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(lastId === '' ? {} : { 'last-event-id': lastId }),
      };
      const response = await http
        .stream({ url: url + path, headers, timeoutMs, idleMs, signal })
        .catch((cause: unknown) => {
          throw unreachable(url, cause);
        });
      if (response.status === 200) return parseServerEvents(response.pieces);
      let body = '';
      for await (const piece of response.pieces) body += piece;
      throw failure(response.status, body, url, token);
    },
    post: (path, body, signal) => callApi('POST', path, body, signal),
    notify: (path, body, webhookToken) => call('POST', path, webhookToken, body),
  };
}

function unreachable(url: string, cause: unknown): AppError {
  return new AppError('Unreachable', `no server answers at ${url}`, {
    cause,
    next: 'fist serve --resources DIR, or --server URL',
  });
}

function tokenIn(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function tokenNeeded(url: string): AppError {
  return new AppError(
    'Unauthenticated',
    `${url} is not this machine, so it is not sent the token that is beside a local database`,
    { field: '--token', next: 'FIST_TOKEN=$(cat TOKEN-FILE) with the token of that server, or --token TOKEN' },
  );
}

/** The webhook of a Source has a token of its own. */
function refusedBySource(url: string): AppError {
  return new AppError('Unauthenticated', `${url} refused: no token was given, or it is not the one of this Source`, {
    next: '--webhook-token, or FIST_WEBHOOK_TOKEN',
  });
}

function failure(status: number, body: string, url: string, token: string | undefined): AppError {
  if (status === 401) {
    const why = token === undefined ? 'no token was found' : 'the token is not the one of this server';
    return new AppError('Unauthenticated', `${url} refused: ${why}`, {
      next: 'give --db PATH of the server (its token is beside it), or FIST_TOKEN',
    });
  }
  return errorOfAnswer(status, body, url);
}
