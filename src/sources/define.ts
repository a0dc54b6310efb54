import type { z } from 'zod';
import type { AlertRecord } from '../core/alert.ts';
import type { CatalogSource } from '../core/catalog.ts';
import type { AppError } from '../core/errors.ts';
import type { Notification } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Permission } from '../core/permission.ts';
import type {
  CatalogHolder,
  Clock,
  Conversations,
  HttpClient,
  Intake,
  Log,
  RunRequests,
  Secrets,
  SocketClient,
} from '../core/ports.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { StoreReader } from '../core/store.ts';
import type { Timestamp } from '../core/time.ts';
import type { ClusterWatch } from '../core/watch.ts';
import type { Turns } from '../lib/turns.ts';

/** One authenticated request, as the server read it. Header names are in lower case. */
export interface SourceRequest {
  readonly body: Buffer | string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly receivedAt: Timestamp;
  /** What stands behind the path of the Source, one of its `subpaths`; absent = nothing. */
  readonly subpath?: string;
  /** Of the body, without parameters, in lower case; absent = not told. */
  readonly mediaType?: string;
  /** Names this delivery, and is signed together with the body: who sends the same again sends it with the same name. */
  readonly signedId?: string | null;
}

/** What a source made of a request. A failure is an unusable envelope; single bad items are in the notification. */
export type ReceiveResult =
  | { readonly ok: true; readonly notification: Notification }
  | {
      readonly ok: false;
      readonly status: 400;
      /** Path of the wrong field, `version`; empty for the body as a whole. */
      readonly field: string;
      readonly message: string;
    };

/** What is known of an alert that fires. */
export type OpenAlert = Pick<
  AlertRecord,
  | 'name'
  | 'severity'
  | 'fingerprint'
  | 'externalId'
  | 'labels'
  | 'annotations'
  | 'summary'
  | 'description'
  | 'generatorUrl'
  | 'startsAt'
  | 'lastReceivedAt'
  | 'createdAt'
>;

/** What the Sources of a server work with, those that run by themselves and those that answer. */
export interface SourceWorld {
  readonly catalog: CatalogHolder;
  readonly intake: Pick<Intake, 'accept'> & RunRequests;
  readonly reader: StoreReader;
  readonly http: HttpClient & SocketClient;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly conversations: Conversations;
  /** An alert about `pod/web-1` and the like, in this namespace. Throws InvalidInput for a kind that is not looked at. */
  readonly alertOfObject: (object: string, namespace: string | null) => AlertSnapshot;
}

/** What a Source that runs by itself works with. */
export interface SourceIo extends SourceWorld {
  /** As the catalog has it now. Its config is the one that it was started with; all else may have changed. */
  readonly source: () => CatalogSource;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Whether the Source was another one, or none, a moment ago, and has not told yet that it works. */
  readonly isNew: () => boolean;
  /** Aborted when the Source is gone or changed, and at the end of the program. */
  readonly signal: AbortSignal;
  /** Tells that it works: what was wrong is over. */
  readonly works: () => Promise<void>;
  /** Tells what is wrong where it goes on by itself; else what is wrong is thrown. */
  readonly trouble: (error: AppError) => Promise<void>;
  /** null: the server has no live cluster. */
  readonly cluster: ClusterWatch | null;
  /** Alerts of the Source that fire. */
  readonly openAlerts: () => Promise<readonly OpenAlert[]>;
  /** How far the Source has got, whichever replica did it; null = nowhere yet. */
  readonly lastTick: () => Promise<Timestamp | null>;
  /** Has the Source be as far as `tick` without a run; false where it is further already. */
  readonly passTick: (tick: Timestamp) => Promise<boolean>;
}

/** What a source made of a request for a run. */
export type EventResult =
  | {
      readonly ok: true;
      /** `.source.data` of templates. */
      readonly data: JsonObject;
      /** Names the request; null = the sender did not. */
      readonly key: string | null;
    }
  | Extract<ReceiveResult, { readonly ok: false }>;

/** The parts of a Source that follow from its config alone. */
export type CompiledSource = Pick<
  CatalogSource,
  'path' | 'authentication' | 'accepts' | 'mediaTypes' | 'subpaths' | 'settings'
>;

/** A template in the config of a Source. */
export interface SourceTemplate {
  readonly path: readonly string[];
  readonly text: string;
  /** What it may speak about, `.item`. */
  readonly roots: readonly string[];
}

/** A field that says nothing, because of what another one says. */
export interface UnusedField {
  readonly path: readonly string[];
  /** Who does not use it: `a Source that asks an endpoint`. */
  readonly by: string;
  /** What makes it used: `make endpoint a URL`. */
  readonly unless: string;
}

/** How a type takes requests that want an answer of their own. */
export interface Conversation {
  /** Depends on nothing but the request. */
  readonly read: (
    request: SourceRequest,
    turns: Turns,
  ) => Promise<{ readonly ok: true; readonly said: unknown } | Extract<ReceiveResult, { readonly ok: false }>>;
  /** Takes what `read` made of a request; resolves after the commit, to the body of the answer; null = an empty one. */
  readonly take: (source: CatalogSource, said: unknown, world: SourceWorld) => Promise<JsonObject | null>;
}

