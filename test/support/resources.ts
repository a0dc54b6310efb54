import { silentLog } from '../../src/lib/silent-log.ts';
import type { CatalogOptions } from '../../src/resources/catalog.ts';
import { openResourceFolder } from '../../src/resources/folder.ts';
import type { ResourceFolder, ResourceFolderOptions } from '../../src/resources/folder.ts';
import { createFakeClock } from './clock.ts';

/** What a catalog is built with: that of a server on loopback to which no Secret was given. */
export function catalogOptions(changes: Partial<CatalogOptions> = {}): CatalogOptions {
  return {
    generation: 1,
    loopback: true,
    allowInsecureSources: false,
    asksForCertificates: false,
    secrets: { get: () => null },
    ...changes,
  };
}

/** A folder as such a server reads it; whoever opens it stops it. */
export function openFolder(path: string, changes: Partial<ResourceFolderOptions> = {}): ResourceFolder {
  return openResourceFolder({
    path,
    secretsDirectory: null,
    loopback: true,
    allowInsecureSources: false,
    asksForCertificates: false,
    publicUrl: null,
    clock: createFakeClock(),
    log: silentLog,
    ...changes,
  });
}
