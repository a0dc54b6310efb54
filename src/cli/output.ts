import { AppError } from '../core/errors.ts';
import { outliveStreams, watchStreams } from './streams.ts';
import { plain, printable, printableJson, printableYaml } from '../lib/printable.ts';
import { calledAs, inWordsOf } from './called-as.ts';
import { isColourWanted } from '../lib/styled.ts';
import type { ListFormat } from './formats.ts';
import type { Pager } from './pager.ts';
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
  /** The words with which the program was called, for commands to copy; default `fist`. */
  readonly called?: string;
  /** Only results and errors are wanted: {@link tell} is silent. */
  readonly quiet?: boolean;
  /** Where `fist.yaml` is looked for; default the process's working directory. */
  readonly folder?: string;
  /** Opens the pager of the person; absent where stdout is no terminal. */
  page?(): Promise<Pager>;
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
  const script = process.env['FIST_SCRIPT'] ?? process.argv[1] ?? 'fist';
  return {
    outlive: outliveStreams,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: isColourWanted(process.stdout, process.env),
    ...(columns === undefined ? {} : { columns }),
    env: process.env,
    ...(process.stdout.isTTY ? { page: async () => (await import('./pager.ts')).openPager(process.env) } : {}),
    called: calledAs({ script, env: process.env, folder: process.cwd() }),
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

/** Tells the person beside the result, on stderr and unless `--quiet`: what else there is, and the next command. */
export function tell(terminal: Terminal, text: string): void {
  if (terminal.quiet !== true) terminal.err(`${inWordsOf(terminal.called, printable(text))}\n`);
}

/** How a read command shows its items in each format. */
export interface Listing<T> {
  readonly columns: readonly Column<T>[];
  /** `run/0199...`, for `-o name`. */
  name(item: T): string;
  /** One line for an empty list: what is missing and what to do. */
  readonly empty: string;
  /** Lines about an item that stand beneath the table. */
  details?(item: T): readonly string[];
  /** Lines beneath a table that explain what stands in it. */
  notes?(items: readonly T[]): readonly string[];
}

/** What is printed beside the items themselves. */
export interface ListStyle {
  /** What JSON, YAML and JSONPath see: the API's own object. Default `{items}`. */
  readonly document?: unknown;
  /** False: no headings. */
  readonly headings?: boolean;
  /** A table has the details of its items beneath it. */
  readonly details?: boolean;
}

/** Prints items as `format` says. */
export async function printItems<T>(
  terminal: Terminal,
  format: ListFormat,
  items: readonly T[],
  listing: Listing<T>,
  { document = { items }, headings = true, details = false }: ListStyle = {},
): Promise<void> {
  if (format.as === 'json' || format.as === 'yaml') return printObject(terminal, format.as, document);
  if (format.as === 'name') terminal.out(items.map((item) => `${listing.name(item)}\n`).join(''));
  else if (format.as === 'jsonl')
    terminal.out(items.map((item) => `${printableJson(JSON.stringify(item))}\n`).join(''));
  else if (format.as === 'template') printTemplate(terminal, format.render(document));
  else if (items.length === 0) tell(terminal, listing.empty);
  else {
    terminal.out(table(items, columnsOf(format, listing), { ...terminal, headings, roomy: format.as === 'wide' }));
    const lines = details ? items.flatMap((item) => listing.details?.(item) ?? []) : [];
    if (lines.length > 0) terminal.out(`\n${lines.map((line) => `${plain(line)}\n`).join('')}`);
    for (const note of (format.as === 'columns' ? undefined : listing.notes?.(items)) ?? []) tell(terminal, note);
  }
}

/** The columns of a table in this format. */
export function columnsOf<T>(format: ListFormat, { columns }: Listing<T>): readonly Column<T>[] {
  if (format.as === 'columns') return format.columns;
  if (format.as !== 'wide') return columns.filter(({ wide }) => wide !== true);
  return columns.map((column) => (column.whole === undefined ? column : { ...column, text: column.whole }));
}

/** As kubectl does, without a line end of its own; on a terminal the prompt begins a line all the same. */
function printTemplate(terminal: Terminal, text: string): void {
  const isOpen = terminal.columns !== undefined && text !== '' && !text.endsWith('\n');
  terminal.out(printable(text) + (isOpen ? '\n' : ''));
}

/** Prints one object; what a terminal would act on is escaped, so that it reads back the same. */
export async function printObject(terminal: Terminal, format: 'json' | 'yaml', value: unknown): Promise<void> {
  terminal.out(await objectText(format, value));
}

/** What {@link printObject} prints. */
export async function objectText(format: 'json' | 'yaml', value: unknown): Promise<string> {
  return format === 'json' ? `${printableJson(JSON.stringify(value, null, 2))}\n` : printableYaml(value);
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
  throw new AppError('InvalidInput', `-o ${text} is not one of ${accepted.join('|')}`, {
    field: '-o',
    next: `-o ${accepted[0]}`,
  });
}

/** Whether the terminal shows UTF-8: a locale that is named decides, and without one nothing speaks against it. */
export function showsUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}
