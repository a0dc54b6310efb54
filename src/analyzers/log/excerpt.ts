import { readLine } from './lines.ts';
import { templateOf } from './template.ts';
import type { TellingLine } from './telling.ts';

/** Lines at the end of a log that stand in the evidence. */
const lastLines = 24;
/** Lines of the record that tells. */
const tellingLines = 8;
const repeatsTold = 3;

/**
 * A log as evidence: what tells first where it stands further up, then its end; lines that only repeat each other are
 * counted. A whole trace is cut to its headlines.
 */
export function logExcerpt(log: string, telling: TellingLine | null = null): string {
  const lines = log.replace(/\n$/, '').split('\n');
  if (lines.length <= lastLines + tellingLines) return lines.join('\n');
  const folded = foldRepeats(lines);
  const end = folded.slice(-lastLines);
  const told = telling === null ? [] : headlines(telling.record.lines).filter((line) => !end.includes(line));
  const skipped = folded.length - end.length - told.length;
  return [...told, ...(skipped > 0 ? [`[${skipped} other lines left out]`] : []), ...end].join('\n');
}

/** The first line of a trace, the causes in it, its last line, and the first frames. */
function headlines(lines: readonly string[]): readonly string[] {
  if (lines.length <= tellingLines) return lines;
  const causes = lines.filter(
    (line, index) => index === 0 || /Caused by:|--->|Error|Exception/.test(readLine(line).text),
  );
  return causes.length <= tellingLines ? causes : [...causes.slice(0, 2), ...causes.slice(2 - tellingLines)];
}

/** Runs of lines with the same words but other numbers: the first, how many more, and the last. */
function foldRepeats(lines: readonly string[]): readonly string[] {
  const folded: string[] = [];
  for (let index = 0; index < lines.length;) {
    const first = lines[index] ?? '';
    const template = templateOf(first);
    let next = index + 1;
    while (next < lines.length && template.trim() !== '' && templateOf(lines[next] ?? '') === template) next += 1;
    const count = next - index;
    if (count > repeatsTold) folded.push(first, `[${count - 2} lines like this]`, lines[next - 1] ?? '');
    else folded.push(...lines.slice(index, next));
    index = next;
  }
  return folded;
}
