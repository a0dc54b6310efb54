import { noReaders } from '../../src/app/readers.ts';
import { noModelDefaults } from '../../src/agent/models/choose.ts';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApp } from '../../src/app/createApp.ts';
import type { App } from '../../src/app/app.ts';
import type { AppOptions } from '../../src/app/options.ts';
import type { AlertRecord } from '../../src/core/alert.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { IntakeAnswer } from '../../src/core/event.ts';
import type { Clock, Log } from '../../src/core/ports.ts';
import { isFinal } from '../../src/core/run.ts';
import type { Evidence, RunRecord, StepRecord } from '../../src/core/run.ts';
import { keepEverything } from '../../src/core/retention.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import type { Cleanup } from './cleanup.ts';
import { writeMigratedDatabase } from './migrated.ts';
import { repositoryRoot } from './processes.ts';
import { waitFor } from './wait.ts';

export interface AppAnswer {
  readonly status: number;
  /** Parsed where it is JSON, else text. */
  readonly body: unknown;
  readonly headers: Headers;
}

export type RunDetail = RunRecord & {
  readonly steps: readonly StepRecord[];
  readonly evidence: readonly Evidence[];
  readonly deliveries: readonly DeliveryRecord[];
};

/** The whole program in this process, over files of its own. */
export interface TestApp {
  readonly app: App;
  /** Holds `resources/`, `secrets/` and the database. */
  readonly folder: string;
  readonly database: string;
  /** What stdout sinks wrote. */
  stdout(): string;
  /** With the token of the API, unless `headers` say otherwise. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<AppAnswer>;
  /** The body of an answer 200; rejects on any other. */
  get<T>(path: string): Promise<T>;
  list<T>(path: string): Promise<readonly T[]>;
  /** Posts a notification of Alertmanager; rejects unless it is taken. */
  notify(path: string, alerts: readonly unknown[], token?: string): Promise<IntakeAnswer>;
  /** The one alert of this name. */
  alertNamed(name: string): Promise<AlertRecord>;
  /** The newest run of the alert, once it and all its deliveries have ended. */
  endedRun(alertname: string): Promise<RunDetail>;
  /** A new run of a finished one, once it has ended as above. */
  repeated(runId: string): Promise<RunDetail>;
  writeResources(file: string, text: string): void;
  stop(): Promise<void>;
}

export interface TestAppOptions extends Partial<AppOptions> {
  /** Texts of resource files by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Tokens by `namespace/name`. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** A folder of an earlier app, to go on with. */
  readonly folder?: string;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly noteSecret?: (value: string) => void;
  /** Default: silent. */
  readonly log?: Log;
}

/** An alert as Alertmanager sends it; it began `startedAgoMs` ago. */
export function firing(labels: Readonly<Record<string, string>>, startedAgoMs = 60_000, more: object = {}): object {
  const startsAt = new Date(Date.now() - startedAgoMs).toISOString();
  return { status: 'firing', labels, annotations: {}, startsAt, endsAt: '0001-01-01T00:00:00Z', ...more };
}

/** The notice that an alert ended `endedAgoMs` ago. */
export function resolved(labels: Readonly<Record<string, string>>, startedAgoMs = 60_000, endedAgoMs = 0): object {
  const endsAt = new Date(Date.now() - endedAgoMs).toISOString();
  return { ...firing(labels, startedAgoMs), status: 'resolved', endsAt };
}

/** A file of `test/fixtures/resources` with `@NAME@` replaced by the values. */
export function resourceFixture(file: string, values: Readonly<Record<string, string>> = {}): string {
  const text = readFileSync(`${repositoryRoot}test/fixtures/resources/${file}`, 'utf8');
  return text.replace(/@([A-Z_]+)@/g, (whole, name: string) => values[name] ?? whole);
}

