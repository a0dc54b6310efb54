import { oneLine } from '../lib/printable.ts';
import { isQuotable } from './quote.ts';

const fatal =
  /\b(?:fatal|panic|critical|emerg|uncaught|unhandled|segmentation fault|OutOfMemoryError)|(?:Error|Exception): /i;
const bad =
  /\b(?:error|err|exception|failed|failure|cannot|could not|unable|refused|denied|timed? ?out|not found|missing)\b/i;

const longestLine = 8000;

/**
 * The line that says best why a program ended: the last fatal one, else the last that speaks of an error; null where
 * there is none. On one line, without its time, at most 200 characters.
 */
export function tellingLine(log: string): { readonly text: string; readonly fatal: boolean } | null {
  const lines = log.split('\n');
  for (const [pattern, isFatal] of [
    [fatal, true],
    [bad, false],
  ] as const) {
    const found = lines.findLast((line) => line.length <= longestLine && pattern.test(line) && isQuotable(line));
    if (found !== undefined) return { text: oneLine(withoutTime(found), 200), fatal: isFatal };
  }
  return null;
}

function withoutTime(line: string): string {
  return line.replace(/^\s*\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?\s*/, '');
}

/** Lines of the evidence: all of a short log, else the error lines of its earlier part and its end. */
export function logExcerpt(log: string, maxLines = 36): string {
  const lines = log.replace(/\n$/, '').split('\n');
  if (lines.length <= maxLines) return lines.join('\n');
  const end = lines.slice(-(maxLines - 12));
  const earlier = lines
    .slice(0, -(maxLines - 12))
    .filter((line) => fatal.test(line) || bad.test(line))
    .slice(-10);
  const skipped = lines.length - end.length - earlier.length;
  return [...earlier, `[${skipped} other lines left out]`, ...end].join('\n');
}
