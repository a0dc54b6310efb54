import type { Kysely } from 'kysely';
import type { StoreReader } from '../../core/store.ts';
import { createAgentReader } from '../agent/store.ts';
import { createDeliveryReader } from '../deliveries/reader.ts';
import { createLearnedReader } from '../learned/store.ts';
import { createListReader } from '../lists/reader.ts';
import { createRunReader } from '../runs/store.ts';
import type { Database } from '../tables/all.ts';

/** The read side on any connection. */
export function createStoreReader(query: Kysely<Database>): StoreReader {
  return {
    runs: createRunReader(query),
    agent: createAgentReader(query),
    learned: createLearnedReader(query),
    deliveries: createDeliveryReader(query),
    lists: createListReader(query),
  };
}