/** A source type of the registry. The config's own type is known inside the definition only. */
export interface SourceDefinition {
  readonly type: string;
  /** One sentence, for the generated reference. */
  readonly description: string;
  readonly config: z.ZodType<JsonObject>;
  /** Templates of a config that `config` accepted, by their paths in it, for lint. */
  readonly templates: (config: JsonObject) => readonly SourceTemplate[];
  /** Fields that would be ignored of a config that `config` accepted, given or not. */
  readonly unused: (config: JsonObject) => readonly UnusedField[];
  /** From a config that `config` accepted. Pure. */
  readonly compile: (config: JsonObject) => CompiledSource;
  /**
   * Absent where the type takes no requests. Depends on nothing but the request and the `settings` of the Source; a large
   * request is read in pieces, between which `turns` lets others have theirs.
   */
  readonly receive: ((request: SourceRequest, turns: Turns, settings: unknown) => Promise<ReceiveResult>) | null;
  /** The same for what starts a run without being an alert (`POST /api/v1/sources/<namespace>/<name>/events`). */
  readonly receiveEvent: ((request: SourceRequest, turns: Turns, settings: unknown) => Promise<EventResult>) | null;
  /** In place of `receive`; null where requests are notifications, or there are none. */
  readonly converse: Conversation | null;
  /**
   * Null where the type, or this Source, only answers. Runs for as long as the Source is in the catalog; rejects with what is
   * wrong, and is started again after a pause.
   */
  readonly run: ((settings: unknown, io: SourceIo) => Promise<void>) | null;
  /** Whether a Source with these settings runs; else it only answers. */
  readonly runs: (settings: unknown) => boolean;
  /** Whether it tells of alerts; else each of its runs is about none. */
  readonly hasAlerts: boolean;
  /** Which replicas run it. one: any, and another soon after that one is gone. */
  readonly runsOn: 'all' | 'one';
  /** What it needs of the cluster to do what its examples do. */
  readonly permissions: readonly Permission[];
}

interface Definition<Schema extends z.ZodType<object>, Settings> {
  readonly type: string;
  readonly description: string;
  readonly config: Schema;
  readonly templates?: (config: z.output<Schema>) => readonly SourceTemplate[];
  /** Absent: every field of `config` is used, whatever the others say. */
  readonly unused?: (config: z.output<Schema>) => readonly UnusedField[];
  readonly compile?: (config: z.output<Schema>) => Partial<CompiledSource> & { readonly settings?: Settings };
  readonly receive?: (request: SourceRequest, turns: Turns, settings: Settings) => Promise<ReceiveResult>;
  readonly receiveEvent?: (request: SourceRequest, turns: Turns, settings: Settings) => Promise<EventResult>;
  readonly converse?: Conversation;
  readonly run?: (settings: Settings, io: SourceIo) => Promise<void>;
  /** Absent: each one runs, where there is `run`. */
  readonly runs?: (settings: Settings) => boolean;
  readonly runsOn?: 'all' | 'one';
  /** Absent: true. */
  readonly hasAlerts?: boolean;
  /** Absent: nothing. */
  readonly permissions?: readonly Permission[];
}

/** What a source without paths, filters and callers compiles to. */
const plain: CompiledSource = {
  path: null,
  authentication: null,
  accepts: () => null,
  mediaTypes: ['application/json'],
  subpaths: [],
  settings: null,
};

/** Declares a source type. A new source is its file, its test, one line in index.ts and one example. */
export function defineSource<Schema extends z.ZodType<object>, Settings = null>(
  definition: Definition<Schema, Settings>,
): SourceDefinition {
  const { type, description, config, compile, receive, receiveEvent, run } = definition;
  return {
    type,
    description,
    // What a schema accepts came from YAML or JSON; an absent optional field is absent in JSON too.
    config: config as unknown as z.ZodType<JsonObject>,
    templates: (accepted) => definition.templates?.(accepted as z.output<Schema>) ?? [],
    unused: (accepted) => definition.unused?.(accepted as z.output<Schema>) ?? [],
    compile: (accepted) => ({ ...plain, ...compile?.(accepted as z.output<Schema>) }),
    // A Source's settings are those that its own type made.
    receive: receive === undefined ? null : (request, turns, settings) => receive(request, turns, settings as Settings),
    receiveEvent:
      receiveEvent === undefined
        ? null
        : (request, turns, settings) => receiveEvent(request, turns, settings as Settings),
    converse: definition.converse ?? null,
    run: run === undefined ? null : (settings, io) => run(settings as Settings, io),
    runs: (settings) => run !== undefined && (definition.runs?.(settings as Settings) ?? true),
    runsOn: definition.runsOn ?? 'all',
    hasAlerts: definition.hasAlerts ?? true,
    permissions: definition.permissions ?? [],
  };
}
