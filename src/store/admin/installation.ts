import { AppError } from '../../core/errors.ts';

/**
 * Called when a server opens a database, with `import_state`. Throws StoreUnusable where an import has not ended: only a
 * part of the rows is there. True: an import has ended and must be closed now, because a server is about to write.
 */
export function checkImport(place: string, importState: unknown): boolean {
  if (importState !== 'running') return importState === 'done';
  throw new AppError('StoreUnusable', `an import into ${place} has not ended: a part of its rows is missing`, {
    next: 'run the same fist db import again, to its end',
  });
}
