import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Lets a reader keep up with what is printed. */
export interface Pace {
  /** Waits as long as it takes to read the text; not any more once Enter was pressed, until the next `stop`. */
  read(text: string): Promise<void>;
  /** Waits for Enter, but not for longer than this. */
  stop(mostMs: number): Promise<void>;
  /** Lets go of the keyboard. */
  close(): void;
}

/** Nobody waits. */
export const noPace: Pace = { read: async () => undefined, stop: async () => undefined, close: () => undefined };

/** 240 words a minute, as people read a text that is new to them. */
const wordMs = 250;
const leastMs = 300;
const mostMs = 6000;

/** How long it takes to read a text. */
export function readingTimeMs(text: string): number {
  const words = text.match(/\S+/g)?.length ?? 0;
  return words === 0 ? 0 : Math.min(mostMs, Math.max(leastMs, words * wordMs));
}

/** A pace of which Enter on `input` is the end; so is the signal. */
export function createPace(input: Readable, signal: AbortSignal, wait = sleep): Pace {
  let enter = new AbortController();
  const press = () => enter.abort();
  input.on('data', press);
  // A reader that is gone presses no key: then it is as without one.
  input.on('end', press);

  async function pause(milliseconds: number): Promise<void> {
    if (milliseconds === 0 || enter.signal.aborted || signal.aborted) return;
    try {
      await wait(milliseconds, undefined, { signal: AbortSignal.any([enter.signal, signal]) });
    } catch {
      // Enter, or the end of it all.
    }
  }

  return {
    read: (text) => pause(readingTimeMs(text)),
    async stop(longestMs) {
      enter = new AbortController();
      await pause(longestMs);
      enter = new AbortController();
    },
    close() {
      input.off('data', press);
      input.off('end', press);
      input.pause();
    },
  };
}
