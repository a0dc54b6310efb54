import type { z } from 'zod';
import type { SecretReference } from '../core/catalog.ts';
import type { DeliveryEvent, DeliveryVerdict } from '../core/delivery.ts';
import type { JsonObject } from '../core/json.ts';
import type { HttpClient } from '../core/ports.ts';

/** All that a sink may touch. */
export interface SinkIo {
  readonly http: HttpClient;
  /** The value of a Secret in the Sink's namespace. Throws SecretMissing. */
  secret(reference: SecretReference): string;
  /** Writes to the program's standard output. */
  write(text: string): Promise<void>;
  /** The wall clock, milliseconds since the epoch: for answers that hold dates. */
  now(): number;
  /** Aborted when the attempt has taken too long, or the server stops. */
  readonly signal: AbortSignal;
  /** For the whole attempt. */
  readonly timeoutMs: number;
}

/** One delivery, rendered; the same in all attempts. */
export interface SinkDelivery {
  /** Name of the Sink. */
  readonly sinkName: string;
  readonly event: DeliveryEvent;
  /** The contract's payload, plus event, alert, report and run; with a `config.template`, its text as `text`. */
  readonly payload: JsonObject;
  readonly idempotencyKey: string;
}

/** A sink type as the registry holds it. */
export interface SinkBackend<Type extends string = string> {
  readonly type: Type;
  /** One sentence for the reference page. */
  readonly description: string;
  readonly config: z.ZodObject;
  /** null: this version checks the config and cannot deliver (condition `NotImplemented`). */
  readonly deliver: ((io: SinkIo, config: JsonObject, delivery: SinkDelivery) => Promise<DeliveryVerdict>) | null;
}

export interface SinkDefinition<Type extends string, Config extends z.ZodObject> {
  readonly type: Type;
  readonly description: string;
  /** The fields of `spec.config` that this type uses. A name that two types share has one schema (fields.ts). */
  readonly config: Config;
  /** Sends once and answers with a verdict: it never sleeps, retries or logs. Absent: not in this version. */
  readonly deliver?: (io: SinkIo, config: z.output<Config>, delivery: SinkDelivery) => Promise<DeliveryVerdict>;
}

/** Declares a sink type. Its file, a line in index.ts, a test and an example are all that a new one needs. */
export function defineSink<const Type extends string, Config extends z.ZodObject>(
  definition: SinkDefinition<Type, Config>,
): SinkBackend<Type> {
  const { type, description, config, deliver } = definition;
  return {
    type,
    description,
    config,
    deliver: deliver === undefined ? null : (io, value, delivery) => deliver(io, config.parse(value), delivery),
  };
}
