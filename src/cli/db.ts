import {
  checkDatabase,
  exportDatabase,
  importDatabase,
  migrateDatabase,
  readDatabaseStatus,
  readTableSizes,
} from '../app/database.ts';
import type { DatabaseStatus } from '../app/database.ts';
import { describeDatabase, readDatabase } from '../app/store.ts';
import { answerIsNo } from './failure.ts';
import { plain } from '../lib/printable.ts';
import { outputFormat, printItems, printObject, tell } from './output.ts';
import { sizeText } from './size-text.ts';
import type { Listing, Terminal } from './output.ts';

interface DatabaseFlags {
  readonly db?: string;
}

interface OutputFlags extends DatabaseFlags {
  readonly output: string;
}

/** `fist db status`. */
export async function status(terminal: Terminal, flags: OutputFlags): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const found = await readDatabaseStatus(readDatabase(flags.db, terminal.env));
  if (format !== 'text') await printObject(terminal, format, found);
  else
    terminal.out(
      statusLines(found)
        .map(([name, value]) => `${name.padEnd(11)} ${plain(value)}\n`)
        .join(''),
    );
  if (found.schemaVersion < found.knownVersion) tell(terminal, 'next: fist db migrate');
  return 0;
}

function statusLines(found: DatabaseStatus): readonly (readonly [string, string])[] {
  const { rows } = found;
  const writer = found.writtenBy === null ? '' : `, written by fist ${found.writtenBy}`;
  return [
    ['database', `${found.database} (${found.kind})`],
    ['schema', `${found.schemaVersion}${writer}; this fist knows ${found.knownVersion}`],
    ['server', serverText(found)],
    ['size', sizeText(found.bytes)],
    ...(rows === null
      ? []
      : ([
          ['alerts', `${rows.alerts} (${rows.openAlerts} open)`],
          ['runs', `${rows.runs} (${rows.unfinishedRuns} unfinished)`],
          ['deliveries', `${rows.deliveries} (${rows.pendingDeliveries} pending)`],
        ] as const)),
  ];
}

function serverText({ kind, connections }: DatabaseStatus): string {
  if (connections === 0) return 'none has it open';
  return kind === 'SQLite' ? 'one has it open' : `${connections} connections of servers`;
}

/** `fist db migrate`. */
export async function migrate(terminal: Terminal, flags: DatabaseFlags): Promise<number> {
  const database = readDatabase(flags.db, terminal.env);
  const { from, to, copy } = await migrateDatabase(database);
  const name = describeDatabase(database);
  terminal.out(
    from === to
      ? `${name} has schema version ${to}; nothing to do\n`
      : `${name} was migrated from schema version ${from} to ${to}\n`,
  );
  if (copy !== null) tell(terminal, `as it was before: ${copy}`);
  return 0;
}

/** `fist db check`: 1 where anything is wrong. */
export async function check(terminal: Terminal, flags: OutputFlags): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const database = readDatabase(flags.db, terminal.env);
  const found = await checkDatabase(database);
  const isWell = found.damage.length === 0 && found.inconsistencies.length === 0;
  if (format !== 'text') await printObject(terminal, format, found);
  else if (isWell) terminal.out(`${describeDatabase(database)}: no damage, and no rows that contradict each other\n`);
  else {
    for (const text of found.damage) terminal.out(`damaged: ${plain(text)}\n`);
    for (const { problem, count, examples, next } of found.inconsistencies)
      terminal.out(`${count} ${problem}: ${plain(examples.join(', '))}\n  next: ${next}\n`);
  }
  if (found.damage.length > 0)
    tell(terminal, 'next: stop the server and keep the files as they are; then "Restore" in docs/guide/operate.md');
  return isWell ? 0 : answerIsNo;
}

const sizeListing: Listing<{ readonly table: string; readonly rows: number; readonly bytes: number }> = {
  columns: [
    { heading: 'TABLE', text: ({ table }) => table },
    { heading: 'ROWS', text: ({ rows }) => String(rows) },
    { heading: 'SIZE', text: ({ bytes }) => sizeText(bytes) },
  ],
  name: ({ table }) => table,
  empty: 'there are no tables',
};

/** `fist db size`. */
export async function size(terminal: Terminal, flags: OutputFlags): Promise<number> {
  const format = outputFormat(flags.output, ['table', 'json', 'yaml', 'name']);
  await printItems(terminal, { as: format }, await readTableSizes(readDatabase(flags.db, terminal.env)), sizeListing);
  return 0;
}

/** `fist db export [FILE]`. */
export async function exportTo(terminal: Terminal, flags: DatabaseFlags, file?: string): Promise<number> {
  const target = file === undefined || file === '-' ? process.stdout : file;
  const database = readDatabase(flags.db, terminal.env);
  const { rows, digest } = await exportDatabase(database, target, new Date().toISOString());
  tell(terminal, `exported ${sum(rows)} rows of ${describeDatabase(database)}, digest ${digest}`);
  return 0;
}

/** `fist db import [FILE]`. */
export async function importFrom(terminal: Terminal, flags: DatabaseFlags, file?: string): Promise<number> {
  const source = file === undefined || file === '-' ? process.stdin : file;
  const database = readDatabase(flags.db, terminal.env);
  const { rows, digest, written, deleted, unchanged, resumedAfter } = await importDatabase(database, source);
  if (resumedAfter > 0) tell(terminal, `went on after ${resumedAfter} lines that were in already`);
  terminal.out(
    `${describeDatabase(database)} holds ${sum(rows)} rows now (${written} written, ${deleted} deleted, ${unchanged} were the same), digest ${digest}\n`,
  );
  return 0;
}

function sum(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((total, count) => total + count, 0);
}
