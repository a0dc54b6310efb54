import { randomBytes } from 'node:crypto';
import { oneLine, printable } from './printable.ts';

/** What text from outside stands in. */
export interface DataBlock {
  /** Where it comes from, `kubernetes_logs pod/shop/web-1` or `labels of the alert`. */
  readonly origin: string;
  /** {@link newDelimiter}, one for a conversation. */
  readonly delimiter: string;
  /** Redacted already. */
  readonly text: string;
}

/** Unguessable, so that no text from outside can hold the end of its block. */
export function newDelimiter(): string {
  return randomBytes(9).toString('base64url').replace(/[-_]/g, 'x');
}

/**
 * Text from outside, between lines that name its origin. What cannot be seen is written out, and the delimiter does not stand in
 * it: a text that learned it from an earlier block (a log that repeats what it was sent) cannot end this one.
 */
export function dataBlock({ origin, delimiter, text }: DataBlock): string {
  const shown = printable(text).replaceAll(delimiter, '[delimiter]').trimEnd();
  const from = oneLine(origin.replaceAll(delimiter, ''), 200);
  return `<<data ${delimiter} from ${from}>>\n${shown}\n<<end ${delimiter}>>`;
}
