import type { z } from 'zod';
import type { CatalogSource } from '../core/catalog.ts';
import type { Notification } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import type { Timestamp } from '../core/time.ts';
import type { Turns } from '../lib/turns.ts';

/** One authenticated request, as the server read it. Header names are in lower case. */
export interface SourceRequest {
  readonly body: Buffer | string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly receivedAt: Timestamp;
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

/** The parts of a Source that follow from its config alone. */
export type CompiledSource = Pick<CatalogSource, 'path' | 'authentication' | 'accepts'>;

/** A source type of the registry. The config's own type is known inside the definition only. */
export interface SourceDefinition {
  readonly type: string;
  /** One sentence, for the generated reference. */
  readonly description: string;
  readonly config: z.ZodType<JsonObject>;
  /** Null where this version runs it; else why not: the catalog says Ready=False, reason NotImplemented. */
  readonly notImplemented: string | null;
  /** From a config that `config` accepted. Pure. */
  readonly compile: (config: JsonObject) => CompiledSource;
  /**
   * Absent where the type takes no requests. Depends on nothing but the request; a large one is read in pieces, between
   * which `turns` lets others have theirs.
   */
  readonly receive: ((request: SourceRequest, turns: Turns) => Promise<ReceiveResult>) | null;
}

interface Definition<Schema extends z.ZodType<object>> {
  readonly type: string;
  readonly description: string;
  readonly config: Schema;
  readonly notImplemented?: string;
  readonly compile?: (config: z.output<Schema>) => CompiledSource;
  readonly receive?: NonNullable<SourceDefinition['receive']>;
}

/** What a source without paths, filters and callers compiles to. */
const plain: CompiledSource = { path: null, authentication: null, accepts: () => null };

/** Declares a source type. A new source is its file, its test, one line in index.ts and one example. */
export function defineSource<Schema extends z.ZodType<object>>(definition: Definition<Schema>): SourceDefinition {
  const { type, description, config, compile, receive } = definition;
  return {
    type,
    description,
    // What a schema accepts came from YAML or JSON; an absent optional field is absent in JSON too.
    config: config as unknown as z.ZodType<JsonObject>,
    notImplemented: definition.notImplemented ?? null,
    compile: (accepted) => (compile === undefined ? plain : compile(accepted as z.output<Schema>)),
    receive: receive ?? null,
  };
}
