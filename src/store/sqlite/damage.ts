import type { DatabaseSync } from 'node:sqlite';
import { damagedFile, isDamage } from './errors.ts';

/** Up to this size a start reads every page: a second or two from a usual disk. */
const wholeUpToBytes = 512 * 1_048_576;
const mostProblems = 20;

/**
 * Throws StoreUnusable where the file is damaged, as far as a start has time to look: all pages of a database up to 512 MiB,
 * of a larger one the schema and both ends of each table.
 */
export function refuseDamage(raw: DatabaseSync, path: string, wholeUpTo = wholeUpToBytes): void {
  try {
    const problem = bytesOf(raw) <= wholeUpTo ? firstProblem(raw) : readEnds(raw);
    if (problem !== null) throw damagedFile(path, problem);
  } catch (thrown) {
    throw isDamage(thrown) ? damagedFile(path, (thrown as Error).message, thrown) : thrown;
  }
}

function bytesOf(raw: DatabaseSync): number {
  const pages = Number(raw.prepare('PRAGMA page_count').get()?.['page_count']);
  return pages * Number(raw.prepare('PRAGMA page_size').get()?.['page_size']);
}

function firstProblem(raw: DatabaseSync): string | null {
  const [problem = 'ok'] = raw
    .prepare('PRAGMA quick_check(1)')
    .all()
    .map((row) => String(row['quick_check']));
  return problem === 'ok' ? null : withNames(raw, problem);
}

/** What cannot be read is thrown. */
function readEnds(raw: DatabaseSync): null {
  for (const table of tablesOf(raw)) {
    const keys = raw
      .prepare('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk')
      .all(table)
      .map(({ name }) => `"${String(name)}"`);
    const columns = keys.length === 0 ? ['rowid'] : keys;
    for (const direction of ['ASC', 'DESC']) {
      const order = columns.map((column) => `${column} ${direction}`).join(', ');
      raw.prepare(`SELECT * FROM "${table}" ORDER BY ${order} LIMIT 1`).get();
    }
  }
  return null;
}

function tablesOf(raw: DatabaseSync): readonly string[] {
  return raw
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
    .all()
    .map(({ name }) => String(name));
}

/** What SQLite finds wrong with any page, each with its table. */
export function findDamage(raw: DatabaseSync): readonly string[] {
  const found: string[] = [];
  // One table after the other: a page that stops the check of all says nothing of the others.
  const checks = [`integrity_check(${mostProblems})`, ...tablesOf(raw).map((table) => `integrity_check("${table}")`)];
  for (const check of checks) {
    try {
      const texts = raw
        .prepare(`PRAGMA ${check}`)
        .all()
        .map((row) => String(row['integrity_check']));
      if (check === checks[0] && texts[0] === 'ok') return [];
      if (check === checks[0]) return texts.slice(0, mostProblems).map((text) => withNames(raw, text));
      found.push(...texts.filter((text) => text !== 'ok').map((text) => withNames(raw, text)));
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      const table = /"(.*)"/.exec(check)?.[1];
      if (table !== undefined) found.push(`table ${table}: ${(thrown as Error).message}`);
    }
  }
  return found.length === 0 ? ['its pages cannot be checked'] : found.slice(0, mostProblems);
}

/** SQLite names a table or an index by the number of its first page, `Tree 12`. */
function withNames(raw: DatabaseSync, problem: string): string {
  const tree = /\bTree (\d+)\b/.exec(problem)?.[1];
  if (tree === undefined) return problem;
  const {
    type,
    name,
    tbl_name: table,
  } = raw.prepare('SELECT type, name, tbl_name FROM sqlite_schema WHERE rootpage = ?').get(Number(tree)) ?? {};
  if (typeof table !== 'string') return problem;
  return `${type === 'index' ? `index ${String(name)} of table ${table}` : `table ${table}`}: ${problem}`;
}
