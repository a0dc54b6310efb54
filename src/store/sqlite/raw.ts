import { DatabaseSync } from 'node:sqlite';
import { unusable } from './errors.ts';

/** A bare connection. Throws StoreUnusable. */
export function openRaw(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: readOnly ? 5000 : 100, enableForeignKeyConstraints: false });
  } catch (thrown) {
    throw unusable(path, thrown);
  }
}
