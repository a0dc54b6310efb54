import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { EventView } from '../define.ts';
import { at, listAt, numberAt, textAt } from '../reading/fields.ts';
import type { ContainerView, Ending } from './pod-status.ts';
import type { LogRecord } from '../log/records.ts';
import { quote } from '../reading/quote.ts';
import { unwrapped } from './runtime-words.ts';

export type ProbeKind = 'liveness' | 'startup' | 'readiness';

/** A probe as the pod's spec has it, with the defaults of the API. */
export interface Probe {
  /** `GET /healthz on port 8080`, `TCP port 6379`, `gRPC port 5050`, `command pg_isready`. */
  readonly what: string;
  readonly port: string | number | null;
  readonly path: string;
  readonly scheme: string;
  readonly timeout: number;
  readonly period: number;
  readonly failures: number;
  readonly delay: number;
}

/** The probe of a container; null where it has none of the kind. */
export function probeOf(spec: unknown, kind: ProbeKind): Probe | null {
  const probe = at(spec, `${kind}Probe`);
  if (probe === undefined || probe === null) return null;
  const http = at(probe, 'httpGet');
  const port = at(
    probe,
    ...(http === undefined ? (at(probe, 'grpc') === undefined ? ['tcpSocket'] : ['grpc']) : ['httpGet']),
    'port',
  );
  const command = listAt(probe, 'exec', 'command').filter((word) => typeof word === 'string');
  const path = textAt(http, 'path') || '/';
  const scheme = textAt(http, 'scheme') || 'HTTP';
  const what =
    http !== undefined
      ? `${scheme === 'HTTPS' ? 'HTTPS ' : ''}GET ${path} on port ${String(port)}`
      : command.length > 0
        ? `command ${quote(command.join(' '), 120)}`
        : `${at(probe, 'grpc') === undefined ? 'TCP' : 'gRPC'} port ${String(port)}`;
  return {
    what,
    port: typeof port === 'string' || typeof port === 'number' ? port : null,
    path,
    scheme,
    timeout: numberAt(probe, 'timeoutSeconds') ?? 1,
    period: numberAt(probe, 'periodSeconds') ?? 10,
    failures: numberAt(probe, 'failureThreshold') ?? 3,
    delay: numberAt(probe, 'initialDelaySeconds') ?? 0,
  };
}

/** `timeout 1s, every 10s, 3 failures allowed, first after 5s`. */
export function numbersOf({ timeout, period, failures, delay }: Probe): string {
  return `timeout ${timeout}s, every ${period}s, ${failures === 1 ? 'one failure is enough' : `${failures} failures in a row are enough`}, first ${delay === 0 ? 'at once' : `${delay}s after the start`}`;
}

/** A runtime that cannot run a command says so behind words of its own. */
const runtimeWords = /^(?:rpc error: |OCI runtime |failed to exec|command error: )/;

/** What the kubelet says of a failed probe, without its prefix and what wraps the runtime's words; on one line. */
export function probeOutput(message: string): string {
  const output = message.replace(/^\w+ probe (?:failed|errored)[^:]*: ?/, '');
  return quote(runtimeWords.test(output) ? unwrapped(output) : output, 250);
}

/** What is wrong with a probe, as far as its answer and the spec tell. */
export interface ProbeFault {
  /** A part of a sentence behind `the probe (...)`. */
  readonly text: string;
  /** The probe asks for what the container does not offer: its own settings are wrong. */
  readonly wrong: boolean;
}

const unanswered = /refused|deadline exceeded|timed? ?out|timeout|failed to connect|no route/i;

/** Reads the kubelet's words of a failed probe against the spec, and what the program heard of it. */
export function faultOf(
  probe: Probe | null,
  container: ContainerView,
  output: string,
  records: readonly LogRecord[],
): ProbeFault {
  const port = probe === null || !unanswered.test(output) ? null : portFault(probe, container);
  if (port !== null) return { text: `${answerText(probe, output)}: ${port}`, wrong: true };
  const spoken = protocolFault(output);
  if (spoken !== null) return { text: spoken, wrong: true };
  const scheme = probe === null ? null : schemeFault(probe, container, output, records);
  if (scheme !== null) return { text: scheme, wrong: true };
  const status = /statuscode: (\d{3})/.exec(output)?.[1];
  if (status === '404') return { text: `is answered with 404: there is no such path`, wrong: true };
  if (status === '401' || status === '403')
    return { text: `is answered with ${status}: the path asks for a login`, wrong: true };
  const command = commandFault(output);
  if (command !== null) return { text: `cannot run: ${command} (${output})`, wrong: true };
  return { text: answerText(probe, output), wrong: false };
}

