import { labelledObject } from '../core/alert.ts';
import type { AlertItem } from '../core/alert.ts';
import { AppError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { AgentResult } from '../core/finding.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { toTimestamp } from '../core/time.ts';
import { noTurns } from '../lib/turns.ts';
import { investigate } from '../investigation/investigate.ts';
import { renderTextReport } from '../investigation/text.ts';
import { api } from '../sources/api.ts';
import type { SourceDefinition } from '../sources/define.ts';
import { webhook } from '../sources/webhook.ts';
import { snapshotOf } from '../intake/records.ts';
import { openCluster } from './cluster.ts';
import type { ClusterOptions } from './options.ts';

/** What `fist investigate` prints. */
export interface Investigation {
  readonly result: AgentResult;
  /** The report for a terminal. */
  readonly text: string;
  readonly failure: { readonly code: ErrorCode; readonly message: string } | null;
}

/** Investigates one alert of a payload with no server. Throws InvalidInput for a payload that it cannot use. */
export async function investigateOnce(
  payload: string,
  index: number | null,
  options: ClusterOptions,
  colour: boolean,
): Promise<Investigation> {
  const alert = await chooseAlert(payload, index);
  const opened = await openCluster(options);
  if (opened === null) {
    throw new AppError('InvalidInput', 'no cluster was named', {
      next: 'give --context NAME for a live cluster, or --dump DIR for a captured one',
    });
  }
  try {
    const { result, failure } = await investigate({
      cluster: opened.cluster,
      alert,
      goal: '',
      asked: '',
      firstEvidenceNumber: 1,
      refusal: null,
      now: () => toTimestamp(Date.now()),
      signal: new AbortController().signal,
      maxIterations: 0,
    });
    return { result, text: renderTextReport(result, { colour }), failure };
  } finally {
    await opened.close();
  }
}

/** The alert that `--alert` and `--index` mean: a v4 payload, one of its alerts, or an alert of `POST /alerts`. */
export async function chooseAlert(payload: string, index: number | null): Promise<AlertSnapshot> {
  const items = await readAlerts(payload);
  const firing = items.filter((item) => item.status === 'firing');
  const choices = firing.length > 0 ? firing : items;
  const chosen = choices[index ?? 0];
  if (index === null && choices.length > 1) {
    const list = choices.map((item, position) => `${position}: ${describe(item)}`).join('; ');
    throw new AppError(
      'InvalidInput',
      `the payload has ${choices.length} ${firing.length > 0 ? 'firing' : 'resolved'} alerts (${list})`,
      {
        next: 'choose one with --index NUMBER',
      },
    );
  }
  if (chosen === undefined)
    throw new AppError(
      'InvalidInput',
      `there is no alert ${index ?? 0}; the payload has ${choices.length}, numbered from 0`,
      {
        next: `--index ${choices.length - 1}`,
      },
    );
  const { fingerprint, severity, status, startsAt, endsAt } = chosen;
  return { ...snapshotOf(chosen, { id: fingerprint, severity, episode: 1, startsAt }), status, endsAt };
}

function readAlerts(payload: string): Promise<readonly AlertItem[]> {
  const value = parse(payload);
  if (Array.isArray(value['alerts'])) return receive(webhook, payload);
  if (typeof value['labels'] === 'object' && value['alert_name'] === undefined)
    return receive(webhook, JSON.stringify({ version: '4', alerts: [{ status: 'firing', ...value }] }));
  return receive(api, payload);
}

function parse(payload: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(payload);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new AppError('InvalidInput', `the alert is not JSON: ${(cause as Error).message}`, {
      cause,
      field: '--alert',
    });
  }
  throw new AppError('InvalidInput', 'the alert is not a JSON object', { field: '--alert' });
}

async function receive(source: SourceDefinition, body: string): Promise<readonly AlertItem[]> {
  const request = { body, headers: {}, receivedAt: toTimestamp(Date.now()) };
  const received = await source.receive?.(request, noTurns);
  if (received === undefined || !received.ok)
    throw new AppError('InvalidInput', `the alert cannot be used: ${received?.message}`, {
      field: received?.field || '--alert',
    });
  const [bad] = received.notification.bad;
  if (bad !== undefined) throw new AppError('InvalidInput', bad.message, { field: bad.field });
  if (received.notification.items.length === 0)
    throw new AppError('InvalidInput', 'the payload has no alerts', { field: 'alerts' });
  return received.notification.items;
}

function describe(item: AlertItem): string {
  return `${item.name} ${labelledObject(item.labels)}`.trim();
}
