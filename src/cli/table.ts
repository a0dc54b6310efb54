import { styleText } from 'node:util';
import { plain } from '../lib/printable.ts';
import { cutToWidth, padToWidth, textWidth } from '../lib/text-width.ts';

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
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => padToWidth(cutToWidth(cell, widths[index] ?? 0), widths[index] ?? 0))
      .join(between)
      .trimEnd();
  const heading = line(columns.map((column) => column.heading));
  const shown = style.headings === false ? '' : `${style.colour ? bold(heading) : heading}\n`;
  return shown + rows.map((row) => `${line(row)}\n`).join('');
}

function bold(text: string): string {
  return styleText('bold', text, { validateStream: false });
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
