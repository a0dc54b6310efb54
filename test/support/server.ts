import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cleanEnvironment, startProcess } from './processes.ts';
import type { RunningProcess } from './processes.ts';
import { waitFor } from './wait.ts';

export interface ServerOptions {
  readonly resources: string;
  readonly database: string;
  /** Default 127.0.0.1:0, a port that the system chooses. */
  readonly listen?: string;
  /** Further flags of `fist serve`. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Words before `serve`; default the program itself. */
  readonly program?: readonly string[];
  /** Words of a command that runs the server, before Node's. */
  readonly under?: readonly string[];
}

export interface ApiAnswer {
  readonly status: number;
  /** Parsed where it is JSON, else text. */
  readonly body: unknown;
}

/** The real server, in a process of its own. */
export interface TestServer {
  readonly url: string;
  readonly process: RunningProcess;
  /** Calls the API with the server's own token. */
  api(method: 'GET' | 'POST', path: string, body?: unknown): Promise<ApiAnswer>;
  /** Items of a list of the API. */
  list<T = Readonly<Record<string, unknown>>>(path: string): Promise<readonly T[]>;
  /** Posts to a webhook path with a bearer token. */
  post(path: string, body: unknown, token?: string): Promise<ApiAnswer>;
}

/** `fist serve` with its process, before it is ready. */
export function spawnServer(options: ServerOptions): RunningProcess {
  const { resources, database, listen = '127.0.0.1:0', flags = [], program = ['src/main.ts'], under = [] } = options;
  const [command, ...words] = [...under, process.execPath, ...program];
  return startProcess(
    command ?? process.execPath,
    [...words, 'serve', '--resources', resources, '--db', database, '--listen', listen, ...flags],
    {
      // Where bin/fist.js has it: a program that changes what it loads would compile all of it with each start.
      environment: cleanEnvironment({
        NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
        ...options.environment,
      }),
    },
  );
}

/** The server's log so far, a line an object; lines that are no JSON are left out. */
export function logLines(text: string): readonly Readonly<Record<string, unknown>>[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}

/** The address of the `ready` line, or null. */
export function readyUrl(stderr: string): string | null {
  if (!stderr.includes('"ready"')) return null;
  const line = logLines(stderr).find(
    (candidate) => candidate['message'] === 'ready' && typeof candidate['url'] === 'string',
  );
  return (line?.['url'] as string | undefined) ?? null;
}

/**
 * Waits for the `ready` line. Rejects with the log when the process ends first. The API's token is the one that the
 * server keeps beside its database, unless `token` is given.
 */
export async function whenReady(
  process: RunningProcess,
  database: string,
  options: { readonly timeoutMs?: number; readonly token?: string } = {},
): Promise<TestServer> {
  const explain = () => `${JSON.stringify(process.exitStatus())}\n${process.stderr()}`;
  const url = await waitFor(
    'the server to be ready',
    () => {
      const found = readyUrl(process.stderr());
      if (found === null && process.exitStatus() !== null)
        throw new Error(`the server ended before it was ready\n${explain()}`);
      return found;
    },
    { timeoutMs: options.timeoutMs ?? 20_000, everyMs: 10, explain },
  );
  return connect(process, url, database, options.token);
}

/** Starts the server and waits until it is ready. Stop its `process` at the end. */
export function startServer(options: ServerOptions): Promise<TestServer> {
  return whenReady(spawnServer(options), options.database);
}

function connect(process: RunningProcess, url: string, database: string, token?: string): TestServer {
  const tokenFile = `${database}-token`;
  async function call(method: string, path: string, token: string | undefined, body: unknown): Promise<ApiAnswer> {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    return { status: response.status, body: parse(text) };
  }
  const apiToken = () => token ?? (existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').trim() : undefined);
  const api: TestServer['api'] = (method, path, body) => call(method, path, apiToken(), body);
  return {
    url,
    process,
    api,
    async list<T>(path: string) {
      const answer = await api('GET', path);
      if (answer.status !== 200)
        throw new Error(`GET ${path} answered ${answer.status} ${JSON.stringify(answer.body)}`);
      return (answer.body as { items: readonly T[] }).items;
    },
    post: (path, body, token) => call('POST', path, token, body),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
