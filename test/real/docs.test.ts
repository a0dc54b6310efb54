import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hasQuickCommands, listDocuments, parseBlocks, runDocument } from '../docs.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { repositoryRoot } from '../support/processes.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const assets = findApiServer();

const read = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');

function documentsWith(mark: string): readonly string[] {
  return listDocuments().filter((file) => parseBlocks(read(file)).some((block) => block.marks.includes(mark)));
}

// Where there is a cluster, those that need one run all their commands with it.
const documents = listDocuments().filter(
  (file) => hasQuickCommands(read(file)) && (assets === null || !documentsWith('cluster').includes(file)),
);

/** A ServiceAccount that may get and list, and nothing else; returns its token. */
function makeReader(server: ApiServer): string {
  server.kubectl(['create', 'serviceaccount', 'reader', '--namespace', 'default']);
  server.kubectl(['create', 'clusterrole', 'reader', '--verb=get,list', '--resource=*.*']);
  server.kubectl(['create', 'clusterrolebinding', 'reader', '--clusterrole=reader', '--serviceaccount=default:reader']);
  return server.token('default', 'reader');
}

describe.concurrent('the commands', () => {
  it.each(documents)('of %s work as they are written', async (file) => {
    expect(await runDocument(file, { slow: false })).toEqual([]);
  });
});

describe('the slow commands', () => {
  it.each(documentsWith('slow'))('of %s work as they are written', async (file) => {
    expect(await runDocument(file, { slow: true })).toEqual([]);
  });
});

describe.skipIf(assets === null)(
  assets === null ? 'skipped: API server not found' : 'the commands that need a cluster',
  () => {
    it.each(documentsWith('cluster'))('of %s work as they are written', async (file) => {
      const server = await startApiServer(cleanup, assets ?? '');
      const kubeconfig = server.kubeconfig('reader', { token: makeReader(server) });
      expect(await runDocument(file, { slow: false, cluster: { kubeconfig, kubectlFolder: assets ?? '' } })).toEqual(
        [],
      );
    });
  },
);
