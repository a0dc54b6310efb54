import type { Kysely } from 'kysely';
import type { ListReader } from '../core/lists.ts';
import { alertLists } from './lists/alerts.ts';
import { inputLists } from './lists/inputs.ts';
import { resourceLists } from './lists/resources.ts';
import { workLists } from './lists/work.ts';
import type { Database } from './schema.ts';

/** Lists on any connection; a read-only one will do. */
export function createListReader(query: Kysely<Database>): ListReader {
  return { ...alertLists(query), ...workLists(query), ...inputLists(query), ...resourceLists(query) };
}
