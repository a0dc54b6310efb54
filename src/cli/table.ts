import { plain } from '../lib/printable.ts';
import { cutMiddle, cutToWidth, textWidth } from '../lib/text-width.ts';
import { styled } from '../lib/styled.ts';
import type { Style } from '../lib/styled.ts';

/** A column of a table. */
export interface Column<T> {
  readonly heading: string;
  /** `items` are those that are shown with it. */
  text(item: T, items: readonly T[]): string;
  /** Only `-o wide` shows it. */
  readonly wide?: boolean;
  /** What `-o wide` shows in its place. */
  readonly whole?: (item: T) => string;
  /**
   * Its text may be cut where the table is wider than the terminal; it keeps at least so many columns as long as another one
   * can give more. Others are shown whole.
   */
  readonly cut?: number;
  /** Where it is cut, the end of its text stays: it is the middle that goes. */
  readonly keepsEnd?: boolean;
  /** Its text is cut only after the others that may be cut have no more to give. */
  readonly givesLast?: boolean;
  /** Its text changes by itself, as an age does: a change of it alone is none. */
  readonly ticks?: boolean;
  /** Colour of its text, where colours are wanted; what it means is in the text too. */
  style?(item: T): Style | undefined;
}

/** How a table is shown. */
interface TableStyle {
  /** Columns of the terminal; absent = nothing is cut to fit. */
  readonly columns?: number | undefined;
  readonly colour: boolean;
  /** Rather too wide than with less of a text than its column keeps. */
  readonly roomy?: boolean;
  readonly headings?: boolean;
}

const between = '  ';
const widestCell = 200;
const leastWidth = 4;
const usualTerminal = 80;

/** A table in aligned columns, each line ended. */
export function table<T>(items: readonly T[], columns: readonly Column<T>[], style: TableStyle): string {
  return growingTable(columns, style)(items);
}

/** A table to which rows are added: the first ones decide how wide its columns are, and have the headings above them. */
export function growingTable<T>(columns: readonly Column<T>[], style: TableStyle): (items: readonly T[]) => string {
  let widths: readonly number[] | undefined;
  return (items) => {
    // A sender may choose a name of megabytes; `-o json` shows it whole.
    const rows = items.map((item) =>
      columns.map((column) => cutToWidth(plain(column.text(item, items).slice(0, widestCell * 4)), widestCell)),
    );
    const ends = columns.map(({ keepsEnd }) => keepsEnd === true);
    const isFirst = widths === undefined;
    widths ??= widthsOf(rows, columns, style);
    const lines = rows.map((row, index) => {
      const styles = style.colour ? columns.map((column) => column.style?.(items[index] as T)) : [];
      return lineOf(row, widths ?? [], style, { styles, ends });
    });
    if (!isFirst || style.headings === false) return lines.join('');
    const headings = columns.map(({ heading }) => heading);
    const line = lineOf(headings, widths, style).trimEnd();
    return [style.colour ? styled('bold', line) : line, '\n', ...lines].join('');
  };
}

function widthsOf<T>(
  rows: readonly (readonly string[])[],
  columns: readonly Column<T>[],
  { columns: terminal, roomy = false }: TableStyle,
): readonly number[] {
  const natural = columns.map(({ heading }, index) =>
    Math.max(textWidth(heading), ...rows.map((row) => textWidth(row[index] ?? ''))),
  );
  return terminal === undefined ? natural : fitted(natural, columns, terminal, roomy);
}

/** By column. */
interface CellStyles {
  readonly styles?: readonly (Style | undefined)[];
  readonly ends?: readonly boolean[];
}

function lineOf(
  cells: readonly string[],
  widths: readonly number[],
  { columns: terminal }: TableStyle,
  { styles = [], ends = [] }: CellStyles = {},
): string {
  const line = cells
    .map((cell, index) => {
      const [width, style] = [widths[index] ?? 0, styles[index]];
      const shown = terminal === undefined ? cell : (ends[index] === true ? cutMiddle : cutToWidth)(cell, width);
      const padding = index === cells.length - 1 ? '' : ' '.repeat(Math.max(0, width - textWidth(shown)));
      return (style === undefined ? shown : styled(style, shown)) + padding;
    })
    .join(between)
    .trimEnd();
  return `${line}\n`;
}

/** The widths with which the table is not wider than the terminal, if that can be had from columns that may be cut. */
function fitted<T>(
  natural: readonly number[],
  columns: readonly Column<T>[],
  terminal: number,
  roomy: boolean,
): readonly number[] {
  const widths = [...natural];
  const most = terminal - between.length * (columns.length - 1);
  const keeps = (column: Column<T>) => column.cut ?? leastWidth;
  // What a column keeps is meant for a usual terminal; where there is more, it keeps more beside one that gives last.
  const share = Math.max(1, terminal / usualTerminal);
  const keepsLast = (column: Column<T>) => (column.givesLast === true ? widestCell : Math.floor(keeps(column) * share));
  for (const least of roomy ? [keepsLast, keeps] : [keepsLast, keeps, () => leastWidth]) {
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
