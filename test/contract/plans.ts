import type { StatementSync } from 'node:sqlite';
import type { Kysely } from 'kysely';
import { createStatementNames, executeOn, openPool, queryOn } from '../../src/store/postgres/connection.ts';
import { bindValue } from '../../src/store/postgres/values.ts';
import type { Database } from '../../src/store/tables/all.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import type { ContractRows } from './stores.ts';

/** How the database ran one statement. */
export interface Plan {
  readonly sql: string;
  /** As the database explains it. */
  readonly text: string;
  /** Tables that were read from end to end, and sorts of what an index does not bound. */
  readonly problems: readonly string[];
  /** Rows and index entries that were looked at. SQLite does not say. */
  readonly rowsRead: number;
}

/** A connection that explains every statement before it runs it. */
export interface Explaining {
  readonly query: Kysely<Database>;
  /** Plans of the statements that `work` runs. */
  plansOf(work: () => Promise<unknown>): Promise<readonly Plan[]>;
  close(): Promise<void>;
}

/** Tables that stay small, whatever comes in: to read them whole is right. */
const smallTables: ReadonlySet<string> = new Set(
  'schema_info installation plans slots custom_resources resource_activity ticks sink_lanes alert_labels_due'.split(
    ' ',
  ),
);

export function explainOn({ database }: Pick<ContractRows, 'database'>): Explaining {
  return database.startsWith('postgres') ? explainPostgres(database) : explainSqlite(database);
}

function explainSqlite(path: string): Explaining {
  const { raw, query, ...connection } = openDatabase(path);
  let plans: Plan[] = [];
  const prepare = raw.prepare.bind(raw);
  const explain = (sql: string, parameters: readonly never[]): void => {
    if (!/^(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b/i.test(sql)) return;
    const rows = prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
    const lines = rows.map((row) => String(row['detail']));
    plans.push({ sql, text: lines.join('\n'), problems: lines.filter(isSqliteProblem), rowsRead: 0 });
  };
  raw.prepare = (sql): StatementSync =>
    new Proxy(prepare(sql), {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return (...parameters: never[]) => {
          if (property === 'all' || property === 'run' || property === 'get') explain(sql, parameters);
          return (value as (...parameters: never[]) => unknown).apply(target, parameters);
        };
      },
    });
  return {
    query,
    async plansOf(work) {
      plans = [];
      await work();
      return plans;
    },
    close: async () => connection.close(),
  };
}

/** `SCAN alerts` reads all of it; `SCAN found` reads the rows of a subquery, which was explained itself. */
function isSqliteProblem(line: string): boolean {
  const table = /^SCAN (\w+)/.exec(line)?.[1];
  if (table !== undefined) return isTable(table) && !smallTables.has(table);
  // A sort on the right of an index sorts only what is equal on its left.
  return line.startsWith('USE TEMP B-TREE FOR ') && !line.includes('TERM');
}

/** Names and aliases of tables in our statements; everything else is a subquery. */
function isTable(name: string): boolean {
  return /^(?:alert|workflow|sink_output|source_event|dead_letter|evidence|slots|plans|resource_|custom_|ticks|sink_lanes)/.test(
    name,
  );
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Node[];
}

function explainPostgres(url: string): Explaining {
  const pool = openPool(url, 1, () => undefined);
  const execute = executeOn(pool);
  let plans: Plan[] = [];
  const query = queryOn(async (text, values = [], name) => {
    if (/^(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b/i.test(text)) plans.push(await explain(text, values, name));
    return execute(text, values, name);
  }, createStatementNames());

  /** With these values, and a prepared one as the server plans it once it has stopped to look at the values. */
  async function explain(text: string, values: readonly unknown[], name: string | undefined): Promise<Plan> {
    const bound = values.map(bindValue);
    await execute('BEGIN');
    const { rows } = await execute(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, bound);
    await execute('ROLLBACK');
    const nodes = nodesOf(rows[0]);
    const generic =
      name === undefined ? [] : nodesOf((await execute(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${text}`)).rows[0]);
    return {
      sql: text,
      text: nodes.map((node) => `${describeNode(node)}: ${rowsOf(node)}`).join('\n'),
      problems: [...nodes, ...generic].filter(isPostgresProblem).map(describeNode),
      rowsRead: nodes.reduce((sum, node) => sum + rowsOf(node), 0),
    };
  }

  return {
    query,
    async plansOf(work) {
      plans = [];
      await work();
      return plans;
    },
    close: () => pool.end(),
  };
}

function nodesOf(row: unknown): readonly Node[] {
  const { 'QUERY PLAN': text } = row as { 'QUERY PLAN': string };
  const all: Node[] = [];
  const visit = (node: Node): void => {
    all.push(node);
    node.Plans?.forEach(visit);
  };
  for (const { Plan } of JSON.parse(text) as { Plan: Node }[]) visit(Plan);
  return all;
}

function isPostgresProblem(node: Node): boolean {
  return node['Node Type'] === 'Seq Scan' && !smallTables.has(node['Relation Name'] ?? '');
}

function describeNode(node: Node): string {
  return `${node['Node Type']} ${node['Relation Name'] ?? ''} ${node['Index Name'] ?? ''}`;
}

/** What a scan looked at, in all its loops. */
function rowsOf(node: Node): number {
  if (!node['Node Type'].endsWith('Scan') || /^(?:Subquery|CTE|WorkTable|Function|Values)/.test(node['Node Type']))
    return 0;
  const each =
    (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return each * (node['Actual Loops'] ?? 1);
}
