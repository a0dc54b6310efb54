import { hash } from 'node:crypto';
import { foldCategory } from '../core/alert-fold.ts';
import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { IntakeAnswer, Notification } from '../core/event.ts';
import type { Metrics } from '../core/metrics.ts';
import type { CatalogHolder, Clock, Intake, Log } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import { takeBatch } from './batch.ts';
import type { BatchContext, Outcome, TakenBatch } from './batch.ts';
import type { Counts, EventWithoutAlert } from './events.ts';
import type { Arrival, RecentEvents } from './facts.ts';
import { createIntakeQueue, defaultIntakeLimits } from './queue.ts';
import type { IntakeLimits, Waiting } from './queue.ts';
import { createStormCounter } from './policies.ts';
import type { StormCounter } from './policies.ts';

export interface IntakeOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Shared with the sweep, so that both respect one cap. */
  readonly storm?: StormCounter;
  readonly limits?: Partial<IntakeLimits>;
}

type Caller = Waiting<Arrival, IntakeAnswer>;

/**
 * Takes notifications in: match filters, deduplicate (design 3.2), mute, enqueue. What arrives while a commit is under
 * way shares the next transaction; each is decided as if it came alone, and the answer comes after the commit. Rejects
 * with StoreUnavailable or Draining.
 */
export function createIntake(options: IntakeOptions): Intake {
  const { store, clock, catalog } = options;
  const storm = options.storm ?? createStormCounter();
  const recent = createRecentEvents();
  const queue = createIntakeQueue<Arrival, IntakeAnswer>({
    limits: { ...defaultIntakeLimits, ...options.limits },
    monotonic: () => clock.monotonic(),
    work,
  });

  async function work(take: () => readonly Caller[]): Promise<void> {
    const context: BatchContext = { catalog: catalog.current(), storm, recent };
    let taken: TakenBatch;
    try {
      taken = await store.transaction('intake', (tx) =>
        takeBatch(
          tx,
          context,
          take().map(({ item }) => item),
        ),
      );
    } catch (error) {
      return fail(take(), error);
    }
    settle(take(), taken);
  }

  function settle(callers: readonly Caller[], { outcomes, withoutAlert, storm: started }: TakenBatch): void {
    started.commit();
    for (const event of withoutAlert) recent.add(event);
    callers.forEach(({ item, resolve }, place) => {
      const outcome = outcomes[place] as Outcome;
      if (!outcome.isKnown) report(options, item.source, item.notification, outcome.counts);
      resolve(answerOf(outcome.counts));
    });
  }

  /** An error of one caller's content must not be the others': each is tried alone. */
  async function fail(callers: readonly Caller[], error: unknown): Promise<void> {
    const [first, ...others] = callers;
    const isStores = error instanceof AppError && (error.code === 'StoreUnavailable' || error.code === 'Draining');
    if (isStores || others.length === 0) for (const { reject } of callers) reject(error);
    else if (first !== undefined) await Promise.all(callers.map((caller) => work(() => [caller])));
  }

  return {
    refusal: queue.refusal,
    accept(source, notification) {
      const { body, items, bad } = notification;
      const arrival = { source, notification, contentHash: hash('sha256', body), now: toTimestamp(clock.now()) };
      return queue.submit(arrival, { alerts: items.length + bad.length, length: body.length });
    },
    async deadLetter(source, reason, message, body) {
      const receivedAt = toTimestamp(clock.now());
      const { namespace, name: sourceName } = source;
      await store.transaction('intake', (tx) =>
        tx.events.addDeadLetters([{ id: newId(), namespace, sourceName, reason, message, body, receivedAt }]),
      );
      options.metrics.increment('fist_dead_letters_total', { source: sourceName, reason });
    },
  };
}

const mostRecentEvents = 1000;

function createRecentEvents(): RecentEvents & { add(event: EventWithoutAlert): void } {
  const events = new Map<string, string>();
  const keyOf = ({ namespace, name }: CatalogSource, contentHash: string) => `${namespace}/${name} ${contentHash}`;
  return {
    get: (source, contentHash) => events.get(keyOf(source, contentHash)),
    add({ source, contentHash, eventId }) {
      const key = keyOf(source, contentHash);
      events.delete(key);
      events.set(key, eventId);
      if (events.size > mostRecentEvents) events.delete(events.keys().next().value ?? '');
    },
  };
}

/** Reasons that speak of runs; all others are of items. */
const runReasons: ReadonlySet<string> = new Set([
  'RunCreated',
  'WorkflowNotReady',
  'Suspended',
  'Cooldown',
  'FlapCap',
  'StormGuard',
]);

function runsIn(counts: Counts): number {
  return (counts['RunCreated'] ?? 0) + (counts['WorkflowNotReady'] ?? 0);
}

/** The answer follows from the stored counts alone, so that it can be given again. */
function answerOf(counts: Counts): IntakeAnswer {
  const answer = { received: 0, opened: 0, repeated: 0, resolved: 0, ignored: 0 };
  for (const [reason, times] of Object.entries(counts)) {
    if (runReasons.has(reason)) continue;
    answer.received += times;
    answer[foldCategory(reason)] += times;
  }
  return { ...answer, runs: runsIn(counts) };
}

function report(
  { metrics, log }: IntakeOptions,
  source: CatalogSource,
  notification: Notification,
  counts: Counts,
): void {
  for (const [reason, times] of Object.entries(counts)) {
    if (!runReasons.has(reason)) {
      metrics.increment('fist_alerts_received_total', { source: source.name, result: reason }, times);
      if (foldCategory(reason) === 'repeated')
        metrics.increment('fist_alerts_deduplicated_total', { source: source.name }, times);
      if (reason === 'BadItem') metrics.increment('fist_dead_letters_total', { source: source.name, reason }, times);
    } else if (reason === 'RunCreated' || reason === 'WorkflowNotReady') {
      const phase = reason === 'RunCreated' ? 'pending' : 'failed';
      metrics.increment('fist_runs_total', { workflow: source.triggerWorkflow, phase }, times);
    } else {
      metrics.increment('fist_runs_muted_total', { source: source.name, reason }, times);
    }
  }
  const fields = { source: `${source.namespace}/${source.name}`, groupKey: notification.groupKey, ...counts };
  if (notification.truncatedAlerts > 0) {
    metrics.increment('fist_alerts_truncated_total', { source: source.name }, notification.truncatedAlerts);
    log.warn(
      { ...fields, truncatedAlerts: notification.truncatedAlerts },
      'the sender left alerts out of its notification',
    );
  }
  if (counts['WorkflowNotReady'] !== undefined)
    log.warn({ ...fields, workflow: source.triggerWorkflow }, 'the Workflow is not ready');
  log.debug(fields, 'notification taken in');
}
