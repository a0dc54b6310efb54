import { isLonger } from './cut.ts';

/** What an answer may have at most, and how to ask for less. */
export interface AnswerBound {
  /** In UTF-8. */
  readonly mostBytes: number;
  /** Whether the end matters more than the beginning. */
  readonly keepEnd: boolean;
  /** Added where something is left out; empty = nothing is known to help. */
  readonly narrow: string;
}

/** Whole lines of a text as far as they fit, with a line that says what was left out and how to ask for less. */
export function boundAnswer(text: string, { mostBytes, keepEnd, narrow }: AnswerBound): string {
  if (!isLonger(text, mostBytes)) return text;
  const lines = text.split('\n');
  const bytes = Buffer.byteLength(text);
  const mark = (shown: number): string =>
    `[cut: the ${keepEnd ? 'last' : 'first'} ${shown} of ${lines.length} lines, of ${bytes} bytes in all${narrow === '' ? '' : `; ${narrow}`}]`;
  const room = mostBytes - Buffer.byteLength(mark(lines.length)) - 1;
  const kept: string[] = [];
  let size = 0;
  for (const line of keepEnd ? lines.toReversed() : lines) {
    const length = Buffer.byteLength(line) + 1;
    if (size + length > room) break;
    kept.push(line);
    size += length;
  }
  // One line alone is too long: as much of it as fits.
  if (kept.length === 0) kept.push(partOf((keepEnd ? lines.at(-1) : lines[0]) ?? '', room));
  return keepEnd ? [mark(kept.length), ...kept.toReversed()].join('\n') : [...kept, mark(kept.length)].join('\n');
}

/** The beginning, between whole characters. */
function partOf(line: string, mostBytes: number): string {
  const bytes = Buffer.from(line).subarray(0, Math.max(0, mostBytes));
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true });
}
