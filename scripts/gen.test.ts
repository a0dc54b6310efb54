import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { JsonSchemaNode } from '../src/resources/field-tree.ts';
import { generatedFiles } from './gen.ts';
import { crdObjects, structural } from './gen/crds.ts';
import type { CustomResourceDefinition } from './gen/crds.ts';

const root = join(import.meta.dirname, '..');

let generated: ReadonlyMap<string, string> = new Map();
beforeAll(async () => void (generated = await generatedFiles()));

const plurals = ['sources', 'workflows', 'sinks'];

function crd(plural: string): CustomResourceDefinition {
  const documents = parseAllDocuments(generated.get('deploy/crds/phase1-crds.yaml') ?? '');
  const found = documents.map((document) => document.toJS() as CustomResourceDefinition);
  return found[plurals.indexOf(plural)] as CustomResourceDefinition;
}

function schema(plural: string): JsonSchemaNode {
  const found = crd(plural).spec.versions[0]?.schema.openAPIV3Schema;
  if (found === undefined) throw new Error(`no schema for ${plural}`);
  return found;
}

/** Everything that a structural schema must not have (apiextensions v1). */
function violations(node: JsonSchemaNode, path: string): string[] {
  const found: string[] = [];
  for (const keyword of ['oneOf', 'anyOf', 'allOf', 'not', '$ref', 'propertyNames', 'const'])
    if (keyword in node) found.push(`${path}: ${keyword}`);
  if (node.additionalProperties === false) found.push(`${path}: additionalProperties false`);
  if (node.type === undefined && node['x-kubernetes-preserve-unknown-fields'] !== true) found.push(`${path}: no type`);
  for (const [name, child] of Object.entries(node.properties ?? {}))
    found.push(...violations(child, `${path}.${name}`));
  if (node.items !== undefined) found.push(...violations(node.items, `${path}[]`));
  if (typeof node.additionalProperties === 'object') found.push(...violations(node.additionalProperties, `${path}.*`));
  return found;
}

describe('generated files', () => {
  test('are up to date', () => {
    for (const [path, content] of generated)
      expect([path, readFileSync(join(root, path), 'utf8') === content]).toEqual([path, true]);
  });

  test.each(plurals)('the schema of %s is structural', (plural) => {
    expect(violations(schema(plural), plural)).toEqual([]);
  });

  test('names, columns, status', () => {
    expect(crd('workflows').spec.names).toMatchObject({ kind: 'Workflow', shortNames: ['fwf'], categories: ['fist'] });
    expect(plurals.map((plural) => crd(plural).spec.names.shortNames)).toEqual([['fsrc'], ['fwf'], ['fsink']]);
    expect(plurals.map((plural) => crd(plural))).toEqual(crdObjects());
    expect(crd('sources').spec.versions[0]).toMatchObject({ subresources: { status: {} } });
    const status = (plural: string) => Object.keys(schema(plural).properties?.['status']?.properties ?? {});
    expect(status('sources')).toEqual(
      expect.arrayContaining(['ready', 'lastEventTime', 'eventsProcessed', 'conditions', 'observedGeneration']),
    );
    expect(status('workflows')).toEqual(
      expect.arrayContaining(['phase', 'startTime', 'completionTime', 'steps', 'outputs', 'error', 'conditions']),
    );
    expect(status('sinks')).toEqual(
      expect.arrayContaining(['ready', 'lastSentTime', 'messagesSent', 'lastError', 'conditions']),
    );
  });

  test('what a type needs is a rule', () => {
    expect(schema('sources').properties?.['spec']?.['x-kubernetes-validations']).toContainEqual({
      rule: "self.type != 'webhook' || has(self.config.path)",
      message: 'config.path is required when type is webhook',
    });
    expect(
      schema('workflows').properties?.['spec']?.properties?.['steps']?.items?.['x-kubernetes-validations'],
    ).toContainEqual({
      rule: "!has(self.type) || self.type != 'agent' || has(self.goal)",
      message: 'goal is required when type is agent',
    });
  });

  test('a schema that cannot stand in a CRD is refused', () => {
    expect(() => structural({}, 'x')).toThrow('x: a schema without a type');
    expect(structural({ anyOf: [{ type: 'string' }, { type: 'object' }] }, 'x')).toEqual({
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });
});
