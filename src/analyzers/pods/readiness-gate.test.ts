import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { readinessGate } from './readiness-gate.ts';

test('a readiness gate that nobody opens', async () => {
  const gate = 'target-health.elbv2.k8s.aws/k8s-shop-web';
  const pod = podObject('web-1', {
    spec: { readinessGates: [{ conditionType: gate }] },
    status: {
      conditions: [
        { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T11:00:00Z' },
        { type: 'ContainersReady', status: 'True' },
        { type: gate, status: 'False', reason: 'Target.FailedHealthChecks', message: 'Health checks failed' },
      ],
    },
  });
  expect((await analyze(readinessGate, 'pod', pod))[0]).toMatchObject({
    category: 'readiness-gate',
    decisive: true,
    cause: `Pod web-1 is not ready because its readiness gate ${gate} is not met: it is False: Health checks failed.`,
  });
});
