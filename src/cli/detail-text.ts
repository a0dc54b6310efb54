import { wrap } from '../lib/wrap.ts';
import { inWordsOf } from './called-as.ts';
import type { Terminal } from './output.ts';
import { table } from './table.ts';
import type { Column } from './table.ts';

// What `fist describe` shows of one thing: named fields, then tables of what belongs to it.

/** How a thing is shown. */
export interface DetailView extends Pick<Terminal, 'columns' | 'colour' | 'called'> {
  /** Adds what proves the findings of a report. */
  readonly evidence: boolean;
  /** The terminal does not show UTF-8. */
  readonly ascii?: boolean;
  readonly nowMs: number;
}

/** A name and what it says; null = it says nothing. */
export type Field = readonly [name: string, text: string | null];

const nameWidth = 11;

/** One field after the other. What is wider than the terminal goes on in the next line; a command stays whole. */
export function fieldLines(fields: readonly Field[], { columns = Infinity, called }: DetailView): readonly string[] {
  return fields.flatMap(([name, text]) => {
    if (text === null) return [];
    const head = name.padEnd(nameWidth);
    return name === 'Next' ? [head + inWordsOf(called, text)] : wrap(text, columns, head, ' '.repeat(nameWidth));
  });
}

/** A table beneath its title, an empty line before it. */
export function titledTable<T>(
  title: string,
  items: readonly T[],
  columns: readonly Column<T>[],
  view: DetailView,
  none = 'none',
): readonly string[] {
  if (items.length === 0) return ['', title, `  ${none}`];
  const width = view.columns === undefined ? undefined : view.columns - indent.length;
  const lines = table(items, columns, { columns: width, colour: view.colour, roomy: true }).trimEnd().split('\n');
  return ['', title, ...lines.map((line) => indent + line)];
}

const indent = '  ';
