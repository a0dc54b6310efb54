import type { Kysely } from 'kysely';
import type { ListReader } from '../../core/lists.ts';
import { alertLists } from './alerts.ts';
import { changeLists } from './changes.ts';
import { idLists } from './ids.ts';
import { inputLists } from './inputs.ts';
import { resourceLists } from './resources.ts';
import { wholeLists } from './whole.ts';
import { workLists } from './work.ts';
import type { Database } from '../tables/all.ts';

/** Lists on any connection; a read-only one will do. */
export function createListReader(query: Kysely<Database>): ListReader {
  return {
    ...alertLists(query),
    ...workLists(query),
    ...inputLists(query),
    ...resourceLists(query),
    ...wholeLists(query),
    ...changeLists(query),
    ...idLists(query),
  };
}
