import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createCleanup } from '../../test/support/cleanup.ts';
import { catalogOptions, openFolder } from '../../test/support/resources.ts';
import type { CatalogObject } from '../core/catalog.ts';
import { buildCatalog } from './catalog.ts';
import { grantedBy, withGrantsOf } from './grants.ts';
import { lintResources, lintText } from './lint.ts';
import { readText } from './read.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const document = (kind: string, place: string, spec: string): string => {
  const [namespace = '', name = ''] = place.split('/');
  const metadata = { namespace, name };
  return JSON.stringify({ apiVersion: 'punchingfist.io/v1alpha1', kind, metadata, spec: parse(spec) as unknown });
};
const source = (place: string, reference: string) =>
  document('Source', place, `{type: api, config: {endpoint: /alerts}, triggerWorkflow: ${reference}}`);
const workflow = (place: string, more = '') =>
  document('Workflow', place, `{steps: [{name: look, type: agent, goal: why}]${more}}`);
const sink = (place: string, more = '') => document('Sink', place, `{type: stdout, config: {}${more}}`);

function load(...documents: readonly string[]) {
  const text = documents.join('\n---\n');
  const { objects } = readText('a.yaml', text);
  return { catalog: buildCatalog(objects, catalogOptions()), lint: lintText('a.yaml', text) };
}

const told = (object: CatalogObject | undefined) =>
  (object?.conditions ?? []).map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);
const to = (namespace: string) => `, accessFrom: {namespaces: [${namespace}]}`;

describe('a Source names a Workflow of another namespace, and that a Sink of a third one', () => {
  test.each(['shop', '"*"', 'bank, shop'])('granted to %s', (granted) => {
    const { catalog, lint } = load(
      source('shop/am', 'platform/look'),
      workflow('platform/look', `${to(granted)}, sinks: [oncall/out, out]`),
      sink('oncall/out', to('platform')),
      sink('platform/out'),
    );
    expect(lint).toEqual([]);
    expect(told(catalog.source('shop', 'am'))).toEqual(['Ready=True Accepted: Source shop/am is in use']);
    expect(told(catalog.workflow('platform', 'look'))).toEqual([
      'Ready=True Accepted: Workflow platform/look is in use',
    ]);
    expect(catalog.workflow('platform', 'look')?.plan?.sinks).toEqual(['oncall/out', 'out']);
  });

  test.each([
    ['not granted', workflow('platform/look')],
    ['granted to others', workflow('platform/look', to('bank, sho, shop2'))],
    ['not there', workflow('platform/other', to('shop'))],
    ['another one of its name', workflow('shop/look')],
  ])('refused, in the same words: %s', (_, other) => {
    const { catalog, lint } = load(source('shop/am', 'platform/look'), other);
    const words =
      'there is no Workflow platform/look that grants namespace shop; who owns Workflows of namespace platform grants it with spec.accessFrom: {namespaces: [shop]}';
    expect(told(catalog.source('shop', 'am'))).toEqual([
      `Ready=False ReferenceNotGranted: ${words}; alerts are stored and their runs fail`,
    ]);
    expect(lint.map(({ message, next }) => `${message}; ${next ?? ''}`)).toEqual([words]);
  });

  test.each([
    ['not granted', sink('oncall/out')],
    ['not there', sink('oncall/other', to('platform'))],
  ])('a Sink is refused alike: %s', (_, other) => {
    const { catalog, lint } = load(
      workflow('platform/look', ', sinks: [out, oncall/out, absent]'),
      other,
      sink('platform/out'),
    );
    const words =
      'there is no Sink oncall/out that grants namespace platform; who owns Sinks of namespace oncall grants it with spec.accessFrom: {namespaces: [platform]}';
    expect(told(catalog.workflow('platform', 'look')).slice(1)).toEqual([
      'SinksResolved=False SinkNotFound: there is no Sink platform/absent; deliveries to it are tried for a while and then fail',
      `SinksResolved=False ReferenceNotGranted: ${words}; deliveries to it fail`,
    ]);
    expect(lint.map(({ field, severity, beyond }) => [field, severity, beyond])).toEqual([
      ['spec.sinks[1]', 'error', 'Reference'],
      ['spec.sinks[2]', 'error', 'Reference'],
    ]);
    expect(lint[0]?.message).toBe(words.split(';')[0]);
  });

  test('its own namespace may be written out, and nothing is another object by that', () => {
    const short = load(source('shop/am', 'look'), workflow('shop/look', ', sinks: [out]'), sink('shop/out'));
    const long = load(source('shop/am', 'shop/look'), workflow('shop/look', ', sinks: [shop/out]'), sink('shop/out'));
    expect(long.lint).toEqual([]);
    expect(long.catalog.source('shop', 'am')?.triggerWorkflow).toBe('look');
    const hash = ({ catalog }: typeof short) => catalog.workflow('shop', 'look')?.planHash;
    expect(hash(long)).toBe(hash(short));
    const twice = load(workflow('shop/look', ', sinks: [out, shop/out]'), sink('shop/out'));
    expect(twice.lint.map(({ message, beyond }) => [message, beyond])).toEqual([
      ['shop/out is there twice, as out', 'Duplicate'],
    ]);
  });

  test('a grant is no part of the plan: runs go on as they are', () => {
    const hash = (more: string) => load(workflow('shop/look', more)).catalog.workflow('shop', 'look')?.planHash;
    expect(hash(to('bank'))).toBe(hash(''));
  });

  test('lint says how one of another namespace is named, where it sees that one', () => {
    const seen = (more: string) => load(source('shop/am', 'look'), workflow('platform/look', more)).lint[0]?.next;
    expect(seen('')).toBe(
      'Workflow platform/look is in another namespace: write platform/look, and in its spec accessFrom: {namespaces: [shop]}',
    );
    expect(seen(to('shop'))).toBe('Workflow platform/look is in another namespace: write platform/look');
  });

  test('a grant of the version that is replaced counts for nothing', () => {
    const [am, granting] = [source('shop/am', 'platform/look'), workflow('platform/look', to('shop'))];
    const inCluster = readText('cluster', granting).objects;
    const lint = (...documents: readonly string[]) =>
      lintResources('a.yaml', { files: ['a.yaml'], ...readText('a.yaml', documents.join('\n---\n')) }, inCluster);
    expect(lint(am)).toEqual([]);
    expect(lint(am, granting)).toEqual([]);
    const withdrawn = lint(am, workflow('platform/look'));
    expect(withdrawn.map(({ field, severity }) => [field, severity])).toEqual([['spec.triggerWorkflow', 'error']]);
  });

  test.each(['Platform/look', 'platform/', '/look', 'a/b/c', 'platform/look/', `${'a'.repeat(64)}/look`])(
    'what is no reference is refused: %s',
    (reference) => {
      const [problem] = load(source('shop/am', reference)).lint;
      expect(problem).toMatchObject({ field: 'spec.triggerWorkflow' });
      expect(problem?.beyond).toBeUndefined();
    },
  );
});