function answerText(probe: Probe | null, output: string): string {
  const status = /statuscode: (\d{3})/.exec(output)?.[1];
  if (status !== undefined) return `is answered with ${status}`;
  if (/connection refused/i.test(output)) return `finds nothing that listens (connection refused)`;
  if (/deadline exceeded|Client\.Timeout|timed out|timeout:|i\/o timeout/i.test(output))
    return `gets no answer within ${probe === null ? 'its time' : `${probe.timeout}s`} (${output})`;
  return output === '' ? 'fails' : `fails (${output})`;
}

/** Why the command of a probe cannot run: the runtime's words, and those of a shell in it; null where it did run. */
function commandFault(output: string): string | null {
  const absent =
    /exec: "([^"]{1,200})": (?:stat \S{1,200}: )?(?:no such file or directory|executable file not found)/i.exec(
      output,
    )?.[1] ??
    /executable file [`'"]?([^\s`'"]{1,200})[`'"]? not found/i.exec(output)?.[1] ??
    /^(?:\/\S{1,60}\/)?(?:ba|da|a|z|k)?sh: (?:line )?(?:\d{1,5}: )?([^\s:]{1,200}): (?:command )?not found/i.exec(
      output,
    )?.[1] ??
    /^(?:\/\S{1,60}\/)?env: [`'"‘]?([^\s`'"’:]{1,200})[`'"’]?: No such file/i.exec(output)?.[1];
  if (absent !== undefined) return `${absent} is not in the image`;
  if (/executable file not found/i.test(output)) return 'the command is not in the image';
  const barred = /exec: "([^"]{1,200})": permission denied/i.exec(output)?.[1];
  return barred === undefined ? null : `${barred} may not be executed`;
}

/** What a server of HTTPS says of a client that speaks plain HTTP. */
const plainHeard =
  /sent an HTTP request to an HTTPS server|plain HTTP request was sent to (?:an )?HTTPS port|plain HTTP to an SSL|plaintext connection\?|not an SSL\/TLS record|combination of host and port requires TLS|\bHTTP_REQUEST\b|ssl3?_\w+:http request/i;
const securePorts: ReadonlySet<number> = new Set([443, 6443, 8443, 9443, 10_250]);

/** A probe that speaks plain HTTP to a port of HTTPS: the server says so, or the port is one by its name or number and answers 400. */
function schemeFault(
  probe: Probe,
  container: ContainerView,
  output: string,
  records: readonly LogRecord[],
): string | null {
  const refused = /statuscode: 400\b/.test(output);
  if (probe.path === '' || probe.scheme !== 'HTTP' || !(refused || /\bEOF\b|connection reset/i.test(output)))
    return null;
  const answer = refused ? ' (400)' : '';
  if (records.some(({ lines }) => lines.some((line) => plainHeard.test(line))))
    return `asks with plain HTTP, and the port serves HTTPS${answer}: the scheme of the probe has to be HTTPS`;
  const port = listAt(container.spec, 'ports').find(
    (one) => numberAt(one, 'containerPort') === Number(probe.port) || textAt(one, 'name') === String(probe.port),
  );
  const number = numberAt(port, 'containerPort') ?? Number(probe.port);
  const name = textAt(port, 'name');
  const isSecure = securePorts.has(number) || /https|tls|ssl/i.test(name);
  return refused && isSecure
    ? `asks with plain HTTP, and port ${number}${name === '' ? '' : ` (${name})`} is one of HTTPS, which answers 400`
    : null;
}

