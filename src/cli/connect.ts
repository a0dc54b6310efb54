import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readAlertmanager } from '../app/alertmanager.ts';
import type { AlertmanagerStatus } from '../app/alertmanager.ts';
import { addTo, planConnection, readConfiguration } from '../app/alertmanager-config.ts';
import type { Additions, Connection, Destination } from '../app/alertmanager-config.ts';
import { AppError } from '../core/errors.ts';
import { hostOf, isLoopback } from '../lib/address-policy.ts';
import { createHttpClient } from '../lib/http.ts';
import { outputFormat, printObject, tell } from './output.ts';
import { plain } from '../lib/printable.ts';
import type { Terminal } from './output.ts';

/** Flags that say where Alertmanager sends to. */
export interface DestinationFlags {
  readonly webhook?: string;
  readonly credentialsFile?: string;
}

interface ConnectFlags extends DestinationFlags {
  readonly url: string;
  readonly write?: string;
  readonly output: string;
}

const ownTokenFile = 'secrets/alertmanager-token/token';

/** Where a server of this machine takes alerts, unless the flags say otherwise. */
export function readDestination(flags: DestinationFlags, environment: Terminal['env']): Destination {
  const server = (environment['FIST_SERVER'] ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
  const url = flags.webhook ?? `${server}/webhook/alertmanager`;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new AppError('InvalidInput', `${url} is not an http or https URL`, {
      field: '--webhook',
      next: '--webhook http://127.0.0.1:8080/webhook/alertmanager',
    });
  const kept = existsSync(ownTokenFile) ? resolve(ownTokenFile) : '/etc/alertmanager/fist-token';
  return { url, credentialsFile: flags.credentialsFile ?? kept };
}

/** `fist connect alertmanager`: what its configuration lacks to send alerts here, or that it has it. */
export async function connectAlertmanager(terminal: Terminal, flags: ConnectFlags): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const destination = readDestination(flags, terminal.env);
  const status = await ask(flags.url);
  const connection = planConnection(readConfiguration(status.configuration, 'what it runs with'), destination);
  const file = flags.write === undefined ? null : write(flags.write, status, destination);
  if (format === 'json') {
    const { version } = status;
    await printObject(terminal, 'json', { url: flags.url, version, webhook: destination.url, ...connection, file });
    return 0;
  }
  const title = plain(`Alertmanager ${status.version} at ${flags.url}`);
  if (connection.receiver !== null && connection.isRouted) terminal.out(connectedText(title, connection, destination));
  else if (file === null) terminal.out(additionsText(title, connection.additions, destination));
  if (file !== null) tell(terminal, writtenText(file, flags.url));
  else if (!connection.isRouted)
    tell(terminal, `next: add this to its configuration (--write FILE does), and reload it`);
  const far = unreachable(flags.url, destination.url);
  if (far !== null) tell(terminal, `warning: ${far}`);
  return 0;
}

async function ask(url: string): Promise<AlertmanagerStatus> {
  const http = createHttpClient();
  try {
    return await readAlertmanager(http, url);
  } finally {
    await http.close();
  }
}

function connectedText(title: string, { receiver, isByName, warnings }: Connection, { url }: Destination): string {
  const doubt = isByName ? ` (known by its name: Alertmanager does not show its URL)` : '';
  const name = plain(receiver ?? '');
  return [
    `connected: ${title} sends to ${plain(url)} by receiver ${name}${doubt}`,
    ...warnings.map((warning) => `warning: ${plain(warning)}`),
    '',
  ].join('\n');
}

/** YAML that may be read as it is: what to add, and where. */
function additionsText(title: string, additions: Additions, { url, credentialsFile }: Destination): string {
  const { receivers, firstRoutes, lastRoutes } = additions;
  const quoted = (value: unknown) => JSON.stringify(value);
  const entries = (route: object) =>
    Object.entries(route).map(([name, value], index) => `    ${index === 0 ? '-' : ' '} ${name}: ${quoted(value)}`);
  const lines = [`# ${title} does not send to ${plain(url)} yet. Add:`];
  if (receivers.length > 0)
    lines.push(
      'receivers:',
      '  - name: fist',
      '    webhook_configs:',
      `      - url: ${quoted(url)}`,
      '        send_resolved: true',
      '        http_config:',
      '          authorization:',
      "            # The Source's token, or a copy of it; Alertmanager must be allowed to read it.",
      `            credentials_file: ${quoted(credentialsFile)}`,
    );
  lines.push('route:', '  routes:', '    # Before the routes that are there:', ...firstRoutes.flatMap(entries));
  if (lastRoutes.length > 0)
    lines.push('    # Behind them, because what a route takes is not told to the receiver at the top any more:');
  return [...lines, ...lastRoutes.flatMap(entries), ''].join('\n');
}

interface Written {
  readonly path: string;
  /** The file as it was; null where nothing had to be added. */
  readonly before: string | null;
}

/** Adds to the file what it lacks. Throws InvalidInput where it is not what Alertmanager runs with. */
function write(path: string, status: AlertmanagerStatus, destination: Destination): Written {
  if (!existsSync(path)) throw new AppError('InvalidInput', `there is no file ${path}`, { field: '--write' });
  const text = readFileSync(path, 'utf8');
  const read = readConfiguration(text, path);
  const { additions } = planConnection(read, destination);
  if (Object.values(additions).every((list: readonly object[]) => list.length === 0)) return { path, before: null };
  const names = (all: typeof read) => all.receivers.map(({ name }) => name).sort();
  const runs = names(readConfiguration(status.configuration, 'what it runs with'));
  if (JSON.stringify(runs) !== JSON.stringify(names(read)))
    throw new AppError(
      'InvalidInput',
      `${path} is not what Alertmanager runs with: other receivers (${runs.join(', ')})`,
      {
        field: '--write',
        next: 'name its --config.file, or reload it first',
      },
    );
  const before = `${path}.before-fist`;
  copyFileSync(path, before);
  writeFileSync(path, addTo(text, additions));
  return { path, before };
}

function writtenText({ path, before }: Written, url: string): string {
  const what = before === null ? `${path} has it already` : `added to ${path}; as it was: ${before}`;
  return `${what}\nnext: amtool check-config ${path} && curl -fsS -X POST ${url.replace(/\/+$/, '')}/-/reload`;
}

/** Why an Alertmanager elsewhere would not come through; null where nothing speaks against it. */
function unreachable(alertmanagerUrl: string, webhookUrl: string): string | null {
  const [sender, receiver] = [hostOf(new URL(alertmanagerUrl)), hostOf(new URL(webhookUrl))];
  if (isLoopback(sender) || !isLoopback(receiver)) return null;
  return `${sender} cannot reach ${receiver} of this machine: fist serve --listen 0.0.0.0:8080, and --webhook http://THIS-HOST:8080/webhook/alertmanager`;
}
