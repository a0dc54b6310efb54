import { plain } from '../lib/printable.ts';
import { cutToWidth, textWidth } from '../lib/text-width.ts';
import { styled } from './colour.ts';
import type { Style } from './colour.ts';

/** A column of a table. */
export interface Column<T> {
  readonly heading: string;
  text(item: T): string;
  /** Only `-o wide` shows it. */
  readonly wide?: boolean;
  /**
   * Its text may be cut where the table is wider than the terminal; it keeps at least so many columns as long as another one
   * can give more. Others are shown whole.
   */
  readonly cut?: number;
  /** Colour of its text, where colours are wanted; what it means is in the text too. */
  style?(item: T): Style | undefined;
}

/** How a table is shown. */
export interface TableStyle {
  /** Columns of the terminal; absent = nothing is cut to fit. */
  readonly columns?: number | undefined;
  readonly colour: boolean;
  readonly headings?: boolean;
}

const between = '  ';
const widestCell = 200;
const leastWidth = 4;

/** A table in aligned columns, each line ended. */
export function table<T>(items: readonly T[], columns: readonly Column<T>[], style: TableStyle): string {
  // A sender may choose a name of megabytes; `-o json` shows it whole.
  const rows = items.map((item) =>
    columns.map((column) => cutToWidth(plain(column.text(item).slice(0, widestCell * 4)), widestCell)),
  );
  const natural = columns.map(({ heading }, index) =>
    Math.max(textWidth(heading), ...rows.map((row) => textWidth(row[index] ?? ''))),
  );
  const widths = style.columns === undefined ? natural : fitted(natural, columns, style.columns);
  const line = (cells: readonly string[], styles: readonly (Style | undefined)[] = []) =>
    cells
      .map((cell, index) => {
        const [width, style] = [widths[index] ?? 0, styles[index]];
        const shown = cutToWidth(cell, width);
        const padding = index === cells.length - 1 ? '' : ' '.repeat(Math.max(0, width - textWidth(shown)));
        return (style === undefined ? shown : styled(style, shown)) + padding;
      })
      .join(between)
      .trimEnd();
  const stylesOf = (item: T) => (style.colour ? columns.map((column) => column.style?.(item)) : []);
  const heading = line(columns.map((column) => column.heading));
  const shown = style.headings === false ? '' : `${style.colour ? styled('bold', heading) : heading}\n`;
  return shown + rows.map((row, index) => `${line(row, stylesOf(items[index] as T))}\n`).join('');
}

/** The widths with which the table is not wider than the terminal, if that can be had from columns that may be cut. */
function fitted<T>(natural: readonly number[], columns: readonly Column<T>[], terminal: number): readonly number[] {
  const widths = [...natural];
  const most = terminal - between.length * (columns.length - 1);
  for (const least of [(column: Column<T>) => column.cut ?? leastWidth, () => leastWidth]) {
    for (;;) {
      const over = widths.reduce((sum, width) => sum + width, 0) - most;
      if (over <= 0) return widths;
      const givers = [...columns.keys()].filter((index) => {
        const column = columns[index];
        return column?.cut !== undefined && (widths[index] ?? 0) > least(column);
      });
      const widest = givers.reduce<number | undefined>(
        (best, index) => (best === undefined || (widths[index] ?? 0) > (widths[best] ?? 0) ? index : best),
        undefined,
      );
      if (widest === undefined) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  }
  return widths;
}
