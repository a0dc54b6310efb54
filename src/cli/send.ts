import { AppError } from '../core/errors.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { readJson, readLabels } from './input.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

interface SendFlags extends ServerFlags {
  readonly file?: string;
  readonly name?: string;
  readonly severity: string;
  readonly label?: readonly string[];
  readonly path?: string;
  readonly webhookToken?: string;
}

/** `fist send alert`: to `POST /alerts`, or a payload to a Source's webhook with `--path`. */
export async function sendAlert(terminal: Terminal, flags: SendFlags): Promise<number> {
  const body = alertBody(flags);
  if (flags.path === undefined) {
    if (isNotification(body))
      throw new AppError('InvalidInput', `${flags.file} is a notification of Alertmanager, which a Source takes`, {
        field: '--path',
        next: '--path PATH of a Source (fist get sources -o wide)',
      });
    const answer = (await apiClient(flags, terminal).post('/alerts', body)) as { id: string; message: string };
    terminal.out(`alert/${answer.id}\n`);
    tell(terminal, `${answer.message}\nnext: fist describe alert/${answer.id}`);
    return 0;
  }
  const path = `/webhook/${flags.path.replace(/^\/+/, '').replace(/^webhook\//, '')}`;
  const answer = await apiClient(flags, terminal).notify(path, body, flags.webhookToken);
  terminal.out(`${JSON.stringify(answer)}\n`);
  tell(terminal, 'next: fist get runs');
  return 0;
}

/** Alertmanager's own format, and not one alert. */
function isNotification(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'alerts' in body && Array.isArray(body.alerts);
}

function alertBody(flags: SendFlags): unknown {
  if (flags.file !== undefined) return readJson(flags.file);
  if (flags.path !== undefined)
    throw new AppError('InvalidInput', '--path sends a notification as it is, and no file was given', {
      next: '-f FILE; or leave --path out to send one alert by its --name',
    });
  if (flags.name === undefined)
    throw new AppError('InvalidInput', 'no alert was given', { next: 'fist send alert --name TestAlert, or -f FILE' });
  const labels = { alertname: flags.name, severity: flags.severity, ...readLabels(flags.label) };
  return { alert_name: flags.name, severity: flags.severity, labels, starts_at: new Date().toISOString() };
}
