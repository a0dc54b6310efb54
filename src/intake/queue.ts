import { AppError } from '../core/errors.ts';

/** Bounds of what waits for a batch: beyond them a sender is told to come again (503) and keeps its alerts. */
export interface IntakeLimits {
  readonly maxNotifications: number;
  readonly maxAlerts: number;
  /** Of bodies, in UTF-16 units. */
  readonly maxLength: number;
  readonly maxWaitMs: number;
}

export const defaultIntakeLimits: IntakeLimits = {
  maxNotifications: 1000,
  maxAlerts: 3000,
  maxLength: 32 * 1024 * 1024,
  maxWaitMs: 5_000,
};

/**
 * Bounds of one batch, so that no answer waits for a long one. One with a longer body goes alone, and so does a part of a
 * larger notification.
 */
const mostOfBatch = { notifications: 256, alerts: 500, length: 2 * 1024 * 1024 } as const;

/** A batch waits so long for more at most, as long as each turn of the event loop brings some. Milliseconds. */
const longestGathering = 3;

/** A part of a notification, the first one or a later one. */
export type PartPlace = 'first' | 'later';

/** What a notification weighs. */
export interface Weight {
  readonly alerts: number;
  readonly length: number;
}

/** One caller that waits for its batch. */
export interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly weight: Weight;
  readonly sinceMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface QueueOptions<Item, Answer> {
  readonly limits: IntakeLimits;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
  /** Takes a batch (the same one, however often it asks) and settles all its callers. Must not reject. */
  readonly work: (take: () => readonly Waiting<Item, Answer>[]) => Promise<void>;
}

/**
 * Lets what arrives while a batch is under way wait for the next one. A batch is taken at the last moment, when its
 * transaction begins. Notifications and parts of others have batches by turns, so that who sends little waits for
 * one part at most, however many follow it.
 */
export function createIntakeQueue<Item, Answer>({ limits, monotonic, work }: QueueOptions<Item, Answer>) {
  type Waiters = Waiting<Item, Answer>[];
  const waiting: { whole: Waiters; parts: Waiters } = { whole: [], parts: [] };
  let wasPart = false;
  let alerts = 0;
  let length = 0;
  let isWorking = false;

  const count = () => waiting.whole.length + waiting.parts.length;

  function waitedMs(): number {
    const since = [waiting.whole[0], waiting.parts[0]].map((first) => first?.sinceMs ?? Number.POSITIVE_INFINITY);
    return Math.max(0, monotonic() - Math.min(...since));
  }

  /** What its sender no longer waits for is not done; an answer 503 then means that nothing was stored. */
  function refuseLate(of: Waiters): void {
    const nowMs = monotonic();
    for (let first = of[0]; first !== undefined && nowMs - first.sinceMs > limits.maxWaitMs; first = of[0]) {
      first.reject(tooSlow(nowMs - first.sinceMs));
      of.shift();
      alerts -= first.weight.alerts;
      length -= first.weight.length;
    }
  }

  function takeBatch(): readonly Waiting<Item, Answer>[] {
    refuseLate(waiting.whole);
    refuseLate(waiting.parts);
    wasPart = waiting.parts.length > 0 && (!wasPart || waiting.whole.length === 0);
    const from = wasPart ? waiting.parts : waiting.whole;
    const held = { notifications: 0, alerts: 0, length: 0 };
    for (const { weight } of from) {
      const isFull =
        held.notifications === (wasPart ? 1 : mostOfBatch.notifications) ||
        held.alerts + weight.alerts > mostOfBatch.alerts ||
        held.length + weight.length > mostOfBatch.length;
      if (isFull && held.notifications > 0) break;
      held.notifications += 1;
      held.alerts += weight.alerts;
      held.length += weight.length;
    }
    const batch = from.splice(0, held.notifications);
    alerts -= held.alerts;
    length -= held.length;
    return batch;
  }

  /** Callers that are being read already share the commit: it costs about the same for two as for twenty. */
  async function gather(): Promise<void> {
    const untilMs = monotonic() + longestGathering;
    for (let before = 0; before < count() && monotonic() <= untilMs;) {
      before = count();
      if (before >= mostOfBatch.notifications) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function workThrough(): Promise<void> {
    isWorking = true;
    while (count() > 0) {
      await gather();
      let batch: readonly Waiting<Item, Answer>[] | undefined;
      await work(() => (batch ??= takeBatch()));
    }
    isWorking = false;
  }

  function refusal(weight: Weight): AppError | null {
    const hasRoom =
      count() < limits.maxNotifications &&
      (count() === 0 || (alerts + weight.alerts <= limits.maxAlerts && length + weight.length <= limits.maxLength));
    if (hasRoom && waitedMs() <= limits.maxWaitMs) return null;
    return tooSlow(waitedMs());
  }

  function tooSlow(firstMs: number): AppError {
    return new AppError(
      'StoreUnavailable',
      `${count()} notifications with ${alerts} alerts wait for the database, the first for ${Math.round(firstMs)} ms`,
      { reason: 'StoreSlow', next: 'send it again later; if this stays, look at the disk of the database' },
    );
  }

  return {
    /** Why nothing more is taken now, or null. */
    refusal: () => refusal({ alerts: 1, length: 1 }),
    /**
     * Resolves or rejects as `work` settles it; rejects with StoreUnavailable where too much waits already, unless it goes on
     * with something that was taken.
     */
    submit(item: Item, weight: Weight, part: PartPlace | null = null): Promise<Answer> {
      const refused = part === 'later' ? null : refusal(weight);
      if (refused !== null) return Promise.reject(refused);
      return new Promise<Answer>((resolve, reject) => {
        waiting[part === null ? 'whole' : 'parts'].push({ item, weight, sinceMs: monotonic(), resolve, reject });
        alerts += weight.alerts;
        length += weight.length;
        if (!isWorking) void workThrough();
      });
    },
  };
}
