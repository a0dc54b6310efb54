import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.ts';
import type { Replica } from './replicas.ts';
import { webhookToken } from './sandbox.ts';
import { acknowledge, add, firstNotification, nextNotification } from './traffic.ts';
import type { Ledger, Notification } from './traffic.ts';

/** One of the servers that a sender knows. */
export type Taker = Pick<Replica, 'name' | 'url'>;

export interface SenderOptions {
  readonly random: Random;
  /** Notifications under way at a time. */
  readonly senders: number;
  /** Between two notifications of one sender, at most. */
  readonly pauseMs: number;
  /** Some alerts have a step that takes so long. */
  readonly longSteps?: { readonly seconds: number; /** One alert in so many. */ readonly every: number };
}

export interface Senders {
  /** Ends when what is under way is acknowledged. */
  stop(): Promise<void>;
  /** The longest time from the first try of a notification to its acknowledgement. */
  slowestMs(): number;
  /**
   * The most replicas that did not take one notification, one after the other: a connection that was refused, or 503. Who was only slow, or
   * says that its database is, is not among them.
   */
  mostRefused(): number;
}

/** A sender waits so long for an answer, then it asks the next replica. */
const answerTimeoutMs = 3_000;
const givesUpAfterMs = 120_000;

/**
 * Sends as Alertmanager does that knows several URLs: each notification to one replica after the other until one has
 * answered 200; some to two at a time, as a pair of Alertmanagers does. Every try counts as sent, every 200 as
 * acknowledged.
 */
export function startSenders(replicas: readonly Taker[], ledger: Ledger, options: SenderOptions): Senders {
  const { random, senders, pauseMs } = options;
  const state: State = { next: 0, slowestMs: 0, mostRefused: 0, stopping: false };
  async function send(): Promise<void> {
    while (!state.stopping) {
      const notification = withLongSteps(nextNotification(ledger, random), options.longSteps);
      const copies = random.next() < 0.15 ? 2 : 1;
      await Promise.all(Array.from({ length: copies }, () => deliver(replicas, ledger, state, notification)));
      await sleep(random.next() * pauseMs);
    }
  }
  const all = Promise.all(Array.from({ length: senders }, send));
  return {
    slowestMs: () => state.slowestMs,
    mostRefused: () => state.mostRefused,
    async stop() {
      state.stopping = true;
      await all;
    },
  };
}

/** Sends one new alert, in the same way, to the Source at this path. Ends when it is acknowledged. */
export function sendAlert(
  replicas: readonly Taker[],
  ledger: Ledger,
  id: string,
  labels: Readonly<Record<string, string>> = {},
  path = 'crash',
): Promise<void> {
  const state: State = { next: 0, slowestMs: 0, mostRefused: 0, stopping: false };
  return deliver(replicas, ledger, state, { ...firstNotification(ledger, id, labels), path });
}

interface State {
  /** Whose turn it is. */
  next: number;
  slowestMs: number;
  mostRefused: number;
  stopping: boolean;
}

async function deliver(
  replicas: readonly Taker[],
  ledger: Ledger,
  state: State,
  { ids, body, path = 'crash' }: Notification & { readonly path?: string },
): Promise<void> {
  const begunMs = performance.now();
  let refused = 0;
  for (;;) {
    const replica = replicas[state.next++ % replicas.length];
    const url = replica?.url() ?? null;
    if (url !== null) {
      for (const id of ids) add(ledger.sent, id);
      const answer = await post(`${url}/webhook/${path}`, body);
      const tookMs = performance.now() - begunMs;
      state.slowestMs = Math.max(state.slowestMs, tookMs);
      if (answer.status === 200) return acknowledge(ledger, ids);
      if (!answer.isSlow) state.mostRefused = Math.max(state.mostRefused, (refused += 1));
      if (answer.status !== null && answer.status !== 503)
        ledger.wrongAnswers.push(`${answer.status} ${answer.body} by ${replica?.name}`);
      if (tookMs > givesUpAfterMs) {
        ledger.wrongAnswers.push(`nothing for ${givesUpAfterMs} ms to ${ids.join(', ')}`);
        return;
      }
    }
    await sleep(50);
  }
}

interface Answer {
  /** Null: none came. Somebody may have read the request all the same. */
  readonly status: number | null;
  readonly body: string;
  readonly isSlow: boolean;
}

async function post(url: string, body: object): Promise<Answer> {
  const timeout = AbortSignal.timeout(answerTimeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${webhookToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: timeout,
    });
    const text = await response.text();
    return { status: response.status, body: text, isSlow: text.includes('the database is slow') };
  } catch {
    return { status: null, body: '', isSlow: timeout.aborted };
  }
}

/** For an alert always the same, because labels are its identity. */
function withLongSteps({ ids, body }: Notification, steps: SenderOptions['longSteps']): Notification {
  if (steps === undefined) return { ids, body };
  const { alerts } = body as { readonly alerts: readonly { readonly labels: Readonly<Record<string, string>> }[] };
  const isLong = (id: string | undefined): boolean => Number(id?.replace(/\D/g, '')) % steps.every === 0;
  const labelled = alerts.map((alert) =>
    isLong(alert.labels['id']) ? { ...alert, labels: { ...alert.labels, seconds: String(steps.seconds) } } : alert,
  );
  return { ids, body: { ...body, alerts: labelled } };
}