describe('a version that cannot be used', () => {
  test('grants what it says all the same, and nothing where that cannot be read', () => {
    const good = { steps: [], accessFrom: { namespaces: ['shop', 'bank'] } };
    expect(withGrantsOf(good, { accessFrom: { namespaces: ['bank'] } })).toEqual({
      steps: [],
      accessFrom: { namespaces: ['bank'] },
    });
    expect(withGrantsOf(good, good)).toBe(good);
    for (const newer of [null, 'text', {}, { accessFrom: 'shop' }, { accessFrom: { namespaces: ['Shop'] } }])
      expect(withGrantsOf(good, newer)).toEqual({ steps: [] });
    expect(grantedBy({ accessFrom: { namespaces: ['shop'] }, steps: 7 })).toEqual(['shop']);
  });

  test('withdraws its grant while the last good version stays in use', async () => {
    const path = cleanup.temporaryFolder('grants');
    mkdirSync(path, { recursive: true });
    const write = (text: string) => writeFileSync(join(path, 'platform.yaml'), text);
    writeFileSync(join(path, 'shop.yaml'), source('shop/am', 'platform/look'));
    write(workflow('platform/look', to('shop')));
    const folder = openFolder(path);
    cleanup.defer(() => folder.stop());
    expect(folder.current().source('shop', 'am')?.ready).toBe(true);
    write(document('Workflow', 'platform/look', '{steps: [{name: look, type: agent, goal: "{{ .alert"}]}'));
    await folder.reload();
    expect(folder.current().workflow('platform', 'look')).toMatchObject({ ready: true, accessFrom: [] });
    expect(told(folder.current().source('shop', 'am'))).toEqual([
      expect.stringContaining('Ready=False ReferenceNotGranted'),
    ]);
  });

  test('of a Source grants nothing, whatever it says: the last good one stays in use', async () => {
    const path = cleanup.temporaryFolder('grants');
    mkdirSync(path, { recursive: true });
    const file = join(path, 'shop.yaml');
    writeFileSync(join(path, 'look.yaml'), workflow('shop/look'));
    writeFileSync(file, source('shop/am', 'look'));
    const folder = openFolder(path);
    cleanup.defer(() => folder.stop());
    writeFileSync(
      file,
      document(
        'Source',
        'shop/am',
        '{type: api, config: {endpoint: /alerts}, triggerWorkflow: look, accessFrom: {namespaces: [bank]}}',
      ),
    );
    await folder.reload();
    const found = folder.current().source('shop', 'am');
    expect(found).toMatchObject({ ready: true, triggerWorkflow: 'look' });
    expect(told(found)).toEqual([
      'Ready=True Accepted: Source shop/am is in use',
      expect.stringContaining('Stalled=True BrokenEdit'),
    ]);
  });
});
