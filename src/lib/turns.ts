/** Keeps the turns of the event loop short, so that whoever only wants a quick answer (a health check) gets it. */
export interface Turns {
  /** Whether the work of this turn has had its time. */
  isOver(): boolean;
  /** Resolves in a turn whose time is not used up, in the order of the calls. */
  next(): Promise<void>;
}

/** For work beside which there is nobody. */
export const noTurns: Turns = { isOver: () => false, next: async () => undefined };

/**
 * Work that shares these turns has `mostMs` of each turn; a single piece of it may take longer. `monotonic` in
 * milliseconds.
 */
export function createTurns(mostMs: number, monotonic: () => number = () => performance.now()): Turns {
  let begunMs: number | null = null;

  function isOver(): boolean {
    if (begunMs !== null) return monotonic() - begunMs >= mostMs;
    begunMs = monotonic();
    setImmediate(() => {
      begunMs = null;
    });
    return false;
  }

  return {
    isOver,
    async next() {
      while (isOver()) await new Promise<void>((resolve) => setImmediate(resolve));
    },
  };
}

/**
 * The turns of this process's one event loop: long work asks for the next one before each piece of it, and all that do share
 * the time. A piece takes at most some 40 ms; together with these 10 nothing holds the loop for more than 50.
 */
export const eventLoopTurns = createTurns(10);

/** Long work in pieces: it may be left and gone on with at each `yield`. */
export type Pieces<Result> = Generator<undefined, Result, undefined>;

/** Does all of it at once, for a program that serves nobody. */
export function finish<Result>(work: Pieces<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}

/** Gives others their turn between the pieces. */
export async function finishInTurns<Result>(work: Pieces<Result>, turns: Turns = eventLoopTurns): Promise<Result> {
  for (;;) {
    if (turns.isOver()) await turns.next();
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
