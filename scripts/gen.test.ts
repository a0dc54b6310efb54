import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { generatedFiles } from './gen.ts';
import { beyond, rule } from '../src/lib/rule.ts';
import { map } from '../src/lib/schema.ts';
import { crdObjects } from './gen/crds.ts';
import type { CustomResourceDefinition } from './gen/crds.ts';
import { structural } from './gen/structural.ts';
import type { StructuralNode } from './gen/structural.ts';

const root = join(import.meta.dirname, '..');

let generated: ReadonlyMap<string, string> = new Map();
beforeAll(async () => void (generated = await generatedFiles()));

const plurals = ['sources', 'workflows', 'sinks'];
let crds: readonly CustomResourceDefinition[] | undefined;

function crd(plural: string): CustomResourceDefinition {
  crds ??= parseAllDocuments(generated.get('deploy/crds/phase1-crds.yaml') ?? '').map(
    (document) => document.toJS() as CustomResourceDefinition,
  );
  return crds[plurals.indexOf(plural)] as CustomResourceDefinition;
}

function schema(plural: string): StructuralNode {
  const found = crd(plural).spec.versions[0]?.schema.openAPIV3Schema;
  if (found === undefined) throw new Error(`no schema for ${plural}`);
  return found;
}

/** Everything that a structural schema must not have (apiextensions v1), and what has no bound. */
function violations(node: StructuralNode, path: string): string[] {
  const found: string[] = [];
  for (const keyword of ['oneOf', 'anyOf', '$ref', 'propertyNames', 'const'])
    if (keyword in node) found.push(`${path}: ${keyword}`);
  const isBound = {
    string: node.enum !== undefined || node.format !== undefined || node.maxLength !== undefined,
    array: node.maxItems !== undefined,
    object: node.additionalProperties === undefined || node.maxProperties !== undefined,
  };
  if (!(isBound[node.type as keyof typeof isBound] ?? true)) found.push(`${path}: no bound`);
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
    const { spec, status } = schema(plural).properties ?? {};
    expect(violations(spec ?? {}, `${plural}.spec`)).toEqual([]);
    expect(violations(status ?? {}, `${plural}.status`)).toEqual([]);
  });

  test('names, columns, status', () => {
    expect(crd('workflows').spec.names).toMatchObject({ kind: 'Workflow', shortNames: ['fwf'], categories: ['fist'] });
    expect(plurals.map((plural) => crd(plural).spec.names.shortNames)).toEqual([['fsrc'], ['fwf'], ['fsink']]);
    expect(plurals.map((plural) => crd(plural))).toEqual(crdObjects());
    expect(crd('sources').spec.versions[0]).toMatchObject({ subresources: { status: {} } });
    const status = (plural: string) => Object.keys(schema(plural).properties?.['status']?.properties ?? {});
    expect(status('sources')).toEqual(
      expect.arrayContaining([
        'ready',
        'addresses',
        'lastEventTime',
        'eventsProcessed',
        'conditions',
        'observedGeneration',
      ]),
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
      rule: "self.type != 'agent' || has(self.goal)",
      message: 'goal is required when type is agent',
    });
  });

  test('what the schemas of types say is said of all: bounds, rules, defaults, names of maps', () => {
    const even = rule<number>('self % 2 == 0', 'must be even', (number) => number % 2 === 0);
    const wide = z.strictObject({
      size: z.int().min(1).max(9).check(even).default(2),
      names: map(
        z
          .string()
          .max(9)
          .regex(/^[a-z]+$/, 'is no name'),
        z.string().max(5),
        3,
      ).optional(),
    });
    expect(structural(wide, 'x')).toEqual({
      type: 'object',
      properties: {
        size: {
          type: 'integer',
          minimum: 1,
          maximum: 9,
          default: 2,
          'x-kubernetes-validations': [{ rule: 'self % 2 == 0', message: 'must be even' }],
        },
        names: {
          type: 'object',
          maxProperties: 3,
          additionalProperties: { type: 'string', maxLength: 5 },
          'x-kubernetes-validations': [
            { rule: 'self.all(name, size(name) <= 9)', message: 'a name has 0 to 9 characters' },
            { rule: 'self.all(name, name.matches("^[a-z]+$"))', message: 'a name is no name' },
          ],
        },
      },
    });
    expect(
      structural(
        z
          .string()
          .max(3)
          .check(beyond('Cron', 'never', () => true)),
        'x',
      ),
    ).toEqual({
      type: 'string',
      maxLength: 3,
    });
  });

  test.each([
    ['a text needs a longest length', z.string()],
    ['a list needs a largest size', z.array(z.string().max(1))],
    ['a map needs a largest size', z.record(z.string(), z.string().max(1))],
    ['neither rule() nor beyond()', z.string().max(1).refine(Boolean)],
    ['a schema of type date', z.date()],
    ['a union of these', z.union([z.number(), z.string().max(1)])],
    [
      '(? in',
      z
        .string()
        .max(1)
        .regex(/^(?!a)/),
    ],
    ['\\s in', z.string().max(1).regex(/^\s$/)],
    ['a dot in', z.string().max(1).regex(/^.$/)],
    [
      '[^ without flag u',
      z
        .string()
        .max(1)
        .regex(/^[^a]$/),
    ],
    ['flag i without u', z.string().max(1).regex(/^a$/i)],
  ])('%s: it cannot stand in a CRD, and that is told', (message, schema) => {
    expect(() => structural(schema, 'x')).toThrow(`x: `);
    expect(() => structural(schema, 'x')).toThrow(message);
  });
});