/** Starts the program on a port that the system chooses. It is stopped by `cleanup`. */
export async function startTestApp(cleanup: Cleanup, options: TestAppOptions): Promise<TestApp> {
  const {
    files,
    tokens = {},
    folder = cleanup.temporaryFolder('app'),
    clock,
    signal,
    noteSecret,
    log = silentLog,
    ...changes
  } = options;
  mkdirSync(join(folder, 'resources'), { recursive: true });
  const writeResources = (file: string, text: string) => writeFileSync(join(folder, 'resources', file), text);
  for (const [file, text] of Object.entries(files)) writeResources(file, text);
  for (const [name, token] of Object.entries(tokens)) {
    mkdirSync(join(folder, 'secrets', name), { recursive: true });
    writeFileSync(join(folder, 'secrets', name, 'token'), token, { mode: 0o600 });
  }
  const database = join(folder, 'data', 'fist.db');
  if (!existsSync(database)) writeMigratedDatabase(database);
  let written = '';
  const app = await createApp(
    {
      resources: join(folder, 'resources'),
      database,
      host: '127.0.0.1',
      port: 0,
      operator: null,
      dump: null,
      kubeconfig: null,
      context: null,
      clusterName: null,
      secretsDirectory: join(folder, 'secrets'),
      publicUrl: null,
      allowExec: false,
      mcpCommands: [],
      allowInsecureSources: false,
      allowMcpStart: false,
      tls: null,
      destinations: { allowPrivate: true },
      models: noModelDefaults,
      modelPrices: null,
      concurrency: 8,
      drainMs: 2000,
      modelBudget: null,
      readers: noReaders,
      telemetry: null,
      retention: keepEverything,
      token: null,
      ...changes,
    },
    {
      log,
      writeStdout: (text) => void (written += text),
      ...(clock === undefined ? {} : { clock }),
      ...(signal === undefined ? {} : { signal }),
      ...(noteSecret === undefined ? {} : { noteSecret }),
    },
  );
  cleanup.defer(() => app.stop());
  return {
    app,
    folder,
    database,
    stdout: () => written,
    writeResources,
    stop: async () => void (await app.stop()),
    ...client(app),
  };
}

type Client = Pick<TestApp, 'call' | 'get' | 'list' | 'notify' | 'alertNamed' | 'endedRun' | 'repeated'>;

function client(app: App): Client {
  const call: TestApp['call'] = async (method, path, body, headers = {}) => {
    const response = await fetch(app.url + path, {
      method,
      headers: {
        authorization: `Bearer ${app.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    return { status: response.status, body: parsed(await response.text()), headers: response.headers };
  };
  const get = async <T>(path: string): Promise<T> => {
    const { status, body } = await call('GET', path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status} ${JSON.stringify(body)}`);
    return body as T;
  };
  const list = async <T>(path: string) => (await get<{ items: readonly T[] }>(path)).items;
  const alertNamed = async (name: string) => {
    const [alert, ...others] = await list<AlertRecord>(`/api/v1/alerts?name=${encodeURIComponent(name)}`);
    if (alert === undefined || others.length > 0) throw new Error(`${others.length + 1} alerts are named ${name}`);
    return alert;
  };
  const ended = (id: string) =>
    waitFor(`the end of run ${id}`, async () => {
      const run = await get<RunDetail>(`/api/v1/runs/${id}`);
      return isFinal(run.status) && run.deliveries.every(({ status }) => status !== 'pending') && run;
    });
  return {
    call,
    get,
    list,
    alertNamed,
    async notify(path, alerts, token) {
      const envelope = { version: '4', receiver: 'fist', status: 'firing', groupKey: `{}:{path="${path}"}` };
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const { status, body } = await call('POST', `/webhook/${path}`, { ...envelope, alerts }, headers);
      if (status !== 200) throw new Error(`the webhook answered ${status} ${JSON.stringify(body)}`);
      return body as IntakeAnswer;
    },
    async endedRun(alertname) {
      const id = (await alertNamed(alertname)).workflowId;
      if (id === null) throw new Error(`alert ${alertname} has no run`);
      return ended(id);
    },
    async repeated(runId) {
      // The alert names its new run only once that has begun.
      const { status, body } = await call('POST', `/api/v1/runs/${runId}/retry`, {});
      if (status !== 201) throw new Error(`the retry of run ${runId} answered ${status} ${JSON.stringify(body)}`);
      return ended((body as { readonly id: string }).id);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
