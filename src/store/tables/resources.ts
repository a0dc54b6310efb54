import type { ResourceRecord } from '../../core/resource.ts';
import { number, table, text, time } from './table.ts';

export const resources = table('custom_resources', ['id'], {
  id: text().as(null),
  api_version: text(),
  kind: text<ResourceRecord['kind']>(),
  namespace: text(),
  name: text(),
  spec: text(),
  status: text(),
  created_at: time().as(null),
  updated_at: time(),
});

export const resourceActivity = table('resource_activity', ['kind', 'namespace', 'name'], {
  kind: text(),
  namespace: text(),
  name: text(),
  processed: number(),
  last_at: time().nullable(),
  last_error: text().nullable(),
  run_minute: number().nullable(),
  minute_runs: number().nullable(),
  run_cap: number().nullable(),
});
