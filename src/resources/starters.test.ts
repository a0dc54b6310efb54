import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { parseDocument } from 'yaml';
import { sinks } from '../sinks/index.ts';
import { fieldTree } from './field-tree.ts';
import type { FieldInfo } from './field-tree.ts';
import { lintPath } from './lint.ts';
import type { ResourceKind } from './object.ts';
import { starterTypes, writeSecret, writeStarter } from './starters.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const kinds: readonly ResourceKind[] = ['Source', 'Workflow', 'Sink'];
const all = kinds.flatMap((kind) => starterTypes(kind).map((type) => ({ kind, type })));

/** What lint says of a folder with the usual documents, one of which is replaced. */
async function lintWith(kind: ResourceKind, type: string): Promise<readonly object[]> {
  const folder = cleanup.temporaryFolder('starters');
  const documents = kinds.map((each) => writeStarter(each, each === kind ? type : undefined));
  for (const [index, text] of [...documents, writeSecret('0123456789abcdef')].entries())
    writeFileSync(join(folder, `${index}.yaml`), text);
  return lintPath(folder);
}

describe('documents to begin with', () => {
  it.each(all)('pass lint as they are: $kind of type $type', async ({ kind, type }) => {
    expect(await lintWith(kind, type)).toEqual([]);
  });

  it.each(all)('fit a terminal and explain each field: $kind of type $type', ({ kind, type }) => {
    const lines = writeStarter(kind, type).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    const spec = fieldTree(kind).fields.find(({ name }) => name === 'spec');
    const absent = spec?.fields.filter(
      ({ name }) => !lines.some((line) => line.startsWith(`  ${name}:`) || line.startsWith(`  # ${name}:`)),
    );
    expect(absent?.map(({ name }) => name)).toEqual([]);
  });

  it.each(all)('are YAML with every comment of a field taken away: $kind of type $type', ({ kind, type }) => {
    const names = (fields: readonly FieldInfo[]): readonly string[] =>
      fields.flatMap((field) => [field.name, ...names(field.fields)]);
    const known = new Set(names(fieldTree(kind).fields).filter((name) => !['agent', 'then', 'else'].includes(name)));
    const text = writeStarter(kind, type).replace(
      /^( *)# ( *)(\w+):(?= |$)/gm,
      (line, indent: string, more: string, name: string) => (known.has(name) ? `${indent}${more}${name}:` : line),
    );
    expect(parseDocument(text).errors).toEqual([]);
  });

  it('are there for each type that can run, and for no other', () => {
    expect(all.map(({ kind, type }) => `${kind} ${type}`)).toEqual([
      'Source webhook',
      'Source chat',
      'Source schedule',
      'Source api',
      'Source kubernetes',
      'Workflow cli',
      'Workflow agent',
      'Workflow conditional',
      ...sinks.map(({ type }) => `Sink ${type}`),
    ]);
    expect(() => writeStarter('Sink', 'fax')).toThrow('no Sink of type fax that this version can run');
  });
});
