import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crdObjects } from '../../scripts/gen/crds.ts';
import type { StructuralNode } from '../../scripts/gen/structural.ts';
import { beyondSchema } from '../../src/lib/rule.ts';
import type { BeyondKind } from '../../src/lib/rule.ts';
import { lintText } from '../../src/resources/lint.ts';
import type { Problem } from '../../src/resources/problem.ts';
import { findApiServer, startApiServer, untilCrdsServed } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { dryRunAll } from '../support/dry-run.ts';
import { resourceCorpus, specSchemas } from '../support/resource-corpus.ts';
import type { CorpusObject } from '../support/resource-corpus.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const root = join(import.meta.dirname, '../..');
const file = join(root, 'deploy/crds/phase1-crds.yaml');
const examples = ['sources', 'workflows', 'sinks'];

const objects = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: one }
spec: { type: webhook, config: { path: one }, triggerWorkflow: look }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: look }
spec: { steps: [{ name: say, type: agent, goal: x }], sinks: [out] }
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: out }
spec: { type: stdout, config: {} }
`;

/** The CRDs of the earlier program, as far as names go: they kept what they were given. */
const earlierCrds = crdObjects().map((crd) => {
  const { group, scope, names } = crd.spec;
  const kept = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: kept, status: kept } } };
  const version = { name: 'v1alpha1', served: true, storage: true, subresources: { status: {} }, schema };
  const { kind, listKind, plural, singular } = names;
  return { ...crd, spec: { group, scope, names: { kind, listKind, plural, singular }, versions: [version] } };
});

/** It never worked, and is there. */
const unfinished = `
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: unfinished }
spec: { type: slack, config: { channel: '#alerts' } }
`;

const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Accepted',
  message: 'it is in use',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
};
function lint({ kind, spec }: Pick<CorpusObject, 'kind' | 'spec'>): readonly Problem[] {
  const object = { apiVersion: 'punchingfist.io/v1alpha1', kind, metadata: { name: 'object' }, spec };
  return lintText('object.json', JSON.stringify(object));
}

/** In no order: the API server sorts the fields of an object. */
function linesOf(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ severity, field, message }) => `${severity} ${field}: ${message}`).sort();
}

/** Each rule of the CRDs once, `spec.config.authentication.username: belongs to ...`; a step within a step has those of a step. */
function celMessages(): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: StructuralNode, path: string): void => {
    for (const { message, fieldPath = '' } of node['x-kubernetes-validations'] ?? [])
      found.add(
        `${path}${fieldPath}: ${message}`.replace(/(?<=^spec\.steps\[\])(?:\.(?:then|else|agent))+(?=[.:])/, ''),
      );
    for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${path}.${name}`);
    if (node.items !== undefined) visit(node.items, `${path}[]`);
    if (node.additionalProperties !== undefined) visit(node.additionalProperties, `${path}[]`);
  };
  for (const schema of specSchemas.values()) visit(schema, 'spec');
  return found;
}

/** What the API server tells begins with `Invalid value`. */
function isSameRule(cause: string, rule: string): boolean {
  const [field = '', message = ''] = rule.split(/: (.*)/s);
  return cause.startsWith(`${field}: `) && cause.endsWith(message);
}

const time = '2026-01-01T00:00:00Z';
/** With all fields of the contract, and ours. */
const statuses = [
  { lastEventTime: time, eventsProcessed: 3 },
  {
    phase: 'Succeeded',
    startTime: time,
    completionTime: time,
    steps: [
      { name: 'say', phase: 'Failed', startTime: time, completionTime: time, result: { any: [1] }, error: 'it failed' },
    ],
    outputs: { cause: 'memory' },
    error: 'it failed',
    lastRun: { id: 'r', phase: 'Succeeded', startTime: time, completionTime: time, alert: 'Down', summary: 'memory' },
  },
  { lastSentTime: time, messagesSent: 4, lastError: 'refused' },
];

