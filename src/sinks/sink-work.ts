/** What this process does for each Sink, by its name. */
export interface SinkWork {
  /** How many of its deliveries are being sent. */
  sending(sink: string): number;
  /** Counts as being sent until the work has ended. */
  send<T>(sink: string, work: () => Promise<T>): Promise<T>;
  /**
   * One at a time for each Sink, because two transactions on one Sink would only wait for each other, each with a connection
   * of the store that others need. Ends go before claims: they make room.
   */
  inTurn<T>(sink: string, what: 'claim' | 'end', work: () => Promise<T>): Promise<T>;
}

interface Turns {
  sending: number;
  isBusy: boolean;
  readonly ends: (() => void)[];
  readonly claims: (() => void)[];
}

export function createSinkWork(): SinkWork {
  const sinks = new Map<string, Turns>();

  function turnsOf(sink: string): Turns {
    const known = sinks.get(sink);
    if (known !== undefined) return known;
    const made: Turns = { sending: 0, isBusy: false, ends: [], claims: [] };
    sinks.set(sink, made);
    return made;
  }

  function leave(sink: string, turns: Turns): void {
    const next = turns.ends.shift() ?? turns.claims.shift();
    if (next !== undefined) return next();
    turns.isBusy = false;
    forgetIdle(sink, turns);
  }

  function forgetIdle(sink: string, { sending, isBusy }: Turns): void {
    if (sending === 0 && !isBusy) sinks.delete(sink);
  }

  return {
    sending: (sink) => sinks.get(sink)?.sending ?? 0,
    async send(sink, work) {
      const turns = turnsOf(sink);
      turns.sending += 1;
      try {
        return await work();
      } finally {
        turns.sending -= 1;
        forgetIdle(sink, turns);
      }
    },
    async inTurn(sink, what, work) {
      const turns = turnsOf(sink);
      if (turns.isBusy)
        await new Promise<void>((resolve) => (what === 'end' ? turns.ends : turns.claims).push(resolve));
      turns.isBusy = true;
      try {
        return await work();
      } finally {
        leave(sink, turns);
      }
    },
  };
}
