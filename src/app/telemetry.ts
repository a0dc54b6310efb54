import { AppError } from '../core/errors.ts';
import type { StoreReader } from '../core/store.ts';
import { createTraceExporter } from '../telemetry/exporter.ts';
import type { ExporterOptions, TraceExporter } from '../telemetry/exporter.ts';
import { readTrace } from '../telemetry/read-trace.ts';
import { resourceNames } from '../telemetry/semantic-conventions.ts';

/** Where traces go, and what they say of who sends them. */
export interface TelemetryOptions {
  /** The whole address, `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Of each request. Their values are secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Attributes of the resource beside those of the program, `deployment.environment.name` for one. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Flags of `fist serve` that say where traces go. */
export interface TelemetryFlags {
  readonly otlpEndpoint?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a collector takes them, below its address. */
const tracesPath = 'v1/traces';

/**
 * The variables of https://opentelemetry.io/docs/specs/otel/protocol/exporter/, of which the flag takes the place of the endpoint.
 * null: no traces are sent. Throws InvalidInput that names the flag or the variable.
 */
export function readTelemetry({ otlpEndpoint }: TelemetryFlags, environment: Environment): TelemetryOptions | null {
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const of = (name: string): string | undefined =>
    read(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? read(`OTEL_EXPORTER_OTLP_${name}`);
  const isOff = read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || read('OTEL_TRACES_EXPORTER') === 'none';
  const whole = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  const base = read('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (otlpEndpoint === undefined && (isOff || (whole === undefined && base === undefined))) return null;
  const protocol = of('PROTOCOL');
  if (protocol === 'grpc')
    throw new AppError('InvalidInput', 'OTEL_EXPORTER_OTLP_PROTOCOL grpc is not spoken: traces are sent by OTLP/HTTP', {
      field: 'OTEL_EXPORTER_OTLP_PROTOCOL',
      next: 'OTEL_EXPORTER_OTLP_PROTOCOL=http/json and the port of OTLP/HTTP (4318), or OTEL_TRACES_EXPORTER=none',
    });
  const service = read('OTEL_SERVICE_NAME');
  return {
    url:
      otlpEndpoint === undefined && whole !== undefined
        ? address(whole, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
        : withPath(otlpEndpoint, base),
    headers: pairs(of('HEADERS'), 'OTEL_EXPORTER_OTLP_HEADERS'),
    attributes: {
      ...pairs(read('OTEL_RESOURCE_ATTRIBUTES'), 'OTEL_RESOURCE_ATTRIBUTES'),
      ...(service === undefined ? {} : { 'service.name': service }),
    },
  };
}

const nobodyToTell: TraceExporter = { ended: () => undefined, stop: async () => undefined };

/** Hears of runs that end, and tells the collector of those in which a model was asked. */
export function startTraces(
  telemetry: TelemetryOptions | null,
  parts: Pick<ExporterOptions, 'http' | 'clock' | 'log' | 'metrics'> & {
    readonly reader: StoreReader;
    readonly version: string;
    /** Host and process. */
    readonly owner: string;
  },
): TraceExporter {
  if (telemetry === null) return nobodyToTell;
  const { url, headers, attributes } = telemetry;
  const { reader, version, owner, ...rest } = parts;
  const own = {
    [resourceNames.service]: 'punching-fist',
    [resourceNames.version]: version,
    [resourceNames.instance]: owner,
  };
  return createTraceExporter({
    ...rest,
    url,
    headers,
    sender: { version, resource: { ...own, ...attributes } },
    load: (id) => readTrace(reader, id),
    random: Math.random,
  });
}

/** What nothing may print, store or send elsewhere. */
export function telemetrySecrets(telemetry: TelemetryOptions | null): readonly string[] {
  return Object.values(telemetry?.headers ?? {}).filter((value) => value.length >= 8);
}

function withPath(flag: string | undefined, base: string | undefined): string {
  const url = new URL(
    flag === undefined ? address(base ?? '', 'OTEL_EXPORTER_OTLP_ENDPOINT') : address(flag, '--otlp-endpoint'),
  );
  const path = url.pathname.replace(/\/+$/, '');
  if (!path.endsWith(`/${tracesPath}`)) url.pathname = `${path}/${tracesPath}`;
  return url.href;
}

function address(text: string, field: string): string {
  const url = URL.parse(text);
  const isPlain = url !== null && url.username === '' && url.password === '';
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href;
  // What stands before an @ is a secret.
  const told = url === null || isPlain ? ` ${text}` : '';
  throw new AppError('InvalidInput', `${field}${told} is no address of a collector`, {
    field,
    next: `${field === '--otlp-endpoint' ? `${field} ` : `${field}=`}http://127.0.0.1:4318; who sends is said by OTEL_EXPORTER_OTLP_HEADERS`,
  });
}

/** `name=value,name=value`, the values percent-encoded as in W3C Baggage. Their text may be a secret, so no error quotes it. */
function pairs(text: string | undefined, field: string): Readonly<Record<string, string>> {
  const entries = (text ?? '').split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    entries.map((pair, index) => {
      const at = pair.indexOf('=');
      const name = pair.slice(0, at).trim();
      const value = decoded(pair.slice(at + 1).trim());
      if (at > 0 && /^[\w.-]+$/.test(name) && value !== null) return [name, value];
      throw new AppError('InvalidInput', `${field}: the ${index + 1}. pair is not NAME=VALUE`, {
        field,
        next: `${field}=NAME=VALUE,NAME=VALUE with the values percent-encoded`,
      });
    }),
  );
}

function decoded(text: string): string | null {
  try {
    const value = decodeURIComponent(text);
    // oxlint-disable-next-line no-control-regex -- what no header may hold
    return /[\u0000-\u001f\u007f]/.test(value) ? null : value;
  } catch {
    return null;
  }
}
