import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { catalogOptions } from '../../test/support/resources.ts';
import { finish } from '../lib/turns.ts';
import type { Pieces } from '../lib/turns.ts';
import { buildCatalogInPieces } from './catalog.ts';
import { parseDocuments } from './documents.ts';
import type { ResourceObject } from './object.ts';
import { readResourcesInPieces } from './read.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fist-pieces-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function countPieces(work: Pieces<unknown>): number {
  let count = 0;
  while (work.next().done !== true) count += 1;
  return count;
}

const workflow = (at: number): string => `---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: many-${at} }
spec: { steps: [{ name: one, type: conditional, condition: '{{ .alert.severity }} == critical' }] }
`;
const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n');

describe('resources are read in pieces', () => {
  it('document by document, and compiled object by object', () => {
    writeFileSync(join(folder, 'all.yaml'), lines(50, workflow));
    expect(countPieces(readResourcesInPieces(folder))).toBeGreaterThan(150);
    const { objects } = finish(readResourcesInPieces(folder));
    const catalog = buildCatalogInPieces(objects, catalogOptions());
    expect(countPieces(catalog)).toBe(50);
  });

  it('also Sources that all want one path, and Sinks', () => {
    const many = (kind: ResourceObject['kind'], spec: object): ResourceObject[] =>
      Array.from({ length: 50 }, (_, at) => {
        return { kind, namespace: 'shop', name: `many-${at}`, spec, origin: '', createdAt: null };
      });
    const source = { type: 'webhook', triggerWorkflow: 'triage', config: { path: 'alerts' } };
    // All are read before it is known who has what.
    expect(countPieces(buildCatalogInPieces(many('Source', source), catalogOptions()))).toBe(100);
    const sink = { type: 'stdout', config: {} };
    expect(countPieces(buildCatalogInPieces(many('Sink', sink), catalogOptions()))).toBe(50);
  });

  it('also within a document', () => {
    const text = `a: [${'1, '.repeat(6000)}1]\n`;
    writeFileSync(join(folder, 'one.yaml'), text);
    expect(countPieces(readResourcesInPieces(folder))).toBeGreaterThan(5);
  });
});

describe('a document is refused, and no other of its file,', () => {
  it.each([
    ['with too many parts', `data:\n${lines(10_000, (at) => `  key${at}: ${at}`)}`, 'more than 15000 parts'],
    ['that is too long', `data: "${'x'.repeat(1_100_000)}"`, 'more than 1048576 characters'],
    ['with too many repeated keys', lines(2000, () => 'a: 1'), 'unique'],
    ['that is nested too deep', `a: ${'['.repeat(1000)}`, 'more than 100 deep'],
    ['that is nested too deep in maps', `a: ${'{a: '.repeat(1000)}`, 'more than 100 deep'],
  ])('%s', (_, text, message) => {
    const { documents, problems } = parseDocuments('a.yaml', `kind: A\n---\n${text}\n---\nkind: C\n`);
    expect(documents.map(({ value, line }) => [value['kind'], line])).toEqual([
      ['A', 1],
      ['C', 3 + text.split('\n').length + 1],
    ]);
    expect(problems.length).toBeLessThanOrEqual(100);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.line).toBeGreaterThanOrEqual(2);
  });

  it('but what stands before a document belongs to it', () => {
    const { documents, problems } = parseDocuments(
      'a.yaml',
      '%YAML 1.2\n# first\n---\nkind: A\n...\n# second\n---\nkind: B\n',
    );
    expect(problems).toEqual([]);
    expect(documents.map(({ value, line }) => [value['kind'], line])).toEqual([
      ['A', 4],
      ['B', 8],
    ]);
  });
});
