import type { Pool } from 'pg';
import { createWordIndex, createWordWriter, hasWordsDue } from '../alerts/word-index.ts';
import type { WordIndex, WordStep } from '../alerts/word-index.ts';
import { executeOn, queryOn, readOn } from './connection.ts';
import type { StatementNames } from './connection.ts';
import { storeError } from './errors.ts';

/** Writes words over connections of the pool. Every replica does; none takes what another has in hand. */
export function startWordIndex(pool: Pool, names: StatementNames, onError: (error: unknown) => void): WordIndex {
  const query = queryOn(readOn(pool), names);
  const words = createWordIndex({
    isDue: () => hasWordsDue(query),
    write: (limit, after) => write(pool, names, limit, after),
    alertsPerStep: 250,
    onError,
  });
  words.wake();
  return words;
}

async function write(pool: Pool, names: StatementNames, limit: number, after: string): Promise<WordStep> {
  const client = await pool.connect().catch((thrown: unknown) => {
    throw storeError(thrown);
  });
  let failed = true;
  try {
    const execute = executeOn(client);
    await execute('BEGIN');
    const step = await createWordWriter(queryOn(execute, names))(limit, after);
    await execute('COMMIT');
    failed = false;
    return step;
  } finally {
    // Closed after an error, which rolls back.
    client.release(failed);
  }
}
