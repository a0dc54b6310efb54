import { AppError } from '../core/errors.ts';
import { outliveStreams, watchStreams } from './streams.ts';
import { printableJson, printableYaml } from '../lib/printable.ts';
import { textWidth } from '../lib/text-width.ts';
import { table } from './table.ts';
import type { Column } from './table.ts';

/** Where a command writes: results to `out`, everything else to `err`. Tests give their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether colours and updating lines are wanted on stdout. */
  readonly colour: boolean;
  /** How wide stdout is; absent where it is no terminal: then nothing is cut or wrapped to fit. */
  readonly columns?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * For a server: from now on a closed stream ends nothing. Returns how to write to stdout and hear whether it worked.
   * Absent where the streams are not the process's own.
   */
  outlive?(): (text: string) => Promise<void>;
}

/** The process's own streams. A command ends where nobody reads its stdout any more. */
export function processTerminal(): Terminal {
  watchStreams();
  const columns = widthOf(process.stdout, process.env);
  return {
    outlive: outliveStreams,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    ...(columns === undefined ? {} : { columns }),
    env: process.env,
  };
}

/** `COLUMNS` says it where stdout is no terminal, or another one than it says. */
function widthOf(
  { columns }: { readonly columns?: number },
  { COLUMNS }: Readonly<Record<string, string | undefined>>,
): number | undefined {
  const given = Number(COLUMNS);
  return Number.isInteger(given) && given >= leastColumns ? given : columns;
}

/** Narrower ones are taken for a mistake. */
const leastColumns = 20;

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** How a read command shows its items in each format. */
export interface Listing<T> {
  readonly columns: readonly Column<T>[];
  /** `run/0199...`, for `-o name`. */
  name(item: T): string;
  /** One line for an empty list: what is missing and what to do. */
  readonly empty: string;
}

/** Prints items as `format` says. JSON and YAML are the API's own objects. */
export async function printItems<T>(
  terminal: Terminal,
  format: OutputFormat,
  items: readonly T[],
  listing: Listing<T>,
): Promise<void> {
  if (format === 'json' || format === 'yaml') await printObject(terminal, format, { items });
  else if (format === 'name') terminal.out(items.map((item) => `${listing.name(item)}\n`).join(''));
  else if (items.length === 0) terminal.err(`${listing.empty}\n`);
  else
    terminal.out(
      table(
        items,
        listing.columns.filter((column) => format === 'wide' || column.wide !== true),
        terminal,
      ),
    );
}

/** Prints one object; what a terminal would act on is escaped, so that it reads back the same. */
export async function printObject(terminal: Terminal, format: 'json' | 'yaml', value: unknown): Promise<void> {
  terminal.out(format === 'json' ? `${printableJson(JSON.stringify(value, null, 2))}\n` : await printableYaml(value));
}

/** Breaks a line at spaces, so that no piece but a single long word is wider than `columns`. */
export function wrap(line: string, columns: number): readonly string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const word of line.split(/(?<=\S) (?=\S)/)) {
    if (piece !== '' && textWidth(piece) + 1 + textWidth(word) > columns) {
      pieces.push(piece);
      piece = word;
    } else piece = piece === '' ? word : `${piece} ${word}`;
  }
  return [...pieces, piece];
}

/** `12s`, `5m`, `3h`, `2d`: the time since, for people. */
export function age(timestamp: string | null | undefined, nowMs: number): string {
  if (timestamp == null) return '-';
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(timestamp)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** Reads `-o`; throws InvalidInput with the accepted words. */
export function outputFormat<F extends string>(text: string, accepted: readonly F[]): F {
  const found = accepted.find((format) => format === text);
  if (found !== undefined) return found;
  throw new AppError('InvalidInput', `-o ${text} is not one of ${accepted.join('|')}`);
}
