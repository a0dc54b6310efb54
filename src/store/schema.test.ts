import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openDatabase } from './sqlite/open.ts';

/** Interfaces of schema.ts with their fields, read from its text: types are gone at run time. */
function declared(): Map<string, { readonly fields: readonly string[]; readonly nullable: readonly string[] }> {
  const text = readFileSync(new URL('./schema.ts', import.meta.url), 'utf8');
  const interfaces = new Map<string, { fields: string[]; nullable: string[] }>();
  for (const [, name = '', body = ''] of text.matchAll(/export interface (\w+) \{\n([\s\S]*?)\n\}/g)) {
    const fields = [...body.matchAll(/^ {2}(\w+): ([^;]+);/gm)];
    interfaces.set(name, {
      fields: fields.map(([, field = '']) => field),
      nullable: fields.filter(([, , type = '']) => type.includes('null')).map(([, field = '']) => field),
    });
  }
  return interfaces;
}

function rowInterface(table: string): string | undefined {
  const text = readFileSync(new URL('./schema.ts', import.meta.url), 'utf8');
  return new RegExp(`^  ${table}: (\\w+);`, 'm').exec(text)?.[1];
}

describe('schema.ts says what a fresh database holds', () => {
  const { raw } = openDatabase(':memory:');
  const tables = raw
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map((row) => String(row['name']));
  const interfaces = declared();

  test('the same tables', () => {
    expect([...(interfaces.get('Database')?.fields ?? [])].sort()).toEqual(tables);
  });

  test.each(tables)('%s: the same columns, null where it may be', (table) => {
    const row = interfaces.get(rowInterface(table) ?? '');
    const columns = raw.prepare(`SELECT name, "notnull", pk FROM pragma_table_info('${table}')`).all();
    expect([...(row?.fields ?? [])].sort()).toEqual(columns.map((column) => String(column['name'])).sort());
    const nullable = columns.filter((column) => column['notnull'] === 0 && column['pk'] === 0);
    expect([...(row?.nullable ?? [])].sort()).toEqual(nullable.map((column) => String(column['name'])).sort());
  });
});

describe('the contract (its tables and columns, 5.5)', () => {
  const { raw } = openDatabase(':memory:');
  const contract: Readonly<Record<string, string>> = {
    alerts:
      'id external_id fingerprint status severity alert_name name summary description labels annotations source_id workflow_id ai_analysis ai_confidence auto_resolved starts_at ends_at received_at triage_started_at triage_completed_at resolved_at created_at updated_at',
    workflows:
      'id name namespace trigger_source status steps_completed total_steps current_step input_context outputs error started_at completed_at created_at',
    source_events: 'id source_name source_type event_data workflow_triggered received_at',
    workflow_steps: 'id workflow_id name step_type status config started_at completed_at result error created_at',
    sink_outputs: 'id workflow_id sink_name sink_type payload status error sent_at created_at',
    custom_resources: 'id api_version kind name namespace spec status',
  };

  test.each(Object.entries(contract))('%s', (table, columns) => {
    const present = raw.prepare('SELECT name FROM pragma_table_info(?)').all(table);
    expect(present.map((column) => column['name'])).toEqual(expect.arrayContaining(columns.split(' ')));
  });
});
