import type { Readers } from '../agent/open-toolbox.ts';
import type { SecretReference } from '../core/catalog.ts';
import type { Cluster } from '../core/cluster.ts';
import type { ReadAddress } from '../core/plan.ts';
import type { Clock, HttpClient, Secrets } from '../core/ports.ts';
import type { MetricsReader } from '../core/readers.ts';
import type { StoreReader } from '../core/store.ts';
import { AppError } from '../core/errors.ts';
import { createHttpClient } from '../lib/http.ts';
import { parseSecretReference, secretFile } from '../lib/secret-reference.ts';
import type { ReadServer } from '../readers/http-json.ts';
import { serverUrl } from '../readers/http-json.ts';
import { createLoki } from '../readers/loki.ts';
import { createPrometheus } from '../readers/prometheus.ts';
import { recordedFolder, recordedPrometheus } from '../readers/recorded-prometheus.ts';
import { runbookFolder } from '../readers/runbook-folder.ts';
import { pastIncidents } from '../workflows/past-incidents.ts';
import type { ReadersOf } from '../workflows/engine/work.ts';

/** A server that is read, as the options of the program name it. */
export interface ServerAddress {
  readonly url: string;
  /** null = none. */
  readonly token: string | null;
}

/** What an investigation reads beside the cluster; null = none of it, where a Workflow names none either. */
export interface ReaderOptions {
  readonly prometheus: ServerAddress | null;
  readonly loki: ServerAddress | null;
  /** A folder. */
  readonly runbooks: string | null;
}

/** A program that reads nothing beside the cluster. */
export const noReaders: ReaderOptions = { prometheus: null, loki: null, runbooks: null };

export interface ReaderFlags {
  readonly prometheus?: string;
  readonly loki?: string;
  readonly runbooks?: string;
}

/** Flags, and the tokens that go with them. Throws InvalidInput that names the flag. */
export function readReaderOptions(
  { prometheus, loki, runbooks }: ReaderFlags,
  environment: Readonly<Record<string, string | undefined>>,
): ReaderOptions {
  const server = (url: string | undefined, flag: string, variable: string): ServerAddress | null =>
    url === undefined ? null : { url: serverUrl(url, flag), token: environment[variable] ?? null };
  return {
    prometheus: server(prometheus, '--prometheus', 'FIST_PROMETHEUS_TOKEN'),
    loki: server(loki, '--loki', 'FIST_LOKI_TOKEN'),
    runbooks: runbooks ?? null,
  };
}

/** Values that nothing may show. */
export function readerSecrets({ prometheus, loki }: ReaderOptions): readonly string[] {
  return [prometheus, loki].flatMap((server) => server?.token ?? []);
}

/** What `work` makes of what the options name, with no server; connections are closed behind it. */
export async function withReaders<T>(
  { prometheus, loki, runbooks }: ReaderOptions,
  work: (readers: Readers) => Promise<T>,
): Promise<T> {
  const http = createHttpClient();
  const own = (name: string, server: ServerAddress): ReadServer => ({
    name,
    url: server.url,
    token: () => server.token,
    http,
  });
  try {
    return await work({
      metrics: prometheus === null ? null : createPrometheus(own('Prometheus', prometheus)),
      logs: loki === null ? null : createLoki(own('Loki', loki)),
      runbooks: runbooks === null ? null : runbookFolder(runbooks, Date.now),
      incidents: null,
      http,
    });
  } finally {
    await http.close();
  }
}

function withoutToken(server: string, reference: SecretReference): AppError {
  const { name, key } = reference;
  return new AppError('SecretMissing', `${server} was not asked, because key ${key} of Secret ${name} is not there`, {
    next: secretFile(reference),
  });
}

/** Metrics that were recorded beside a captured cluster; null where there are none. Throws InvalidInput for a broken recording. */
export async function recordedMetrics({ beside, description }: Cluster): Promise<MetricsReader | null> {
  return beside === undefined ? null : recordedPrometheus(await beside(recordedFolder), description);
}

export interface ReaderWorld {
  /** Metrics that were recorded beside a captured cluster, where nobody names a server; absent: none. */
  readonly recorded?: MetricsReader | null;
  readonly http: HttpClient;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly store: Pick<StoreReader, 'lists' | 'learned'>;
}

/**
 * What the steps of a run may read: what the step names, else its Workflow, else the program. The program's token goes to the
 * program's own server alone.
 */
export function createReaders(
  options: ReaderOptions,
  { recorded = null, http, secrets, clock, store }: ReaderWorld,
): ReadersOf {
  const runbooks = options.runbooks === null ? null : runbookFolder(options.runbooks, () => clock.monotonic());
  return ({ namespace, runId, runtime }, endpoints): Readers => {
    const serverOf = (
      name: string,
      named: string | null,
      ofWorkflow: ReadAddress | undefined,
      own: ServerAddress | null,
    ): ReadServer | null => {
      if (named !== null) return { name, url: serverUrl(named, 'endpoint'), token: () => null, http };
      if (ofWorkflow === undefined) return own === null ? null : { name, url: own.url, token: () => own.token, http };
      const { url, tokenSecret } = ofWorkflow;
      if (tokenSecret === null) return { name, url: serverUrl(url, 'spec'), token: () => null, http };
      const find = () => secrets.get(namespace, parseSecretReference(tokenSecret));
      const missing = withoutToken(name, parseSecretReference(tokenSecret));
      const token = (): string => {
        const found = find();
        if (found === null) throw missing;
        return found;
      };
      return { name, url: serverUrl(url, 'spec'), token, refusal: find() === null ? missing : undefined, http };
    };
    const prometheus = serverOf('Prometheus', endpoints.metrics, runtime.prometheus, options.prometheus);
    const loki = serverOf('Loki', endpoints.logs, runtime.loki, options.loki);
    return {
      metrics: prometheus === null ? recorded : createPrometheus(prometheus),
      logs: loki === null ? null : createLoki(loki),
      runbooks,
      incidents: pastIncidents(store, { namespace, runId }),
      http,
    };
  };
}
