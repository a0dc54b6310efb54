import { commandLineOf } from '../reading/command-line.ts';
import { listAt, numberAt, textAt } from '../reading/fields.ts';
import { readLine } from '../log/lines.ts';
import type { LogRecord } from '../log/records.ts';
import type { ContainerView } from './pod-status.ts';
import type { Probe } from './probe.ts';
import { quote } from '../reading/quote.ts';

const loopback = '(?:127(?:\\.\\d{1,3}){3}|localhost|\\[::1\\]|::1)';
const isLoopback = new RegExp(`^${loopback}$`, 'i');

/** What a server says once it listens. */
export const listens =
  /\b(?:listen(?:s|ing|er)?|serv(?:es|ing)|running|available|ready|launched|started|bound|binding|local(?=:))\b|\bstarting\b.{0,40}\bserver\b/i;
/** A port in a line, whole: not a part of a larger number, a version or an address. */
export const portPattern = (port: number): RegExp => new RegExp(`(?<![\\w.])${port}(?!\\w|\\.\\d)`);

/** What has to be there before it does, or did not come about, or was called by the program itself. */
const denied =
  /\b(?:not|cannot|could not|fail\w*|unable|error|refused|wait\w*|connect\w*|dial\w*|stopp\w*|shut\w*|clos\w*|proxy\w*|forward\w*|upstream|target|backend|pprof|debugger|inspector)\b/i;
const everywhere = /\b(?:all|any|every) (?:network )?(?:addresses|interfaces)\b/i;

/** Settings by the name of which a server takes the address at which it listens, and nothing else. */
const addressFlag =
  /^--?(?:https?-|web[.-]|server[.-]|grpc-)?(?:bind(?:[-_](?:addr(?:ess)?|host|ip))?|listen(?:[-_](?:addr(?:ess)?|host|ip))?|host|hostname|addr(?:ess)?|interface)$/i;
const addressVariable =
  /^(?:(?:HTTPS?|WEB|SERVER|APP|UVICORN|GRADIO_SERVER|FLASK_RUN|NITRO|ASPNETCORE)_)?(?:HOST|BIND|BIND_ADDR(?:ESS)?|BIND_HOST|LISTEN|LISTEN_ADDR(?:ESS)?|LISTEN_HOST|SERVER_NAME|ADDR(?:ESS)?|URLS)$/;

interface Place {
  readonly host: string;
  readonly port: number | null;
}

/**
 * How it is known that a container listens at the port of a probe for its own pod only, as part of a sentence: by what it says,
 * else by what it is told; null where nothing says so, or it listens at another address of that port too. The kubelet asks at
 * the address of the pod, unless the probe names a host.
 */
export function loopbackOnly(
  probe: Probe,
  container: ContainerView,
  output: string,
  records: readonly LogRecord[],
): string | null {
  const port = portNumber(probe, container);
  if (port === null || !/connection refused/i.test(output) || new RegExp(`${loopback}:\\d`, 'i').test(output))
    return null;
  const lines = records.flatMap((record) => record.lines).filter((line) => listens.test(line));
  if (lines.some((line) => everywhere.test(line) || namesOther(line, port))) return null;
  const line = lines.findLast((one) => !denied.test(one) && spotOf(one, port) !== null);
  if (line !== undefined)
    return `the program listens at ${spotOf(line, port)} only, which nothing outside the pod reaches; its log says: "${quote(readLine(line).text, 200)}"`;
  const setting = settingOf(container, port);
  return setting === null
    ? null
    : `the program is told to listen at the address of its own pod alone (${quote(setting, 120)}), which nothing outside the pod reaches`;
}

function portNumber({ port }: Probe, { spec }: ContainerView): number | null {
  if (port === null) return null;
  const named = listAt(spec, 'ports').find((one) => textAt(one, 'name') === String(port));
  const number = numberAt(named, 'containerPort') ?? Number(port);
  return Number.isInteger(number) && number > 0 ? number : null;
}

/** The loopback address with this port in a line: `127.0.0.1:4000`, `IPv4 address "127.0.0.1", port 5432`. */
function spotOf(line: string, port: number): string | null {
  const found = new RegExp(`(?<![\\w.-])(${loopback})${beforePort}${port}(?!\\d)`, 'i').exec(line);
  return found === null ? null : `${found[1]}:${port}`;
}

const beforePort = `(?::|["']?,? port:? )`;

/** Whether a line names this port at an address that is not the pod's own alone: `*:8080`, `[::]:8080`, `10.1.2.3:8080`. */
function namesOther(line: string, port: number): boolean {
  const host = `(?<![\\w.*-])[\\w.*-]{1,253}|\\[[\\da-f:.]*\\]|:{2}|(?<=[\\s="'(])`;
  const spots = line.matchAll(new RegExp(`(${host})${beforePort}${port}(?!\\d)`, 'gi'));
  return [...spots].some(([, name = '']) => !isLoopback.test(name)) && spotOf(line, port) === null;
}

/** The argument or variable that makes a container listen on loopback; null where none does or another one opens the port too. */
function settingOf({ spec }: ContainerView, port: number): string | null {
  const words = commandLineOf(spec).flatMap((word) =>
    /\s/.test(word) && !word.startsWith('-') ? word.split(/\s+/) : [word],
  );
  const flags = words.flatMap((word, index) => {
    const [, name = '', joined] = /^(-[^=]{1,60})(?:=(.*))?$/s.exec(word) ?? [];
    const value = joined ?? words[index + 1] ?? '';
    return name !== '' && addressFlag.test(name)
      ? [{ text: `${name}${joined === undefined ? ' ' : '='}${value}`, value }]
      : [];
  });
  const variables = listAt(spec, 'env').flatMap((variable) => {
    const [name, value] = [textAt(variable, 'name'), textAt(variable, 'value')];
    return addressVariable.test(name) && value !== '' ? [{ text: `${name}=${value}`, value }] : [];
  });
  const settings = (flags.length > 0 ? flags : variables).flatMap(({ text, value }) => {
    const place = placeOf(value);
    return place !== null && (place.port ?? port) === port ? [{ text, host: place.host }] : [];
  });
  return settings.length > 0 && settings.every(({ host }) => isLoopback.test(host))
    ? (settings[0]?.text ?? null)
    : null;
}

function placeOf(value: string): Place | null {
  const found = /^(?:\w{1,10}:\/\/)?(\[[\da-f:.]*\]|::1|::|[\w.*+-]*)(?::(\d{1,5}))?\/?$/i.exec(value);
  return found === null ? null : { host: found[1] ?? '', port: found[2] === undefined ? null : Number(found[2]) };
}