describe.skipIf(assets === null)('the CRDs in a real API server', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: earlierCrds }));
    // Each is served when it is: which one is last is the server's to say.
    await untilCrdsServed(server);
    server.kubectl(['create', 'namespace', 'earlier']);
    for (const name of ['types', 'lacking']) {
      const path = join(root, `test/fixtures/resources/earlier/${name}.yaml`);
      server.kubectl(['create', '--namespace', 'earlier', '-f', path]);
    }
    server.kubectl(['create', '--namespace', 'earlier', '-f', '-'], unfinished);
    // Also without --server-side, where all of an object has to fit into an annotation.
    server.kubectl(['apply', '-f', file]);
    const isFound = (): boolean => {
      const shown = server.kubectl(['api-resources']);
      return ['fsrc', 'fwf', 'fsink'].every((name) => new RegExp(`\\b${name}\\b`).test(shown));
    };
    await waitFor('the kinds', isFound, {});
    server.kubectl(['apply', '--server-side', '-f', '-'], objects);
  });

  test('nothing was looked at in the beginning', () => {
    const generations = server.kubectl(['get', 'fist', '-o', 'jsonpath={.items[*].status.observedGeneration}']);
    expect(generations.split(' ')).toEqual(['-1', '-1', '-1']);
  });

  test('columns, short names and the category', () => {
    const names = ['one', 'look', 'out'];
    for (const [place, plural] of examples.entries()) {
      const status = { ready: true, observedGeneration: 1, conditions: [condition], ...statuses[place] };
      const patch = ['--type', 'merge', '-p', JSON.stringify({ status })];
      const object = [`${plural}.punchingfist.io`, names[place] ?? ''];
      server.kubectl(['patch', ...object, '--subresource=status', ...patch]);
      const kept = JSON.parse(server.kubectl(['get', ...object, '-o', 'json'])) as { readonly status: object };
      expect(kept.status).toEqual(status);
    }
    const shown = (name: string, ...more: readonly string[]) =>
      server
        .kubectl(['get', name, ...more])
        .replaceAll(/ +/g, ' ')
        .replaceAll(/\b\d+[a-z0-9]*\b/g, 'TIME')
        .trim()
        .split('\n')
        .map((line) => line.trim());
    expect(shown('fsrc')).toEqual(['NAME TYPE READY REASON LAST EVENT AGE', 'one webhook True Accepted TIME TIME']);
    expect(shown('fwf')).toEqual(['NAME READY REASON PHASE LAST RUN AGE', 'look True Accepted Succeeded TIME TIME']);
    expect(shown('fsink')).toEqual(['NAME TYPE READY REASON LAST SENT AGE', 'out stdout True Accepted TIME TIME']);
    expect(shown('fsink', '-o', 'wide')[1]).toBe('out stdout True Accepted TIME TIME it is in use');
    expect(shown('fist').filter((line) => line !== '' && !line.startsWith('NAME'))).toEqual([
      expect.stringMatching(/^sink\S*\/out /),
      expect.stringMatching(/^source\S*\/one /),
      expect.stringMatching(/^workflow\S*\/look /),
    ]);
  });

  test('objects of the earlier program stay, can be changed, and can be told of', () => {
    const earlier = ['--namespace', 'earlier'];
    server.kubectl(['annotate', 'sources,workflows,sinks', '--all', 'seen=yes', ...earlier]);
    const status = { ready: false, observedGeneration: 1, conditions: [{ ...condition, status: 'False' }] };
    const patch = ['--subresource=status', '--type', 'merge', '-p', JSON.stringify({ status })];
    server.kubectl(['patch', 'fsink', 'unfinished', ...earlier, ...patch]);
    expect(
      server
        .kubectl(['get', 'fist', '-o', 'name', ...earlier])
        .trim()
        .split('\n'),
    ).toHaveLength(15);
    // What is wrong in it cannot become another wrong thing.
    const wrong = ['--type', 'merge', '-p', '{"spec":{"type":"jira"}}'];
    expect(() => server.kubectl(['patch', 'fsink', 'unfinished', ...earlier, ...wrong])).toThrow(
      'config.project is required when type is jira',
    );
  });

  test('kubectl explain tells of each field', () => {
    expect(server.kubectl(['explain', 'source.spec.config.path'])).toContain('Path below /webhook/');
    expect(server.kubectl(['explain', 'workflow.spec.steps'])).toContain('What to find out.');
    expect(server.kubectl(['explain', 'workflow.spec.steps.then.goal'])).toContain('FIELD: goal');
    expect(server.kubectl(['explain', 'sink.status'])).toContain('Deliveries that were sent until now.');
  });

  test('says of each object what lint says', async () => {
    const objects = resourceCorpus();
    const answers = await dryRunAll(cleanup, server, objects);
    const findings = objects.map((object) => lint(object).filter(({ severity }) => severity === 'error'));
    const different = objects.flatMap(({ title }, index) => {
      const errors = findings[index] ?? [];
      const isFine = errors.every(({ beyond }) => beyond !== undefined);
      if (isFine === answers[index]?.isAccepted) return [];
      const told = errors.map(({ beyond = 'schema', message }) => `${beyond}: ${message}`.slice(0, 200));
      return [{ title, lint: told, apiServer: answers[index]?.message.slice(0, 400) }];
    });
    expect(different).toEqual([]);
    expect(objects.length).toBeGreaterThan(4000);
    expect(answers.filter(({ isAccepted }) => isAccepted).length).toBeGreaterThan(1000);
    expect(answers.filter(({ isAccepted }) => !isAccepted).length).toBeGreaterThan(1000);
    expect(
      answers.filter((_, index) => objects[index]?.isGood === true && answers[index]?.isAccepted !== true),
    ).toEqual([]);
    // Defaults that the API server writes into an object change nothing.
    const kept = objects.filter(({ isGood }) => isGood);
    expect(kept.map((object) => linesOf(lint(object)))).toEqual(
      kept.map(({ kind }, index) => linesOf(lint({ kind, spec: answers[index]?.spec as CorpusObject['spec'] }))),
    );
    // Every rule is broken by an object, and each kind of what only lint knows is there that one object can have.
    const broken = new Set(answers.flatMap(({ causes }) => causes.map(({ field, message }) => `${field}: ${message}`)));
    expect([...celMessages()].filter((rule) => ![...broken].some((cause) => isSameRule(cause, rule)))).toEqual([]);
    const kinds = new Set(findings.flat().flatMap(({ beyond }) => (beyond === undefined ? [] : [beyond])));
    const ofFiles: readonly BeyondKind[] = ['Yaml', 'Path'];
    expect([...kinds, ...ofFiles].sort()).toEqual(Object.keys(beyondSchema).sort());
  });

  test('the file is what the API server holds', () => {
    expect(readFileSync(file, 'utf8').match(/^kind: CustomResourceDefinition$/gm)).toHaveLength(3);
    expect(server.kubectl(['diff', '-f', file])).toBe('');
  });
});
