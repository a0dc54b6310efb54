/** How far a log was read: the time of the last line that was passed on, and how many lines of that time were. */
export interface LogPosition {
  /** As the kubelet writes it, RFC 3339 with nanoseconds; empty = nothing was read. */
  readonly at: string;
  readonly lines: number;
}

export const logStart: LogPosition = { at: '', lines: 0 };

export interface LogStream {
  /** Takes what has come. Waits for whoever is written to. */
  add(piece: Uint8Array): Promise<void>;
  /** The log has ended: its last line may have no end. */
  finish(): Promise<void>;
  position(): LogPosition;
}

const newline = 10;
const space = 32;
/** A longer line is passed on in parts. */
const longestLine = 64 * 1024;

/**
 * Takes the times (`timestamps=true`) off the lines of a log, and leaves out what was read before: `sinceTime` has whole seconds, so
 * the kubelet begins earlier than it was asked. A line is passed on when it has come whole, so that none is there twice after a
 * connection that broke; but for very long ones.
 */
export function createLogStream(from: LogPosition, write: (bytes: Uint8Array) => Promise<void>): LogStream {
  let { at, lines } = from;
  const fromKey = timeKey(from.at);
  /** Lines of the time `from.at` that were read before. */
  let known = from.lines;
  let held: Uint8Array[] = [];
  let size = 0;
  /** Of a line of which a part was passed on: whether the rest is. null = a new line. */
  let isKept: boolean | null = null;

  /** Reads the time of a line; answers what is to be passed on. */
  function begin(line: Uint8Array): Uint8Array {
    const end = line.indexOf(space);
    const time = end < 0 ? '' : Buffer.from(line.subarray(0, end)).toString('latin1');
    const key = timeKey(time);
    isKept = key > fromKey || (key === fromKey && known <= 0);
    if (key === fromKey) known -= 1;
    if (isKept) {
      lines = time === at ? lines + 1 : 1;
      at = time;
    }
    return end < 0 ? line : line.subarray(end + 1);
  }

  async function pass(isWhole: boolean): Promise<void> {
    const line = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
    held = [];
    size = 0;
    const rest = isKept === null ? begin(line) : line;
    if (isKept === true && rest.length > 0) await write(rest);
    if (isWhole) isKept = null;
  }

  return {
    position: () => ({ at, lines }),
    async add(piece) {
      let from = 0;
      for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
        held.push(piece.subarray(from, end + 1));
        from = end + 1;
        await pass(true);
      }
      if (from === piece.length) return;
      held.push(piece.subarray(from));
      size += piece.length - from;
      if (size > longestLine) await pass(false);
    },
    async finish() {
      if (size > 0) await pass(true);
    },
  };
}

/** Times in the order of their texts, whatever their zones and however many digits. */
function timeKey(time: string): string {
  const [, second = '', digits = '', zone = ''] = /^([^.+Z]*)(?:\.(\d+))?(.*)$/.exec(time) ?? [];
  const milliseconds = Date.parse(`${second}${zone}`);
  return Number.isNaN(milliseconds) ? '' : `${String(milliseconds).padStart(16, '0')}.${digits.padEnd(9, '0')}`;
}
