import type { JsonObject } from '../core/json.ts';
import { schemaUrl } from './semantic-conventions.ts';
import type { Span, SpanAttributes } from './span.ts';

/** Who sends. */
export interface TraceSender {
  readonly version: string;
  readonly resource: SpanAttributes;
}

/** Numbers of `opentelemetry.proto.trace.v1`: enumerations stand as numbers in OTLP's JSON. */
const kinds = { internal: 1, client: 3 } as const;
const statusError = 2;

/**
 * An `ExportTraceServiceRequest` as OTLP's JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): names in camel
 * case, ids in hexadecimal, 64-bit numbers as text.
 */
export function otlpRequest(spans: readonly Span[], { version, resource }: TraceSender): JsonObject {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: 'punching-fist', version }, spans: spans.map(otlpSpan), schemaUrl }],
        schemaUrl,
      },
    ],
  };
}

function otlpSpan(span: Span): JsonObject {
  const { traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, error } = span;
  return {
    traceId,
    spanId,
    ...(parentSpanId === null ? {} : { parentSpanId }),
    name,
    kind: kinds[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    attributes: attributesOf(attributes),
    // Without a message: it might quote what was asked or answered.
    ...(error === null ? {} : { status: { code: statusError } }),
  };
}

function nanoseconds(epochMs: number): string {
  return `${BigInt(Math.round(epochMs)) * 1_000_000n}`;
}

function attributesOf(attributes: SpanAttributes): JsonObject[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: string | number | readonly string[]): JsonObject {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { intValue: String(Math.round(value)) };
  return { arrayValue: { values: value.map((one) => ({ stringValue: one })) } };
}
