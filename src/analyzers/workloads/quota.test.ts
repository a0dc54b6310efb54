import { expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { quota } from './quota.ts';

const team = (hard: object, used: object) => ({
  kind: 'ResourceQuota',
  metadata: { name: 'team', namespace: 'shop' },
  status: { hard, used },
});
const pod = (name: string, owner: string, memory: string, phase = 'Running') =>
  podObject(name, {
    meta: {
      labels: { 'pod-template-hash': 'h1' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `${owner}-h1`, uid: owner, controller: true },
      ],
    },
    spec: { containers: [{ name: 'app', resources: { requests: { memory } } }] },
    status: { phase },
  });

test('a full quota: what is used, and who uses most of it', async () => {
  const pods = [
    pod('a', 'web', '1Gi'),
    pod('b', 'web', '1Gi'),
    pod('c', 'api', '512Mi'),
    pod('d', 'job', '9Gi', 'Succeeded'),
  ];
  const [finding] = await analyze(
    quota,
    'resourcequota',
    team({ 'requests.memory': '2560Mi', pods: '10' }, { 'requests.memory': '2560Mi', pods: '3' }),
    { pods },
  );
  expect(finding).toMatchObject({
    category: 'quota-full',
    severity: 'high',
    cause:
      'Quota team of namespace shop is used up: requests.memory: 2560Mi of 2560Mi used. Most is used by deployment web (2Gi), deployment api (512Mi).',
  });
});

test('nearly full, and not', async () => {
  expect(await analyze(quota, 'resourcequota', team({ pods: '20' }, { pods: '19' }))).toMatchObject([
    { severity: 'medium' },
  ]);
  expect(await analyze(quota, 'resourcequota', team({ pods: '20', services: '0' }, { pods: '5' }))).toEqual([]);
});
