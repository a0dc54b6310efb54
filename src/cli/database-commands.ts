import { Option } from 'commander';
import type { Command } from 'commander';
import type { Tie } from './action.ts';

/** `fist db ...`. */
export function addDatabaseCommands(program: Command, action: Tie): void {
  const db = program.command('db').description('Looks after the database of a server; needs no running server');
  const command = (words: string, description: string): Command =>
    db
      .command(words)
      .description(description)
      .option(
        '--db <path|url>',
        'SQLite file or postgres:// URL (default: DATABASE_URL or SQLITE_PATH, else data/punching-fist.db)',
      );
  const output = (text: string) => new Option('-o, --output <format>', text);
  action(
    command(
      'status',
      'Shows what it is, its schema version, whether a server has it open and how full it is',
    ).addOption(output('text, json or yaml').default('text')),
    async () => (await import('./db.ts')).status,
  );
  action(
    command('migrate', 'Makes the schema or brings it up to date; serve does the same at its start'),
    async () => (await import('./db.ts')).migrate,
  );
  action(
    command('check', 'Looks for damage and for rows that contradict each other; exit 1 where there are any').addOption(
      output('text, json or yaml').default('text'),
    ),
    async () => (await import('./db.ts')).check,
  );
  action(
    command('size', 'Shows rows and disk space of each table').addOption(
      output('table, json, yaml or name').default('table'),
    ),
    async () => (await import('./db.ts')).size,
  );
  action(
    command(
      'export [file]',
      'Writes everything of one moment as JSON lines, while a server may go on (default: stdout)',
    ),
    async () => (await import('./db.ts')).exportTo,
  );
  action(
    command(
      'import [file]',
      'Fills an empty database from an export, or brings an earlier import up to date (deletes what the export does not have); run it again where it was interrupted (default: stdin)',
    ),
    async () => (await import('./db.ts')).importFrom,
  );
}
