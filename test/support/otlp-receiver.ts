import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// A collector that takes traces by OTLP/HTTP in JSON, and refuses what the protocol does not allow: fields that the messages of
// opentelemetry-proto (v1.8.0) do not have, enumerations that are no numbers, 64-bit numbers that are no text, ids that are not
// hexadecimal or empty, times that go backwards, attributes that are there twice, parents that are not there.

/** A span as a test looks at it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | readonly string[]>>;
  readonly isError: boolean;
}

/** What it does with the next request. */
export interface CollectorFault {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** No answer at all. */
  readonly isSilent?: true;
}

export interface OtlpReceiver {
  /** For `--otlp-endpoint`. */
  readonly url: string;
  /** All spans that were taken. */
  readonly spans: readonly ReceivedSpan[];
  /** All bodies, taken or not. */
  readonly bodies: readonly string[];
  readonly headers: readonly Readonly<Record<string, unknown>>[];
  /** Attributes of the last resource. */
  readonly resource: () => ReceivedSpan['attributes'];
  /** Why it answered 400 by itself. */
  readonly refusals: readonly string[];
  fail(...faults: readonly CollectorFault[]): void;
  stop(): Promise<void>;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const headers: Readonly<Record<string, unknown>>[] = [];
  const refusals: string[] = [];
  const coming: CollectorFault[] = [];
  let resource: ReceivedSpan['attributes'] = {};

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      bodies.push(body);
      headers.push(request.headers);
      const answer = (status: number, text: string, more: object = {}) =>
        response.writeHead(status, { 'content-type': 'application/json', ...more }).end(text);
      const fault = coming.shift();
      if (fault !== undefined) {
        if (fault.isSilent !== true) answer(fault.status ?? 200, fault.body ?? '{}', fault.headers);
        return;
      }
      try {
        if (request.method !== 'POST' || request.url !== '/v1/traces')
          throw new Error(`${request.method} ${request.url}`);
        if (request.headers['content-type'] !== 'application/json') throw new Error('it is not application/json');
        const read = readRequest(JSON.parse(body));
        resource = read.resource;
        spans.push(...read.spans);
        answer(200, '{}');
      } catch (thrown) {
        refusals.push((thrown as Error).message);
        answer(400, JSON.stringify({ message: (thrown as Error).message }));
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    headers,
    resource: () => resource,
    refusals,
    fail: (...faults) => void coming.push(...faults),
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** Names of the fields of each message that is sent; `!`: it has to be there. */
const messages = {
  ExportTraceServiceRequest: ['resourceSpans!'],
  ResourceSpans: ['resource!', 'scopeSpans!', 'schemaUrl'],
  Resource: ['attributes', 'droppedAttributesCount', 'entityRefs'],
  ScopeSpans: ['scope!', 'spans!', 'schemaUrl'],
  InstrumentationScope: ['name!', 'version', 'attributes', 'droppedAttributesCount'],
  Span: (
    'traceId! spanId! traceState parentSpanId flags name! kind! startTimeUnixNano! endTimeUnixNano! attributes ' +
    'droppedAttributesCount events droppedEventsCount links droppedLinksCount status'
  ).split(' '),
  Status: ['message', 'code'],
  KeyValue: ['key!', 'value!'],
  ArrayValue: ['values!'],
} as const;

function fieldsOf(message: keyof typeof messages, value: unknown): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error(`${message} is no object`);
  const known: readonly string[] = messages[message];
  for (const name of Object.keys(value))
    if (!known.some((one) => one.replace('!', '') === name)) throw new Error(`${message} has no field ${name}`);
  for (const name of known)
    if (name.endsWith('!') && !(name.slice(0, -1) in value)) throw new Error(`${message} lacks ${name}`);
  return value as Fields;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${JSON.stringify(value)} is no list`);
  return value as readonly unknown[];
}

function readRequest(body: unknown): {
  readonly spans: readonly ReceivedSpan[];
  readonly resource: ReceivedSpan['attributes'];
} {
  const spans: ReceivedSpan[] = [];
  let resource: ReceivedSpan['attributes'] = {};
  for (const one of listOf(fieldsOf('ExportTraceServiceRequest', body)['resourceSpans'])) {
    const { resource: who, scopeSpans, schemaUrl } = fieldsOf('ResourceSpans', one);
    urlOf(schemaUrl);
    resource = attributesOf(fieldsOf('Resource', who)['attributes']);
    if (resource['service.name'] === undefined) throw new Error('the resource has no service.name');
    for (const group of listOf(scopeSpans)) {
      const { scope, spans: some, schemaUrl: own } = fieldsOf('ScopeSpans', group);
      urlOf(own);
      textOf(fieldsOf('InstrumentationScope', scope)['name']);
      spans.push(...listOf(some).map(spanOf));
    }
  }
  const ids = new Set(spans.map(({ spanId }) => spanId));
  if (ids.size !== spans.length) throw new Error('two spans have one id');
  for (const { parentSpanId, name } of spans)
    if (parentSpanId !== null && !ids.has(parentSpanId)) throw new Error(`the parent of ${name} is not there`);
  return { spans, resource };
}

function spanOf(value: unknown): ReceivedSpan {
  const span = fieldsOf('Span', value);
  const { parentSpanId, kind, status } = span;
  if (!Number.isInteger(kind) || Number(kind) < 1 || Number(kind) > 5) throw new Error(`${String(kind)} is no kind`);
  const code = status === undefined ? 0 : (fieldsOf('Status', status)['code'] ?? 0);
  if (code !== 0 && code !== 1 && code !== 2) throw new Error(`${JSON.stringify(code)} is no code of a status`);
  const [start, end] = [nanosecondsOf(span['startTimeUnixNano']), nanosecondsOf(span['endTimeUnixNano'])];
  if (end < start) throw new Error('a span ends before it begins');
  return {
    traceId: idOf(span['traceId'], 32),
    spanId: idOf(span['spanId'], 16),
    parentSpanId: parentSpanId === undefined ? null : idOf(parentSpanId, 16),
    name: textOf(span['name']),
    kind: Number(kind),
    startMs: Number(start / 1_000_000n),
    endMs: Number(end / 1_000_000n),
    attributes: attributesOf(span['attributes'] ?? []),
    isError: code === 2,
  };
}

function attributesOf(value: unknown): ReceivedSpan['attributes'] {
  const entries = listOf(value).map((one): [string, string | number | readonly string[]] => {
    const { key, value: any } = fieldsOf('KeyValue', one);
    return [textOf(key), anyOf(any)];
  });
  if (new Set(entries.map(([key]) => key)).size !== entries.length) throw new Error('an attribute is there twice');
  return Object.fromEntries(entries);
}

/** One of the forms of `AnyValue` that are sent. */
function anyOf(value: unknown): string | number | readonly string[] {
  const [[form, content] = [], ...more] = Object.entries((value ?? {}) as Fields);
  if (more.length > 0) throw new Error('AnyValue has two values');
  if (form === 'stringValue' && typeof content === 'string') return content;
  if (form === 'intValue' && typeof content === 'string' && /^-?\d{1,19}$/.test(content)) return Number(content);
  if (form === 'arrayValue') return listOf(fieldsOf('ArrayValue', content)['values']).map((one) => String(anyOf(one)));
  throw new Error(`${JSON.stringify(value)} is no AnyValue`);
}

function idOf(value: unknown, digits: number): string {
  if (typeof value !== 'string' || !/^[0-9a-fA-F]+$/.test(value) || value.length !== digits || /^0+$/.test(value))
    throw new Error(`${JSON.stringify(value)} is no id of ${digits} digits`);
  return value.toLowerCase();
}

function nanosecondsOf(value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{16,20}$/.test(value)) throw new Error(`${JSON.stringify(value)} is no time`);
  return BigInt(value);
}

function textOf(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${JSON.stringify(value)} is no text`);
  return value;
}

function urlOf(value: unknown): void {
  if (value !== undefined && !URL.canParse(textOf(value))) throw new Error(`${JSON.stringify(value)} is no address`);
}
