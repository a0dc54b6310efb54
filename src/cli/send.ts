import { AppError } from '../core/errors.ts';
import { parseDuration } from '../lib/duration.ts';
import { normalizeWebhookPath, webhookAddress } from '../lib/webhook-path.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { readJson, readLabels } from './input.ts';
import { sendAndWait } from './send-and-wait.ts';
import type { Posted } from './send-and-wait.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

interface SendFlags extends ServerFlags {
  readonly file?: string;
  readonly name?: string;
  readonly severity?: string;
  readonly label?: readonly string[];
  readonly status?: string;
  readonly source?: string;
  readonly wait?: string;
  readonly path?: string;
  readonly webhookToken?: string;
}

/** `fist send alert`: to `POST /alerts`, or a payload to a Source's webhook with `--path`. Exit 1 where what `--wait` waits for failed. */
export async function sendAlert(terminal: Terminal, flags: SendFlags): Promise<number> {
  const body = alertBody(flags);
  if (flags.path !== undefined) return notify(terminal, flags, flags.path, body);
  if (isNotification(body))
    throw new AppError('InvalidInput', `${flags.file} is a notification of Alertmanager, which a Source takes`, {
      field: '--path',
      next: '--path PATH of a Source (fist get sources -o wide)',
    });
  const client = apiClient(flags, terminal);
  if (flags.wait !== undefined) return sendAndWait(terminal, client, body, parseDuration(flags.wait));
  const { id, message } = (await client.post('/alerts', body)) as Posted;
  terminal.out(`alert/${id}\n`);
  tell(terminal, `${message}\nnext: fist describe alert/${id}`);
  return 0;
}

async function notify(terminal: Terminal, flags: SendFlags, path: string, body: unknown): Promise<number> {
  for (const field of ['source', 'wait'] as const)
    if (flags[field] !== undefined)
      throw new AppError('InvalidInput', `--${field} is for an alert, and --path sends a notification`, {
        field: `--${field}`,
        next: 'leave one of them out',
      });
  const address = webhookAddress(normalizeWebhookPath(path));
  const answer = await apiClient(flags, terminal).notify(address, body, flags.webhookToken);
  terminal.out(`${JSON.stringify(answer)}\n`);
  tell(terminal, 'next: fist get runs');
  return 0;
}

/** Alertmanager's own format, and not one alert. */
function isNotification(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'alerts' in body && Array.isArray(body.alerts);
}

function alertBody(flags: SendFlags): unknown {
  if (flags.file !== undefined) {
    refuseBesideFile(flags, flags.file);
    return readJson(flags.file);
  }
  if (flags.path !== undefined)
    throw new AppError('InvalidInput', '--path sends a notification as it is, and no file was given', {
      next: '-f FILE; or leave --path out to send one alert by its --name',
    });
  if (flags.name === undefined)
    throw new AppError('InvalidInput', 'no alert was given', { next: 'fist send alert --name TestAlert, or -f FILE' });
  const { name, severity = 'warning', status = 'firing', source = null } = flags;
  const labels = { alertname: name, severity, ...readLabels(flags.label) };
  return { alert_name: name, severity, status, source, labels, starts_at: new Date().toISOString() };
}

/** A file says these itself, and what is written beside it would be lost without a word. */
function refuseBesideFile(flags: SendFlags, path: string): void {
  const file = path === '-' ? 'standard input' : path;
  for (const option of ['name', 'severity', 'status', 'label', 'source'] as const) {
    if (flags[option] === undefined) continue;
    const makes = option === 'name' ? '--name makes an alert' : `--${option} is for an alert by its --name`;
    const isInPath = option === 'source' && flags.path !== undefined;
    const said = option === 'source' ? `"source": "${flags.source}"` : 'it';
    throw new AppError('InvalidInput', `${makes}, and -f sends ${file} as it is`, {
      field: `--${option}`,
      next: isInPath ? 'leave --source out: --path says whose it is' : `leave it out, or write ${said} into ${file}`,
    });
  }
}
