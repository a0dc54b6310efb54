import { z } from 'zod';
import { AppError } from '../core/errors.ts';
import type { HttpClient } from '../core/ports.ts';

/** What a running Alertmanager says of itself. */
export interface AlertmanagerStatus {
  readonly version: string;
  /** Its configuration as YAML, with secrets masked by it. */
  readonly configuration: string;
  /** By its clock, in milliseconds since the epoch; null where it does not say. */
  readonly clockMs: number | null;
}

const status = z.looseObject({
  versionInfo: z.looseObject({ version: z.string() }),
  config: z.looseObject({ original: z.string() }),
});

/** Asks `/api/v2/status`. Throws Unreachable, Timeout, or InvalidInput where something else answers there. */
export async function readAlertmanager(http: HttpClient, url: string): Promise<AlertmanagerStatus> {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new AppError('InvalidInput', `${url} is not an http or https URL`, { next: '--url http://127.0.0.1:9093' });
  const address = `${url.replace(/\/+$/, '')}/api/v2/status`;
  const request = { method: 'GET', url: address, headers: { accept: 'application/json' } };
  const answer = await http.send({ ...request, timeoutMs: 10_000, maxResponseBytes: 16 * 1024 * 1024 });
  const read = answer.status === 200 ? status.safeParse(parse(answer.body)) : null;
  if (read?.success !== true)
    throw new AppError('InvalidInput', `what answers at ${address} is no Alertmanager (status ${answer.status})`, {
      next: `curl -i ${address}`,
    });
  const { versionInfo, config } = read.data;
  const date = Date.parse(answer.headers['date'] ?? '');
  return { version: versionInfo.version, configuration: config.original, clockMs: Number.isNaN(date) ? null : date };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
