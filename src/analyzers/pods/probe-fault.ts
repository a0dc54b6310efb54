import type { LogRecord } from '../log/records.ts';
import { listAt, numberAt, textAt } from '../reading/fields.ts';
import { quote } from '../reading/quote.ts';
import { listens, portPattern } from './listening.ts';
import type { ContainerView } from './pod-status.ts';
import type { Probe } from './probe.ts';
import { unwrapped } from './runtime-words.ts';

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
  return probe !== null && nothingListens.test(output)
    ? elsewhere(probe, container, output, records)
    : { text: answerText(probe, output), wrong: false };
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

/** Why the port cannot be the right one: no port of the container has this name. */
function portFault({ port }: Probe, container: ContainerView): string | null {
  const isName = port !== null && !Number.isInteger(Number(port));
  if (!isName || declaredPorts(container).some(({ name }) => name === port)) return null;
  const declared = declaredText(container);
  return declared === ''
    ? `the container has no port named ${port}`
    : `no port of the container is ${port}, it has ${declared}`;
}

/** A client of gRPC tries again until its time is over. */
const nothingListens = /refused|failed to connect service/i;

/**
 * Where nothing listens: a port need not be declared, so that the probe asks for another one than the container declares is
 * only said. It is proved where the program says that it listens at one that it declares, and speaks of no other.
 */
function elsewhere(probe: Probe, container: ContainerView, output: string, records: readonly LogRecord[]): ProbeFault {
  const { port, path } = probe;
  const answer = answerText(probe, output);
  const ports = declaredPorts(container);
  const isKnown = ports.some(({ number, name }) => number === Number(port) || name === String(port));
  // A service mesh asks in the place of the kubelet.
  if (port === null || ports.length === 0 || isKnown || path.startsWith('/app-health/'))
    return { text: answer, wrong: false };
  const declared = declaredText(container);
  const said = records.flatMap(({ lines }) => lines).filter((line) => listens.test(line));
  const line = said.findLast((one) => ports.some(({ number }) => number !== null && portPattern(number).test(one)));
  if (line === undefined || said.some((one) => portPattern(Number(port)).test(one)))
    return { text: `${answer}; the container does not declare port ${port}, it declares ${declared}`, wrong: false };
  return {
    text: `${answer}: no port of the container is ${port}, it has ${declared}, and says "${quote(line.trim(), 160)}"`,
    wrong: true,
  };
}

const declaredPorts = ({ spec }: ContainerView) =>
  listAt(spec, 'ports').map((one) => ({ number: numberAt(one, 'containerPort'), name: textAt(one, 'name') }));

function declaredText(container: ContainerView): string {
  return declaredPorts(container)
    .map(({ number, name }) => `${number ?? '?'}${name === '' ? '' : ` (${name})`}`)
    .join(', ');
}
