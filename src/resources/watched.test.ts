import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { clusterUse } from './watched.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('what Sources watch and which Sinks make Events, as far as they are valid', () => {
  const path = join(cleanup.temporaryFolder('watched'), 'all.yaml');
  const document = (kind: string, name: string, spec: object) =>
    JSON.stringify({ apiVersion: 'punchingfist.io/v1alpha1', kind, metadata: { name }, spec });
  const watch = { type: 'kubernetes', config: { resource: 'events', event: 'Warning' }, triggerWorkflow: 'triage' };
  const documents = [
    document('Source', 'cluster', watch),
    document('Sink', 'events', { type: 'kubernetes-event', config: {} }),
    document('Sink', 'wrong', { type: 'kubernetes-event', config: { fallbackNamespace: '/' } }),
    document('Sink', 'out', { type: 'stdout', config: {} }),
  ];
  writeFileSync(path, documents.join('\n---\n'));
  expect(clusterUse(path)).toEqual({
    watched: [{ source: 'Source default/cluster', resource: 'events', namespace: null }],
    eventSinks: ['Sink default/events'],
  });
});
