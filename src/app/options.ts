import { isAbsolute } from 'node:path';
import type { ModelDefaults } from '../agent/models/choose.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { ModelBudget } from '../core/plan.ts';
import type { RetentionRules } from '../core/retention.ts';
import type { DestinationPolicy } from '../lib/address-policy.ts';
import { parseDestinations } from '../lib/destinations.ts';
import { parseDuration } from '../lib/duration.ts';
import type { TlsFiles } from '../server/tls.ts';
import { readModelBudget } from './model-budget.ts';
import type { OperatorOptions } from './operator-options.ts';
import { readReaderOptions } from './readers.ts';
import type { ReaderFlags, ReaderOptions } from './readers.ts';
import { readCount } from './read-count.ts';
import { readRetention } from './retention.ts';
import type { RetentionFlags } from './retention.ts';
import { readDatabase } from './store.ts';
import { readTelemetry } from './telemetry.ts';
import type { TelemetryFlags, TelemetryOptions } from './telemetry.ts';

/** How to reach what is investigated; all null = no cluster is configured. */
export interface ClusterOptions {
  readonly dump: string | null;
  readonly kubeconfig: string | null;
  readonly context: string | null;
  /** What the `cluster` label of its alerts says; null = not compared. */
  readonly clusterName: string | null;
}

/** Everything that `createApp` needs to know. */
export interface AppOptions extends ClusterOptions {
  /** Folder or file of resources; null = those of a cluster. */
  readonly resources: string | null;
  /** null where there is a folder. */
  readonly operator: OperatorOptions | null;
  /** SQLite file, or `postgres://` URL. */
  readonly database: string;
  /** Of the API; null = the file beside the database, made at the first start. */
  readonly token: string | null;
  readonly host: string;
  /** 0 = chosen by the system. */
  readonly port: number;
  readonly secretsDirectory: string | null;
  readonly publicUrl: string | null;
  readonly allowExec: boolean;
  /** Programs that may be run as MCP servers, absolute paths; `all` = any. */
  readonly mcpCommands: 'all' | readonly string[];
  readonly allowInsecureSources: boolean;
  /** Assistants at `/mcp` may start investigations. */
  readonly allowMcpStart: boolean;
  /** null = it listens without TLS. */
  readonly tls: TlsFiles | null;
  /** Where Sinks and models may be asked. */
  readonly destinations: DestinationPolicy;
  readonly models: ModelDefaults;
  /** File of prices of models; null = list prices only. */
  readonly modelPrices: string | null;
  /** Runs that execute at the same time. */
  readonly concurrency: number;
  /** How long a graceful stop may take in all. */
  readonly drainMs: number;
  readonly retention: RetentionRules;
  /** What models may use on a UTC day; null = no limit. */
  readonly modelBudget: ModelBudget | null;
  readonly readers: ReaderOptions;
  /** null = no traces are sent. */
  readonly telemetry: TelemetryOptions | null;
}

/** Flags that every way to run a server has, as commander gives them. */
export interface ServerFlags extends RetentionFlags, ReaderFlags, TelemetryFlags {
  readonly db?: string;
  readonly listen?: string;
  readonly publicUrl?: string;
  readonly allowInsecureSources: boolean;
  readonly allowMcpStart?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly denyPrivateDestinations?: boolean;
  readonly allowDestination?: readonly string[];
  readonly modelPrices?: string;
  readonly concurrency: string;
  readonly drainTimeout: string;
  readonly llmDailyBudget?: string;
  readonly llmDailyTokens?: string;
  readonly logLevel: string;
}

