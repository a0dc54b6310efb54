import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listDocuments, parseBlocks, runDocument } from '../docs.ts';
import { repositoryRoot } from '../support/processes.ts';

const slowDocuments = listDocuments().filter((file) =>
  parseBlocks(readFileSync(join(repositoryRoot, file), 'utf8')).some((block) => block.marks.includes('slow')),
);

describe('the slow commands', { timeout: 280_000 }, () => {
  it.each(slowDocuments)('of %s work as they are written', async (file) => {
    expect(await runDocument(file, { slow: true })).toEqual([]);
  });
});
