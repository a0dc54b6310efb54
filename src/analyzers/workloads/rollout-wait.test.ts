import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { rolloutWait } from './rollout-wait.ts';

const web = (generation: number, spec: object, status: object) => ({
  metadata: { name: 'web', namespace: 'shop', generation },
  spec: { replicas: 3, ...spec },
  status: { observedGeneration: 4, ...status },
});

test('a change that no controller has seen, for an alert about it', async () => {
  const [finding] = await analyze(rolloutWait, 'deployment', web(5, {}, {}));
  expect(finding).toMatchObject({ category: 'not-observed', decisive: true });
  expect(finding?.cause).toContain('its generation is 5, observed is 4');
  expect(await analyze(rolloutWait, 'deployment', web(4, {}, {}))).toEqual([]);
  expect(await analyze(rolloutWait, 'deployment', web(5, {}, {}), {}, { relation: 'owner' })).toEqual([]);
});

test('pods that are ready, but not for long enough', async () => {
  const ready = { readyReplicas: 3, availableReplicas: 1 };
  const [finding] = await analyze(rolloutWait, 'deployment', web(4, { minReadySeconds: 600 }, ready));
  expect(finding?.cause).toBe(
    'All 3 pods of Deployment web are ready, but 2 not yet for 600 seconds (minReadySeconds): until then they do not count as available.',
  );
  expect(await analyze(rolloutWait, 'deployment', web(4, {}, ready))).toEqual([]);
  const unready = { readyReplicas: 2, availableReplicas: 1 };
  expect(await analyze(rolloutWait, 'deployment', web(4, { minReadySeconds: 600 }, unready))).toEqual([]);
  const agent = {
    metadata: { name: 'agent', namespace: 'shop' },
    spec: { minReadySeconds: 30 },
    status: { desiredNumberScheduled: 2, numberReady: 2, numberAvailable: 0 },
  };
  expect(await analyze(rolloutWait, 'daemonset', agent)).toMatchObject([{ category: 'min-ready' }]);
});