/** What answers speaks another protocol than the probe; null where nothing says so. */
function protocolFault(output: string): string | null {
  if (/server gave HTTP response to HTTPS client/i.test(output))
    return 'asks with HTTPS, and what answers speaks plain HTTP';
  if (/malformed HTTP (?:response|status)/i.test(output)) {
    const bytes = /\\x00\\x00|\\x15\\x03/.exec(output)?.[0] ?? '';
    const other = bytes.startsWith('\\x15') ? ' (TLS)' : bytes === '' ? '' : ' (HTTP/2, as gRPC does)';
    return `asks with HTTP, and what answers speaks another protocol${other}: malformed HTTP response`;
  }
  if (/first record does not look like a TLS handshake/i.test(output))
    return 'asks with TLS, and what answers speaks no TLS';
  if (/unknown service grpc\.health|Unimplemented/i.test(output))
    return 'asks for the gRPC health service, which the program does not offer';
  if (/error reading server preface|http2: frame too large/i.test(output))
    return 'asks with gRPC, and what answers speaks another protocol';
  return null;
}

/** Why the port cannot be the right one: no port of the container has this name or, where it declares any, this number. */
function portFault({ port, path }: Probe, container: ContainerView): string | null {
  const ports = listAt(container.spec, 'ports');
  // A service mesh asks in the place of the kubelet.
  if (port === null || path.startsWith('/app-health/')) return null;
  const declared = ports.map(
    (one) => `${numberAt(one, 'containerPort') ?? '?'}${textAt(one, 'name') === '' ? '' : ` (${textAt(one, 'name')})`}`,
  );
  const known = ports.some(
    (one) => numberAt(one, 'containerPort') === Number(port) || textAt(one, 'name') === String(port),
  );
  if (known || (declared.length === 0 && Number.isInteger(Number(port)))) return null;
  return declared.length === 0
    ? `the container has no port named ${port}`
    : `no port of the container is ${port}, it has ${declared.join(', ')}`;
}

/** The kubelet kills a container whose probe failed: since when, how often, and for which probe. */
export interface ProbeKill {
  readonly kind: ProbeKind;
  readonly count: number;
  readonly first: Timestamp | null;
  readonly last: Timestamp | null;
}

const killMessage =
  /(?:^Container (\S+) failed (liveness|startup) probe|:\/\/([^:\s]+):?Container failed (liveness) probe|Container failed (liveness|startup) probe)/i;
/** The kubelet writes the event before it stops the container, and waits for the grace period. */
const killTakesMs = 120_000;
/** Where most runs were ended by the probe, the last one was too, if events are not much older than its end. */
const sameSpellMs = 900_000;

/** The kill that ended a run; null where the kubelet's events tell of none. */
export function probeKillOf(
  events: readonly EventView[],
  container: ContainerView,
  ending: Ending | null,
  graceMs: number,
): ProbeKill | null {
  const kills = events.flatMap((event) => {
    if (event.reason !== 'Killing') return [];
    const found = killMessage.exec(event.message);
    const name = found?.[1] ?? found?.[3] ?? event.container;
    if (found === null || (name !== '' && name !== container.name && !name.includes(container.name))) return [];
    return [{ event, kind: (found[2] ?? found[4] ?? found[5] ?? 'liveness').toLowerCase() as ProbeKind }];
  });
  const last = kills.at(-1);
  if (last === undefined) return null;
  const count = kills.reduce((sum, { event }) => sum + event.count, 0);
  const at = last.event.last;
  const finished = ending?.finishedAt ?? null;
  const before = at === null || finished === null ? 0 : toEpochMs(finished) - toEpochMs(at);
  const ended =
    before <= graceMs + killTakesMs ||
    (before <= sameSpellMs && container.restarts > 0 && count * 2 >= container.restarts);
  return ended ? { kind: last.kind, count, first: kills[0]?.event.first ?? null, last: at } : null;
}

/** The failures of a probe of a container, oldest first. Where an event does not name its container, the port tells. */
export function failuresOf(
  events: readonly EventView[],
  container: ContainerView,
  kind: ProbeKind,
  alone: boolean,
): readonly EventView[] {
  const probe = probeOf(container.spec, kind);
  const prefix = `${kind[0]?.toUpperCase()}${kind.slice(1)} probe`;
  return events.filter((event) => {
    if (event.reason !== 'Unhealthy' || !event.message.startsWith(prefix)) return false;
    if (event.container !== '') return event.container === container.name;
    if (alone) return true;
    return (
      probe !== null &&
      (probe.port === null ||
        typeof probe.port === 'string' ||
        event.message.includes(`:${probe.port}`) ||
        !/:\d{2,5}\b/.test(event.message))
    );
  });
}
