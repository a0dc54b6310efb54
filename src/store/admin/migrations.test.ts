import { expect, test } from 'vitest';
import { readPostgresMigrations } from '../postgres/migrate.ts';
import { readSqliteMigrations } from '../sqlite/migrate.ts';

test.each([
  ['SQLite', readSqliteMigrations()],
  ['PostgreSQL', readPostgresMigrations()],
])('the migrations of %s are numbered from 1, each number once', (_, migrations) => {
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_migration, index) => index + 1));
});

test('both databases have the same versions', () => {
  expect(readPostgresMigrations()).toHaveLength(readSqliteMigrations().length);
});
