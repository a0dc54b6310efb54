import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.ts';
import type { TestServer } from '../support/server.ts';
import { webhookToken } from './sandbox.ts';

/** What the senders know: how often each alert was sent, and how often a 2xx came back for it. */
export interface Ledger {
  readonly sent: Map<string, number>;
  readonly acknowledged: Map<string, number>;
  /** Sum of `acknowledged`. */
  answers: number;
  /** Runs that the API said it made (`fist retry`). */
  readonly retried: Set<string>;
  /** Runs whose cancellation was acknowledged. */
  readonly cancelled: Set<string>;
  /** Answers that neither take nor put off an alert. */
  readonly wrongAnswers: string[];
  readonly alerts: Map<string, AlertState>;
}

interface AlertState {
  firing: boolean;
  startsAt: string;
}

export function createLedger(): Ledger {
  return {
    sent: new Map(),
    acknowledged: new Map(),
    answers: 0,
    retried: new Set(),
    cancelled: new Set(),
    wrongAnswers: [],
    alerts: new Map(),
  };
}

export interface Mix {
  /** Share of alerts that were never seen. */
  readonly fresh: number;
  /** Share of the others that fire again or are resolved; the rest are duplicates. */
  readonly changed: number;
  /** At most so long between two requests of people, who cancel and retry runs. */
  readonly peoplePauseMs: number;
}

const defaultMix: Mix = { fresh: 0.2, changed: 0.4, peoplePauseMs: 40 };

export interface TrafficOptions {
  readonly random: Random;
  readonly connections: number;
  /** Few alerts, with the label slow=yes, so that a step is longer than a lease's renewal; nobody cancels or retries. */
  readonly slow?: boolean;
  /** False: nobody cancels or retries runs. */
  readonly people?: boolean;
  readonly mix?: Mix;
}

/** Sends alerts (firing, resolved, duplicates) and operator requests until stopped; what is not answered is forgotten. */
export function startTraffic(server: TestServer, ledger: Ledger, options: TrafficOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const senders = Array.from({ length: options.connections }, () =>
    sendAlerts(server, ledger, options, stopping.signal),
  );
  const { slow = false, people = true } = options;
  const operator = people && !slow ? operate(server, ledger, options, stopping.signal) : Promise.resolve();
  return {
    async stop() {
      stopping.abort();
      await Promise.all([...senders, operator]);
    },
  };
}

async function sendAlerts(
  server: TestServer,
  ledger: Ledger,
  options: TrafficOptions,
  signal: AbortSignal,
): Promise<void> {
  const { random, slow = false, mix } = options;
  while (!signal.aborted) {
    const { ids, body } = nextNotification(ledger, random, { slow, ...(mix === undefined ? {} : { mix }) });
    const copies = random.next() < 0.15 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      for (const id of ids) add(ledger.sent, id);
      const answer = await server.post('/webhook/crash', body, webhookToken).catch(() => null);
      if (answer === null) break;
      if (answer.status === 200) acknowledge(ledger, ids);
      else if (answer.status !== 503) ledger.wrongAnswers.push(`${answer.status} ${JSON.stringify(answer.body)}`);
    }
    await sleep(slow ? 500 : random.between(10, 50));
  }
}

/** Of Alertmanager. `ids` are the values of the label `id` of its alerts. */
export interface Notification {
  readonly ids: readonly string[];
  readonly body: object;
}

/** One to three alerts. */
export function nextNotification(
  ledger: Ledger,
  random: Random,
  { slow = false, mix = defaultMix }: { slow?: boolean; mix?: Mix } = {},
): Notification {
  const ids = Array.from({ length: random.between(1, 3) }, () =>
    slow ? `slow-${random.between(1, 4)}` : pickAlert(ledger, random, mix.fresh),
  );
  return { ids, body: notification(ids.map((id) => nextAlert(ledger, random, id, slow ? null : mix.changed))) };
}

/** An alert that was never sent, with further labels. */
export function firstNotification(
  ledger: Ledger,
  id: string,
  labels: Readonly<Record<string, string>> = {},
): Notification {
  const state = { firing: true, startsAt: new Date().toISOString() };
  ledger.alerts.set(id, state);
  return { ids: [id], body: notification([alertOf(id, state, labels)]) };
}

/** Cancels and retries runs, as a person would. */
async function operate(
  server: TestServer,
  ledger: Ledger,
  { random, mix = defaultMix }: TrafficOptions,
  signal: AbortSignal,
): Promise<void> {
  const newest = async (status: string) => {
    const runs = await server.list<{ id: string }>(`/api/v1/runs?limit=1&status=${status}`).catch(() => []);
    return runs[0]?.id;
  };
  while (!signal.aborted) {
    await sleep(random.between(10, mix.peoplePauseMs));
    const cancels = random.next() < 0.4;
    const id = await newest(
      cancels ? random.pick(['pending', 'running']) : random.pick(['succeeded', 'failed', 'cancelled']),
    );
    if (id === undefined) continue;
    const answer = await server.api('POST', `/api/v1/runs/${id}/${cancels ? 'cancel' : 'retry'}`, {}).catch(() => null);
    if (answer === null || answer.status >= 300) continue;
    if (cancels) ledger.cancelled.add(id);
    else ledger.retried.add((answer.body as { id: string }).id);
  }
}

function pickAlert(ledger: Ledger, random: Random, fresh: number): string {
  const known = [...ledger.alerts.keys()].filter((id) => id.startsWith('alert-'));
  if (known.length === 0 || random.next() < fresh) return `alert-${known.length + 1}`;
  return random.pick(known.slice(-15));
}

/** The next notification about one alert: its next state, or the same again; `changed` null: of a slow one, which stays. */
function nextAlert(ledger: Ledger, random: Random, id: string, changed: number | null): object {
  const now = new Date().toISOString();
  const known = ledger.alerts.get(id);
  const state = known ?? { firing: true, startsAt: now };
  if (known !== undefined && changed !== null && random.next() < changed) {
    state.firing = !state.firing;
    if (state.firing) state.startsAt = now;
  }
  ledger.alerts.set(id, state);
  return alertOf(id, state, changed === null ? { slow: 'yes' } : {});
}

function alertOf(id: string, { firing, startsAt }: AlertState, labels: Readonly<Record<string, string>>): object {
  return {
    status: firing ? 'firing' : 'resolved',
    labels: { alertname: 'CrashTest', severity: 'warning', id, ...labels },
    annotations: { summary: `notification of ${id}` },
    startsAt,
    endsAt: firing ? '0001-01-01T00:00:00Z' : new Date().toISOString(),
    generatorURL: 'http://prometheus.example/graph',
    fingerprint: Buffer.from(id).toString('hex').slice(-16).padStart(16, '0'),
  };
}

function notification(alerts: readonly object[]): object {
  return {
    version: '4',
    groupKey: '{}:{alertname="CrashTest"}',
    truncatedAlerts: 0,
    status: 'firing',
    receiver: 'fist',
    groupLabels: { alertname: 'CrashTest' },
    commonLabels: { alertname: 'CrashTest' },
    commonAnnotations: {},
    externalURL: 'http://alertmanager.example',
    alerts,
  };
}

export function acknowledge(ledger: Ledger, ids: readonly string[]): void {
  for (const id of ids) add(ledger.acknowledged, id);
  ledger.answers += ids.length;
}

/** Counts one more. */
export function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
