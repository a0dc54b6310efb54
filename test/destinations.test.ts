import { afterEach, expect, test } from 'vitest';
import { parseDestinations } from '../src/lib/destinations.ts';
import { firing, startTestApp } from './support/app.ts';
import { createCleanup } from './support/cleanup.ts';
import { startReceiver } from './support/receiver.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test('a server that denies private destinations tells the Sinks that it names, and no other', async () => {
  const receiver = await startReceiver();
  cleanup.defer(() => receiver.stop());
  const inside = receiver.url.replace('127.0.0.1', 'localhost');
  const sink = (name: string, endpoint: string) => `
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: ${name} }
spec: { type: webhook, config: { endpoint: '${endpoint}/${name}' } }`;
  const resources = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: in }
spec: { type: webhook, config: { path: in }, triggerWorkflow: tell }
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: tell }
spec:
  steps: [{ name: first, type: conditional, condition: 'yes' }]
  sinks: [named, other]
${sink('named', inside)}
${sink('other', receiver.url)}
`;
  const world = await startTestApp(cleanup, {
    files: { 'all.yaml': resources },
    destinations: { allowPrivate: false, allowed: parseDestinations(['localhost']) },
  });
  await world.notify('in', [firing({ alertname: 'Told' })]);
  const { deliveries } = await world.endedRun('Told');
  const results = deliveries.map(({ sinkName, status, error }) => ({ sinkName, status, error }));
  const host = new URL(receiver.url).host;
  const error = `requests to ${host} are not allowed: 127.0.0.1 is a private address`;
  expect(results).toHaveLength(2);
  expect(results).toContainEqual({ sinkName: 'named', status: 'sent', error: null });
  expect(results).toContainEqual({ sinkName: 'other', status: 'failed', error });
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/named']);
});
