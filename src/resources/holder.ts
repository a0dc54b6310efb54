import type { Catalog } from '../core/catalog.ts';
import { toAppError } from '../core/errors.ts';
import type { CatalogHolder, Secrets } from '../core/ports.ts';
import type { Complain } from '../lib/complaints.ts';
import type { ResourceObject } from './object.ts';

/** What is in force. */
export interface LoadedResources {
  readonly catalog: Catalog;
  readonly objects: readonly ResourceObject[];
}

/** Resources that are followed, wherever they come from: a folder, or a cluster. */
export interface ResourceHolder extends CatalogHolder {
  readonly secrets: Secrets;
  /** All values of Secrets that are known now, to be taken out of what steps print. */
  secretValues(): Promise<readonly string[]>;
  /**
   * Has `write` keep a copy: of what is loaded now, and of each later change, never twice at a time. Rejects where the first
   * copy fails; a later one that fails is tried again until it worked, and what is loaded is in force anyhow.
   */
  mirrorTo(write: (loaded: LoadedResources) => Promise<void>): Promise<void>;
  /** Ends the watching and waits for a reload in progress. */
  stop(): Promise<void>;
}

/** Keeps a copy of what `current` answers. Never called twice at a time. */
export function createCopies(current: () => LoadedResources, complain: Complain) {
  let write: ((loaded: LoadedResources) => Promise<void>) | null = null;
  let copied: LoadedResources | null = null;

  async function copy(): Promise<void> {
    const copying = current();
    if (write === null || copied === copying) return;
    await write(copying);
    copied = copying;
  }
  return {
    /** Throws where the copy cannot be written. */
    begin(writeCopy: (loaded: LoadedResources) => Promise<void>): Promise<void> {
      write = writeCopy;
      return copy();
    },
    /** False where it could not be written, and is to be tried again. */
    async keep(): Promise<boolean> {
      try {
        await copy();
        return true;
      } catch (error) {
        complain(
          'error',
          'copy',
          { error: toAppError(error).message },
          'the resources are in force, but the API still shows the ones before; it is tried again',
        );
        return false;
      }
    },
  };
}
