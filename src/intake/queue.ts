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
 * Bounds of one batch, so that no answer waits for a long one. A larger notification comes in parts; one with a longer body
 * goes alone.
 */
const mostOfBatch = { notifications: 256, alerts: 500, length: 2 * 1024 * 1024 } as const;

/** A batch waits so long for more at most, as long as each turn of the event loop brings some. Milliseconds. */
const longestGathering = 3;

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
 * transaction begins.
 */
export function createIntakeQueue<Item, Answer>({ limits, monotonic, work }: QueueOptions<Item, Answer>) {
  let waiting: Waiting<Item, Answer>[] = [];
  let alerts = 0;
  let length = 0;
  let isWorking = false;

  /** What its sender no longer waits for is not done; an answer 503 then means that nothing was stored. */
  function refuseLate(): void {
    const nowMs = monotonic();
    for (let first = waiting[0]; first !== undefined && nowMs - first.sinceMs > limits.maxWaitMs; first = waiting[0]) {
      first.reject(tooSlow(nowMs - first.sinceMs));
      waiting.shift();
      alerts -= first.weight.alerts;
      length -= first.weight.length;
    }
  }

  function takeBatch(): readonly Waiting<Item, Answer>[] {
    refuseLate();
    const held = { notifications: 0, alerts: 0, length: 0 };
    for (const { weight } of waiting) {
      const isFull =
        held.notifications === mostOfBatch.notifications ||
        held.alerts + weight.alerts > mostOfBatch.alerts ||
        held.length + weight.length > mostOfBatch.length;
      if (isFull && held.notifications > 0) break;
      held.notifications += 1;
      held.alerts += weight.alerts;
      held.length += weight.length;
    }
    const batch = waiting.slice(0, held.notifications);
    waiting = waiting.slice(held.notifications);
    alerts -= held.alerts;
    length -= held.length;
    return batch;
  }

  /** Callers that are being read already share the commit: it costs about the same for two as for twenty. */
  async function gather(): Promise<void> {
    const untilMs = monotonic() + longestGathering;
    for (let before = 0; before < waiting.length && monotonic() <= untilMs;) {
      before = waiting.length;
      if (before >= mostOfBatch.notifications) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function workThrough(): Promise<void> {
    isWorking = true;
    while (waiting.length > 0) {
      await gather();
      let batch: readonly Waiting<Item, Answer>[] | undefined;
      await work(() => (batch ??= takeBatch()));
    }
    isWorking = false;
  }

  function refusal(weight: Weight): AppError | null {
    const waitedMs = waiting[0] === undefined ? 0 : monotonic() - waiting[0].sinceMs;
    const hasRoom =
      waiting.length < limits.maxNotifications &&
      (waiting.length === 0 ||
        (alerts + weight.alerts <= limits.maxAlerts && length + weight.length <= limits.maxLength));
    if (hasRoom && waitedMs <= limits.maxWaitMs) return null;
    return tooSlow(waitedMs);
  }

  function tooSlow(waitedMs: number): AppError {
    return new AppError(
      'StoreUnavailable',
      `${waiting.length} notifications with ${alerts} alerts wait for the database, the first for ${Math.round(waitedMs)} ms`,
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
    submit(item: Item, weight: Weight, goesOn = false): Promise<Answer> {
      const refused = goesOn ? null : refusal(weight);
      if (refused !== null) return Promise.reject(refused);
      return new Promise<Answer>((resolve, reject) => {
        waiting.push({ item, weight, sinceMs: monotonic(), resolve, reject });
        alerts += weight.alerts;
        length += weight.length;
        if (!isWorking) void workThrough();
      });
    },
  };
}
