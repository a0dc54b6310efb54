import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tables } from './all.ts';
import type { Table } from './table.ts';

// Where a person writes a column by hand. The places are the initial schema or a migration of either database, the
// declaration in this folder, and the type of the record in core. What a statement sets, asks or returns of it is use, as
// is what intake fills in and what the API shows. A listing of columns anywhere else in the store is one place more: seven
// names of one table or more that stand in a row, each on a line of its own or all on one line.

const src = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, src), 'utf8');
const find = (pattern: string): readonly string[] => globSync(pattern, { cwd: src });

const leastNames = 7;

/** Columns of a table that the migrations of a database make. */
function columnsOfMigrations(database: string, table: string): readonly string[] {
  return find(`store/${database}/migrations/*.sql`).flatMap((file) => {
    const text = read(file);
    const created = new RegExp(`CREATE TABLE ${table} \\(\\n([\\s\\S]*?)\\n\\)`).exec(text)?.[1] ?? '';
    const added = text.matchAll(new RegExp(`ALTER TABLE ${table} ADD COLUMN (\\w+)`, 'g'));
    return [
      ...Array.from(created.matchAll(/^ {2}([a-z]\w*) /gm), ([, column = '']) => column),
      ...Array.from(added, ([, column = '']) => column),
    ];
  });
}

/** Names that are written as members of a declaration, once for each line that does so. */
function membersOf(file: string, start: RegExp): readonly string[] {
  return [...read(file).matchAll(start)].flatMap(([, body = '']) =>
    Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)\??: /gm), ([, member = '']) => member),
  );
}

/** Names of a table's columns and fields. */
function namesOf({ places }: Table): ReadonlySet<string> {
  return new Set(places.flatMap(({ column, field }) => (field === null ? [column] : [column, field])));
}

/** Each listing of names in a text, with the number of its first line. */
function listingsOf(text: string, names: ReadonlySet<string>): readonly (readonly string[])[] {
  const found: string[][] = [];
  let run: string[] = [];
  let isSet = false;
  const end = (next: string): void => {
    // What a prepared statement is given, too, is use.
    const isUse = isSet || next.trimStart().startsWith('(marker) =>');
    if (new Set(run).size >= leastNames && !isUse) found.push(run);
    run = [];
    isSet = false;
  };
  for (const line of text.split('\n')) {
    const quoted = Array.from(line.matchAll(/'(?:\w+\.)?(\w+)'/g), ([, name = '']) => name).filter((name) =>
      names.has(name),
    );
    // Of an INSERT from a query.
    const isInsert = line.includes('.columns([');
    const own = /^\s*(?:readonly |\| )?'?(?:\w+\.)?(\w+)'?\??(?:[:,]|$)/.exec(line)?.[1];
    if (quoted.length > 1 && !isInsert) {
      run.push(...quoted);
      continue;
    }
    if (own !== undefined && names.has(own)) {
      run.push(own);
      continue;
    }
    end(line);
    isSet = line.trimEnd().endsWith('.set({');
  }
  end('');
  return found;
}

const storeFiles = find('store/**/*.ts').filter(
  (file) => !file.endsWith('.test.ts') && !file.startsWith('store/tables/'),
);

test('every column of alerts is written by hand in four places', () => {
  const listed = storeFiles.flatMap((file) => listingsOf(read(file), namesOf(tables.alerts))).flat();
  const core = membersOf(
    'core/alert.ts',
    /export interface (?:AlertState|StoredAlert|AlertContent|AlertRecord)\b.*\{\n([\s\S]*?)\n\}/g,
  );
  const declared = membersOf('store/tables/alerts.ts', /export const alerts = table\(.*\n([\s\S]*?)\n\}\)/g);
  const made = ['sqlite', 'postgres'].flatMap((database) => columnsOfMigrations(database, 'alerts'));
  const places = tables.alerts.places.map(({ column, field }) => {
    const count = (names: readonly string[], ...wanted: readonly (string | null)[]) =>
      names.filter((name) => wanted.includes(name)).length;
    const parts = {
      migrations: count(made, column),
      declaration: count(declared, column),
      // The id is in two parts of the record; each makes sense alone.
      record: Math.min(1, count(core, field)),
      elsewhere: count(listed, column, field),
    };
    return { column, ...parts };
  });
  expect(places).toEqual(
    tables.alerts.places.map(({ column }) => ({ column, migrations: 2, declaration: 1, record: 1, elsewhere: 0 })),
  );
});

test.each(Object.entries<Table>(tables))('no file of the store lists the columns of %s', (_name, table) => {
  const listings = storeFiles.flatMap((file) =>
    listingsOf(read(file), namesOf(table)).map((names) => `${file}: ${names.join(' ')}`),
  );
  expect(listings).toEqual([]);
});

test.each([
  ["  'id',\n  'status',\n  'episode',\n  'severity',\n  'labels',\n  'summary',\n  'name',\n", 1],
  ["['id', 'status', 'episode', 'severity', 'labels', 'summary', 'name']", 1],
  ['const a = {\n  id: row.id,\n  status: row.status,\n  episode,\n  severity,\n  labels,\n  summary,\n  name,\n};', 1],
  ["  'id',\n  'status',\n  'episode',\n  other();\n  'severity',\n  'labels',\n  'summary',\n  'name',\n", 0],
  ['.set({\n  id: 1,\n  status: 1,\n  episode: 1,\n  severity: 1,\n  labels: 1,\n  summary: 1,\n  name: 1,\n})', 0],
])('finds a listing in %j', (text, count) => {
  expect(listingsOf(text, namesOf(tables.alerts))).toHaveLength(count);
});
