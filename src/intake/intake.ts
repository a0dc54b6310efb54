import type { CatalogSource } from '../core/catalog.ts';
import { AppError } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { AlertRuns, CatalogHolder, ChildRuns, Clock, Intake, Log, RunRequests } from '../core/ports.ts';
import type { Store } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { newId } from '../lib/id.ts';
import { startForAlert } from './alert-run.ts';
import { takeBatch } from './batch.ts';
import type { BatchContext, Outcome, TakenBatch } from './batch.ts';
import type { EventWithoutAlert } from './events.ts';
import type { Arrival, PartOutcome, RecentEvents } from './facts.ts';
import { partsOf } from './parts.ts';
import { startChild } from './child.ts';
import { createIntakeQueue, defaultIntakeLimits } from './queue.ts';
import type { IntakeLimits, PartPlace, Waiting } from './queue.ts';
import { answerOf, report } from './report.ts';
import { reportRequest, takeRequest } from './request.ts';

export interface IntakeOptions {
  readonly store: Store;
  readonly catalog: CatalogHolder;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly limits?: Partial<IntakeLimits>;
}

type Caller = Waiting<Arrival, Outcome>;

/**
 * Takes notifications in: match filters, deduplicate (design 3.2), mute, enqueue. What arrives while a commit is under
 * way shares the next transaction; each is decided as if it came alone, and the answer comes after the commit. Rejects
 * with StoreUnavailable or Draining.
 */
export function createIntake(options: IntakeOptions): Intake & RunRequests & AlertRuns & ChildRuns {
  const { store, clock, catalog } = options;
  const recent = createRecentEvents();
  const queue = createIntakeQueue<Arrival, Outcome>({
    limits: { ...defaultIntakeLimits, ...options.limits },
    monotonic: () => clock.monotonic(),
    work,
  });

  async function work(take: () => readonly Caller[]): Promise<void> {
    const context: BatchContext = { catalog: catalog.current(), recent };
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

  function settle(callers: readonly Caller[], { outcomes, withoutAlert }: TakenBatch): void {
    for (const event of withoutAlert) recent.add(event);
    callers.forEach(({ item, resolve }, place) => {
      const outcome = outcomes[place] as Outcome;
      if (!outcome.isKnown) report(options, item, outcome.counts);
      resolve(outcome);
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
    async accept(source, notification) {
      const parts = partsOf(notification);
      const length = Math.ceil(notification.body.length / parts.length);
      let before: PartOutcome | null = null;
      for (const [place, items] of parts.entries()) {
        const isLast = place === parts.length - 1;
        const arrival: Arrival = {
          source,
          notification: parts.length === 1 ? notification : { ...notification, items },
          now: toTimestamp(clock.now()),
          part: parts.length === 1 ? null : { isLast, before },
        };
        // What is only counted costs nothing.
        const alerts = items.length + (isLast ? notification.bad.length : 0);
        const outcome: Outcome = await queue.submit(arrival, { alerts, length }, partAt(place, parts.length));
        if (isLast || outcome.isKnown) return answerOf(outcome.soFar.counts);
        before = outcome.soFar;
      }
      throw new Error('a notification has at least one part');
    },
    async request(source, request) {
      const requested = { catalog: catalog.current(), source, request, now: toTimestamp(clock.now()) };
      const taken = await store.transaction('intake', (tx) => takeRequest(tx, requested));
      reportRequest(options, requested, taken);
      return taken.answer;
    },
    startForAlert: (request) => startForAlert(options, request),
    startChild: (request) => startChild(options, request),
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

function partAt(place: number, of: number): PartPlace | null {
  if (of === 1) return null;
  return place === 0 ? 'first' : 'later';
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
