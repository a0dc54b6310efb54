import type { z } from 'zod';
import type { SecretReference } from '../core/catalog.ts';
import type { ClusterEvents } from '../core/cluster.ts';
import type { DeliveryEvent, DeliveryVerdict } from '../core/delivery.ts';
import type { JsonObject } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import type { HttpClient } from '../core/ports.ts';
import type { Connect } from '../lib/connect.ts';

/** All that a sink may touch. */
export interface SinkIo {
  readonly http: HttpClient;
  /** For receivers that do not speak HTTP; under the same policy. */
  readonly connect: Connect;
  /** The value of a Secret in the Sink's namespace. Throws SecretMissing. */
  secret(reference: SecretReference): string;
  /** Writes to the program's standard output. */
  write(text: string): Promise<void>;
  /** Of the live cluster that the server is connected to; null = there is none. */
  readonly events: ClusterEvents | null;
  /** Where Sinks of this namespace may keep files; it need not be there yet. */
  readonly folder: string;
  /** Makes a run of a Workflow that the Sink may name, one for each delivery; answers its id. Throws what `ChildRuns` does. */
  startRun(workflow: string, context: JsonObject): Promise<string>;
  /**
   * Whether another alert fires still that this Sink told last at the same place: with a reference that is this one, or begins
   * with it and a slash. What they share is not over then.
   */
  othersFireAt(place: string): Promise<boolean>;
  /** The wall clock, milliseconds since the epoch: for answers that hold dates. */
  now(): number;
  /** Aborted when the attempt has taken too long, or the server stops. */
  readonly signal: AbortSignal;
  /** What is left of the time for the whole attempt; at least 1. */
  readonly timeoutMs: number;
}

/** One delivery, rendered; the same in all attempts, but for what is known of earlier ones. */
export interface SinkDelivery {
  /** Of the Sink. */
  readonly namespace: string;
  readonly sinkName: string;
  readonly event: DeliveryEvent;
  /** The contract's payload, plus event, alert, report and run. */
  readonly payload: JsonObject;
  /** This delivery and no other, in all attempts. */
  readonly idempotencyKey: string;
  /** The alert, for ever, in all its episodes; the run where it is about none. At most 36 characters. */
  readonly subjectKey: string;
  /** An attempt before this one may have reached the receiver: look before anything is made twice. */
  readonly isRepeat: boolean;
  /** What the receiver called what it was told before, for sinks that ask for it (`remembers`). */
  readonly known: KnownReferences;
}

/** References of earlier verdicts; null = there is none. */
export interface KnownReferences {
  /** Of an attempt of this delivery that came part of the way. */
  readonly own: string | null;
  /** Of the same alert since it fires: the thread or issue to go on with. */
  readonly open: string | null;
  /** Of the same alert, in an episode that is over. */
  readonly closed: string | null;
  /** Of the report that told the same cause, where the payload has `sameAs`. */
  readonly incident: string | null;
}

/** A sink type as the registry holds it. */
export interface SinkBackend<Type extends string = string> {
  readonly type: Type;
  /** One sentence for the reference page. */
  readonly description: string;
  readonly config: z.ZodObject;
  readonly example: JsonObject;
  readonly remembers: boolean;
  readonly escape: ((value: string) => string) | null;
  /** Attempts per minute where `spec.delivery` says nothing; null = no limit. */
  readonly ratePerMinute: number | null;
  /** What it needs of the cluster. */
  readonly permissions: readonly Permission[];
  deliver(io: SinkIo, config: JsonObject, delivery: SinkDelivery): Promise<DeliveryVerdict>;
}

export interface SinkDefinition<Type extends string, Config extends z.ZodObject> {
  readonly type: Type;
  readonly description: string;
  /**
   * The fields of `spec.config` that this type uses. A name that two types share has one schema (fields.ts). Those made of
   * `templated` are rendered when `deliver` gets them.
   */
  readonly config: Config;
  /** A config to begin with: `fist init sink` and the reference page show it. */
  readonly example: z.input<Config>;
  /** Whether `known` of a delivery is wanted. */
  readonly remembers?: boolean;
  /** Makes text of what templates print, so that no alert can write markup of the receiver. Absent: it has none. */
  readonly escape?: (value: string) => string;
  /** Attempts per minute where `spec.delivery` says nothing, as the receiver takes them. Absent: no limit. */
  readonly ratePerMinute?: number;
  /** What it needs of the cluster, for the roles that are made of it. Absent: nothing. */
  readonly permissions?: readonly Permission[];
  /** Sends once and answers with a verdict: it never sleeps, retries or logs. */
  readonly deliver: (io: SinkIo, config: z.output<Config>, delivery: SinkDelivery) => Promise<DeliveryVerdict>;
}

/** Declares a sink type. Its file, a line in index.ts, a test and an example are all that a new one needs. */
export function defineSink<const Type extends string, Config extends z.ZodObject>(
  definition: SinkDefinition<Type, Config>,
): SinkBackend<Type> {
  const {
    type,
    description,
    config,
    example,
    remembers = false,
    escape = null,
    permissions = [],
    ratePerMinute = null,
    deliver,
  } = definition;
  return {
    type,
    description,
    config,
    example: example as JsonObject,
    remembers,
    escape,
    ratePerMinute,
    permissions,
    // What was accepted once; the texts of its templates are rendered by now.
    deliver: (io, value, delivery) => deliver(io, value as z.output<Config>, delivery),
  };
}