/** Flags of `fist serve`. */
export interface ServeFlags extends ServerFlags, ClusterFlags {
  readonly resources: string;
  readonly secretsDir?: string;
  readonly allowExec: boolean;
  readonly allowMcpCommand?: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Flags win over the contract's environment variables, those over defaults. Throws InvalidInput that names the flag. */
export function readServeOptions(flags: ServeFlags, environment: Environment, models: ModelDefaults): AppOptions {
  return {
    ...readServerOptions(flags, environment, models),
    ...readClusterOptions(flags),
    resources: flags.resources,
    operator: null,
    secretsDirectory: flags.secretsDir ?? null,
    allowExec: flags.allowExec,
    mcpCommands: flags.allowExec ? 'all' : readPrograms(flags.allowMcpCommand ?? []),
  };
}

type ServerOptions = Omit<
  AppOptions,
  keyof ClusterOptions | 'resources' | 'operator' | 'secretsDirectory' | 'allowExec' | 'mcpCommands'
>;

/** What every way to run a server has. Throws InvalidInput that names the flag. */
export function readServerOptions(flags: ServerFlags, environment: Environment, models: ModelDefaults): ServerOptions {
  const { host, port } = readListen(flags.listen ?? environment['SERVER_ADDR'] ?? '127.0.0.1:8080');
  return {
    database: readDatabase(flags.db, environment),
    token: environment['FIST_TOKEN'] ?? null,
    host,
    port,
    publicUrl: readPublicUrl(flags.publicUrl),
    allowInsecureSources: flags.allowInsecureSources,
    allowMcpStart: flags.allowMcpStart ?? false,
    tls: readTlsFiles(flags),
    destinations: readDestinations(flags),
    models,
    modelPrices: flags.modelPrices ?? null,
    concurrency: readCount(flags.concurrency, '--concurrency', 1000),
    drainMs: readDrain(flags.drainTimeout),
    retention: readRetention(flags, environment),
    modelBudget: readModelBudget(flags, environment),
    readers: readReaderOptions(flags, environment),
    telemetry: readTelemetry(flags, environment),
  };
}

function readPrograms(files: readonly string[]): readonly string[] {
  for (const file of files) {
    if (isAbsolute(file)) continue;
    const field = '--allow-mcp-command';
    throw new AppError('InvalidInput', `${field} ${file} is no absolute path of a program`, {
      field,
      next: `${field} /usr/local/bin/${file}`,
    });
  }
  return files;
}

/** All or nothing: a server that was meant to have TLS must not listen without. */
function readTlsFiles({ tlsCert, tlsKey, tlsClientCa }: ServerFlags): TlsFiles | null {
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return null;
  if (tlsCert !== undefined && tlsKey !== undefined)
    return { certificate: tlsCert, key: tlsKey, clientAuthorities: tlsClientCa ?? null };
  const field = tlsCert === undefined ? '--tls-cert' : '--tls-key';
  throw new AppError('InvalidInput', `${field} is missing: TLS needs a certificate and its key`, { field });
}

function readDestinations({
  denyPrivateDestinations = false,
  allowDestination = [],
}: Pick<ServerFlags, 'denyPrivateDestinations' | 'allowDestination'>): DestinationPolicy {
  if (denyPrivateDestinations) return { allowPrivate: false, allowed: parseDestinations(allowDestination) };
  if (allowDestination.length === 0) return { allowPrivate: true };
  throw new AppError('InvalidInput', '--allow-destination excepts from what is denied, and nothing is', {
    field: '--allow-destination',
    next: 'add --deny-private-destinations',
  });
}

/** Flags that name a cluster. */
export interface ClusterFlags {
  readonly dump?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly clusterName?: string;
}

/** `--dump`, or `--context` and `--kubeconfig`, not both. */
export function readClusterOptions(flags: ClusterFlags): ClusterOptions {
  if (flags.dump !== undefined && (flags.kubeconfig !== undefined || flags.context !== undefined)) {
    throw new AppError(
      'InvalidInput',
      '--dump and --context/--kubeconfig exclude each other: evidence comes from one place',
    );
  }
  return {
    dump: flags.dump ?? null,
    kubeconfig: flags.kubeconfig ?? null,
    context: flags.context ?? null,
    clusterName: flags.clusterName ?? null,
  };
}

function readDrain(text: string): number {
  const field = '--drain-timeout';
  const milliseconds = orField(field, () => parseDuration(text));
  if (milliseconds >= 1000 && milliseconds <= 3_600_000) return milliseconds;
  throw new AppError('InvalidInput', `${field} ${text} is not between 1s and 1h`, { field, next: `${field} 25s` });
}

function orField<Value>(field: string, read: () => Value): Value {
  try {
    return read();
  } catch (thrown) {
    throw new AppError('InvalidInput', `${field}: ${toAppError(thrown).message}`, { field });
  }
}

function readListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new AppError('InvalidInput', `${text} is not HOST:PORT`, {
      field: '--listen (or SERVER_ADDR)',
      next: '--listen 127.0.0.1:8080',
    });
  }
  return { host: match[1] ?? (match[2] === '' ? '0.0.0.0' : (match[2] ?? '')), port };
}

function readPublicUrl(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!URL.canParse(text))
    throw new AppError('InvalidInput', `--public-url ${text} is not a URL`, {
      next: '--public-url https://fist.example.com',
    });
  return text.replace(/\/+$/, '');
}
