import type { Catalog } from '../core/catalog.ts';
import type {
  AlertRuns,
  Clock,
  ClusterHealth,
  Control,
  Intake,
  Log,
  ModelChecks,
  Secrets,
  SinkTester,
  StoreHealth,
} from '../core/ports.ts';
import type { KnownData } from '../core/namespace-data.ts';
import type { Identities } from '../core/identity.ts';
import type { ListReader } from '../core/lists.ts';
import type { RunReader } from '../core/run-store.ts';
import type { AgentReader } from '../core/agent-store.ts';
import type { LearnedReader } from '../core/learned-store.ts';
import type { DeliveryReader } from '../core/delivery-store.ts';
import type { MetricsRegistry } from '../lib/metrics.ts';
import type { SourceDefinition, SourceWorld } from '../sources/define.ts';
import type { TlsFiles } from './tls.ts';

/** starting: not all parts are up; draining: takes nothing new, answers what it has. */
export type ServerState = 'starting' | 'ready' | 'draining';

/** What the server reads of the store; a StoreReader has it. */
export interface ServerReader {
  readonly lists: ListReader;
  readonly runs: Pick<RunReader, 'find' | 'steps' | 'evidence'>;
  readonly agent: Pick<AgentReader, 'events'>;
  readonly learned: LearnedReader;
  readonly deliveries: Pick<DeliveryReader, 'find'>;
}

/** Everything the server needs from the rest of the program. */
export interface ServerOptions {
  readonly host: string;
  /** 0 = chosen by the system. */
  readonly port: number;
  readonly version: string;
  /** Where people reach this server; null = where it listens. */
  readonly publicUrl: string | null;
  /** Bearer token of the API. */
  readonly token: string;
  /** Who else may call, by tokens of a cluster; null = nobody. */
  readonly identities: Identities | null;
  /** Sources without authentication are served although the server does not listen on loopback. */
  readonly allowInsecureSources: boolean;
  /** Assistants at `/mcp` are offered what starts investigations, too. */
  readonly allowMcpStart: boolean;
  /** null = it listens without TLS. */
  readonly tls: TlsFiles | null;
  readonly state: () => ServerState;
  /** null = not yet synchronised: nothing is known to be absent. */
  readonly catalog: { current(): Catalog | null };
  /** The registry of source types; those with `receive` or `converse` take webhooks, those with `receiveEvent` requests for runs. */
  readonly sourceTypes: readonly SourceDefinition[];
  /** For those that answer by themselves, and for requests for runs. */
  readonly sourceWorld: SourceWorld;
  readonly intake: Intake;
  readonly alertRuns: AlertRuns;
  readonly control: Control;
  readonly sinkTester: SinkTester;
  readonly modelChecks: ModelChecks;
  readonly knownData: KnownData;
  readonly reader: ServerReader;
  readonly storeHealth: StoreHealth;
  /** null = none was named. */
  readonly cluster: ClusterHealth | null;
  /** The model of Workflows that name none, or why it cannot be asked; null = the analyzers alone. */
  readonly model: string | null;
  readonly secrets: Secrets;
  readonly metrics: MetricsRegistry;
  readonly clock: Clock;
  readonly log: Log;
  /** For tests and small machines; every field has a sane default. */
  readonly limits?: Partial<ServerLimits>;
}

/** Bounds that keep a slow or hostile client from holding the server. */
export interface ServerLimits {
  /** From the connection (or the end of the last request) to the end of the headers. */
  readonly headersTimeoutMs: number;
  /** To the end of the body. */
  readonly requestTimeoutMs: number;
  /** How often the two are looked at. */
  readonly checkIntervalMs: number;
  /** A connection on which nothing happens at all. */
  readonly idleTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly maxHeaderBytes: number;
  readonly maxBodyBytes: number;
  /** Of one notification: 10,000 ordinary alerts are 9 MiB. */
  readonly maxWebhookBodyBytes: number;
  /** A body must bring `minBytesPerSecond` in each such time. */
  readonly paceWindowMs: number;
  readonly minBytesPerSecond: number;
  readonly maxConnections: number;
  /** Requests in work on one connection, one behind the other. */
  readonly maxRequestsPerConnection: number;
  /** Webhook requests in work at a time; more are answered 503. One Source may have as many as it leaves to others. */
  readonly maxWebhooks: number;
  /** What has come of their bodies, together. */
  readonly maxWebhookBytes: number;
  /** A commit under way is waited for so long before the answer is 503. The alerts may still be stored: that is harmless. */
  readonly acceptTimeoutMs: number;
  /** Requests of the API in work at a time, until their answers are read; more are answered 503. */
  readonly maxApiRequests: number;
  /** What has come of their bodies, together. */
  readonly maxApiBytes: number;
  /** Streams at a time; more are answered 503. */
  readonly maxStreams: number;
  /** How often the store is asked what has changed, while somebody listens. */
  readonly streamPollMs: number;
  /** An answer of the API that was not read after so long ends its connection. */
  readonly answerTimeoutMs: number;
  /** How long `close` waits for answers under way. */
  readonly closeTimeoutMs: number;
}

/** Characters of a segment of a path that a caller chooses. */
export const longestParam = 500;

const mebibyte = 1024 * 1024;

export const defaultLimits: ServerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  checkIntervalMs: 1000,
  idleTimeoutMs: 120_000,
  keepAliveTimeoutMs: 75_000,
  maxHeaderBytes: 16 * 1024,
  maxBodyBytes: 3 * mebibyte,
  maxWebhookBodyBytes: 16 * mebibyte,
  paceWindowMs: 5000,
  minBytesPerSecond: 1024,
  maxConnections: 2048,
  maxRequestsPerConnection: 16,
  maxWebhooks: 512,
  maxWebhookBytes: 64 * mebibyte,
  acceptTimeoutMs: 30_000,
  maxApiRequests: 64,
  maxApiBytes: 16 * mebibyte,
  maxStreams: 64,
  streamPollMs: 1000,
  answerTimeoutMs: 60_000,
  closeTimeoutMs: 5000,
};
