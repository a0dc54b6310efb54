import type { AgentResult } from '../../src/core/finding.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { renderText } from '../../src/report/text.ts';

/** What reports have to be, whatever was found. */
export interface ReportCheck {
  add(name: string, report: AgentResult): void;
  /** What is wrong with those that were added. */
  readonly problems: readonly string[];
  /** Lines of their texts in 80 columns. */
  lines(): { readonly median: number; readonly p95: number; readonly most: number; readonly longest: string };
}

/** A run's id is part of what a Sink prints. */
const run = { id: '0193a7b2-8c11-7000-8000-5f2d1c3b4a59', url: null };

export function createReportCheck(): ReportCheck {
  const problems: string[] = [];
  const lengths: { readonly name: string; readonly lines: number }[] = [];
  return {
    problems,
    add(name, report) {
      const text = renderText(report, { now: report.observed_at ?? '2026-01-01T00:00:00.000Z', run });
      lengths.push({ name, lines: text.trimEnd().split('\n').length });
      const found = [
        ...headProblems(text),
        ...widthProblems(text),
        ...duplicates(text).map((sentence) => `the text says twice: ${sentence}`),
        ...duplicates(claimsOf(report.report)).map((sentence) => `the Markdown says twice: ${sentence}`),
        ...schemaProblems(report),
      ];
      problems.push(...found.map((problem) => `${name}: ${problem}`));
    },
    lines() {
      const sorted = lengths.toSorted((one, other) => one.lines - other.lines);
      const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)]?.lines ?? 0;
      return { median: at(0.5), p95: at(0.95), most: at(1), longest: sorted.at(-1)?.name ?? '' };
    },
  };
}

function headProblems(text: string): readonly string[] {
  const [first = ''] = text.split('\n');
  return /^(?:FIRING|RESOLVED) (?:critical|warning|info) \S+/.test(first) ? [] : [`the first line is ${first}`];
}

/** Commands and addresses stay whole. */
const whole = /^(?: {2}\d\. | {5}Undo: |Run: |Runbook: |Query: |Silence: )|^\s*\S+$/;

function widthProblems(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.length > 80 && !whole.test(line))
    .map((line) => `wider than 80 columns: ${line}`);
}

/** Without the evidence, in which the same line may stand as often as it was read. */
function claimsOf(markdown: string): string {
  return markdown.split('\n## Investigation Steps')[0] ?? '';
}

/** Sentences, and lines, of some length that stand in a text more than once. */
function duplicates(text: string): readonly string[] {
  const blocks = text
    .split(/\n(?=\n|#|- |\d+\. | {2}\d\. | {2}-> |[A-Z][\w ]+:)/)
    .map((block) => block.replace(/\s+/g, ' ').trim());
  const sentences = blocks
    .flatMap((block) => block.split(/(?<=[.!?]["')]?) (?=[A-Z"(])/))
    .filter(({ length }) => length >= 40);
  return sentences.filter((sentence, index) => sentences.indexOf(sentence) !== index);
}

function schemaProblems(report: AgentResult): readonly string[] {
  const checked = reportSchema.safeParse(report);
  if (!checked.success) return [checked.error.message];
  // What the schema does not name is not in what it read.
  const unnamed =
    JSON.stringify(ordered(checked.data)) === JSON.stringify(ordered(report))
      ? []
      : ['has a field that the schema does not name'];
  return unnamed;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, item]) => [name, ordered(item)]),
  );
}
