import { globSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkImports, checkImportsOfFile } from '../scripts/imports.ts';

describe('the import table', () => {
  it('holds for every file of src', () => {
    expect(checkImports(new URL('..', import.meta.url).pathname)).toEqual([]);
  });

  it.each([
    ['sinks/slack.ts', "import { x } from '../intake/intake.ts';", 'sinks may not import intake'],
    ['workflows/control.ts', "import { x } from '../intake/trigger.ts';", 'workflows may not import intake'],
    ['core/alert.ts', "import { readFileSync } from 'node:fs';", 'core is pure'],
    ['lib/http.ts', "const x = await import('../store/tables/all.ts');", 'lib may not import store'],
    ['helpers/x.ts', '', 'not a folder of the layout'],
    ['server/api.ts', "import type {\n  A,\n} from '../kube/live/live.ts';", 'server may not import kube'],
    ['kube/kinds/kinds.ts', "import { x } from '../watch/watch.ts';", 'kube/kinds may not import kube/watch'],
    ['kube/jobs/jobs.ts', "import { x } from '../lease/lease.ts';", 'kube/jobs may not import kube/lease'],
    ['kube/client.ts', "import { x } from './kinds/kinds.ts';", 'not a room of kube'],
    ['cli/get.ts', "import { routes } from '../server/routes.ts';", 'cli may not import server'],
  ])('refuses %s: %s', (file, text, message) => {
    expect(
      checkImportsOfFile(file, text)
        .map((problem) => problem.message)
        .join(),
    ).toContain(message);
  });

  it('lets the CLI know the types of the API', () => {
    expect(checkImportsOfFile('cli/get.ts', "import type { AnswerOf } from '../server/routes.ts';")).toEqual([]);
  });

  it('has no file of the store outside its rooms', () => {
    const store = readdirSync(new URL('../src/store', import.meta.url), { withFileTypes: true });
    expect(store.filter((entry) => !entry.isDirectory()).map(({ name }) => name)).toEqual([]);
    expect(store.length).toBeGreaterThan(10);
  });

  it('has no room of the store, but those of the databases, that asks which database it is', () => {
    const store = new URL('../src/store/', import.meta.url);
    const shared = globSync('**/*.ts', { cwd: store }).filter(
      (file) => !/^(?:sqlite|postgres)\/|\.test\.ts$/.test(file),
    );
    expect(shared.length).toBeGreaterThan(30);
    const asks = /isPostgres|isSqlite|PostgresAdapter|SqliteAdapter|from '\.\.\/(?:sqlite|postgres)\//;
    expect(shared.filter((file) => asks.test(readFileSync(new URL(file, store), 'utf8')))).toEqual([]);
  });

  it('starts no program from the agent but the MCP servers that an operator names, and no shell (R6)', () => {
    const agent = new URL('../src/agent/', import.meta.url);
    const files = globSync('**/*.ts', { cwd: agent }).filter((file) => !file.endsWith('.test.ts'));
    const textOf = (file: string): string => readFileSync(new URL(file, agent), 'utf8');
    expect(files.length).toBeGreaterThan(40);
    const starting = files.filter((file) => /child_process|worker_threads|node:vm/.test(textOf(file)));
    expect(starting).toEqual([]);
    expect(files.filter((file) => /\bshell\s*:|\beval\(|new Function\(/.test(textOf(file)))).toEqual([]);
  });

  it('lets the composition root import everything', () => {
    expect(checkImportsOfFile('app/createApp.ts', "import { x } from '../kube/live/live.ts';")).toEqual([]);
  });
});
