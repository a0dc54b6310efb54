/** Keeps the turns of the event loop short, so that whoever only wants a quick answer (a health check) gets it. */
export interface Turns {
  /** Whether the work of this turn has had its time, or has gone on for a while before others that wait. */
  isOver(): boolean;
  /** Resolves in a turn whose time is not used up, in the order of the calls. */
  next(): Promise<void>;
}

/** For work beside which there is nobody. */
export const noTurns: Turns = { isOver: () => false, next: async () => undefined };

/** Who goes on may do so for so long while others wait: short work is not behind whole turns of long work. */
const mostBeforeOthersMs = 2;

/**
 * Work that shares these turns has `mostMs` of each turn; a single piece of it may take longer. `monotonic` in
 * milliseconds.
 */
export function createTurns(mostMs: number, monotonic: () => number = () => performance.now()): Turns {
  let begunMs: number | null = null;
  /** When the one that works now went on. */
  let wentOnMs = 0;
  const waiting: (() => void)[] = [];

  /** Begins the turn where none is. */
  function isUsedUp(): boolean {
    if (begunMs !== null) return monotonic() - begunMs >= mostMs;
    begunMs = wentOnMs = monotonic();
    setImmediate(() => {
      begunMs = null;
    });
    return false;
  }

  const isOver = () => isUsedUp() || (waiting.length > 0 && monotonic() - wentOnMs >= mostBeforeOthersMs);

  /** There are as many of these as wait, and what the one before them let go on has stopped meanwhile. */
  function letOneGoOn(): void {
    if (isUsedUp()) return void setImmediate(letOneGoOn);
    wentOnMs = monotonic();
    waiting.shift()?.();
  }

  return {
    isOver,
    async next() {
      if (waiting.length === 0 && !isOver()) return;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        setImmediate(letOneGoOn);
      });
    },
  };
}

/**
 * The turns of this process's one event loop: long work asks for the next one before each piece of it, and all that do share
 * the time, whoever came first. A piece takes at most some 30 ms, together with these 10 and those of the statements of
 * SQLite nothing holds the loop for more than 50.
 */
export const eventLoopTurns = createTurns(10);

/** Of bytes that are hashed or looked through, a piece: less than a millisecond. */
export const sliceBytes = 256 * 1024;

/** Bytes in pieces of {@link sliceBytes}; none where there are none. */
export function* slices(bytes: Buffer): Generator<Buffer, void, undefined> {
  for (let from = 0; from < bytes.length; from += sliceBytes) yield bytes.subarray(from, from + sliceBytes);
}

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
