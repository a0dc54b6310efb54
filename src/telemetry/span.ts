/** One piece of work of a trace. */
export interface Span {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** null = the first span of its trace. */
  readonly parentSpanId: string | null;
  readonly name: string;
  /** `client`: something outside was asked. */
  readonly kind: 'internal' | 'client';
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: SpanAttributes;
  /** Why it failed; null = it did not. */
  readonly error: string | null;
}

/** Numbers are whole. What is undefined is left out. */
export type SpanAttributes = Readonly<Record<string, string | number | readonly string[] | undefined>>;
