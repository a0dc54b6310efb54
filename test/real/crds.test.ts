import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
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

const condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Accepted',
  message: 'it is in use',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: 1,
};
const lastTimes = [
  { lastEventTime: '2026-01-01T00:00:00Z' },
  { phase: 'Succeeded', lastRun: { id: 'r', phase: 'Succeeded', startTime: '2026-01-01T00:00:00Z' } },
  { lastSentTime: '2026-01-01T00:00:00Z' },
];

describe.skipIf(assets === null)('the CRDs in a real API server', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    // Also without --server-side, where all of an object has to fit into an annotation.
    server.kubectl(['apply', '-f', file]);
    await waitFor('the kinds', () => server.kubectl(['get', 'crd', '-o', 'json']).includes('"Established"'), {});
    await waitFor('their discovery', () => /\bfsink\b/.test(server.kubectl(['api-resources'])), {});
    server.kubectl(['apply', '--server-side', '-f', '-'], objects);
  }, 120_000);

  test('nothing was looked at in the beginning', () => {
    const generations = server.kubectl(['get', 'fist', '-o', 'jsonpath={.items[*].status.observedGeneration}']);
    expect(generations.split(' ')).toEqual(['-1', '-1', '-1']);
  });

  test('columns, short names and the category', () => {
    const names = ['one', 'look', 'out'];
    for (const [place, plural] of examples.entries()) {
      const status = { ready: true, observedGeneration: 1, conditions: [condition], ...lastTimes[place] };
      const patch = ['--type', 'merge', '-p', JSON.stringify({ status })];
      server.kubectl(['patch', `${plural}.punchingfist.io`, names[place] ?? '', '--subresource=status', ...patch]);
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

  test('kubectl explain tells of each field', () => {
    expect(server.kubectl(['explain', 'source.spec.config.path'])).toContain('Path below /webhook/');
    expect(server.kubectl(['explain', 'workflow.spec.steps'])).toContain('What to find out.');
    expect(server.kubectl(['explain', 'workflow.spec.steps.then.goal'])).toContain('FIELD: goal');
    expect(server.kubectl(['explain', 'sink.status'])).toContain('Deliveries that were sent until now.');
  });

  test('the file is what the API server holds', () => {
    expect(readFileSync(file, 'utf8').match(/^kind: CustomResourceDefinition$/gm)).toHaveLength(3);
    expect(server.kubectl(['diff', '-f', file])).toBe('');
  });
});
