import { number, table, text, time } from './table.ts';

// What says something about the database itself.

export const schemaInfo = table('schema_info', ['id'], {
  id: number(),
  version: number(),
  min_compatible_version: number(),
  updated_at: time(),
  program_version: text().nullable(),
});

export const installation = table('installation', ['id'], {
  id: number(),
  installation_id: text(),
  import_state: text().nullable(),
  import_export_id: text().nullable(),
  import_lines: number().nullable(),
});

/** The last time of each duty, a job that one replica does for all. */
export const duties = table('ticks', ['name'], { name: text(), tick_at: time() });
