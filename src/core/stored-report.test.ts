import { expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { incidentOf } from './stored-report.ts';

const report = {
  root_cause: 'Container web was OOMKilled.',
  cause: {
    sentence: 'Container web was OOMKilled.',
    category: 'oom-killed',
    object: 'pod/shop/web-1',
    certainty: 'is',
    since: null,
    change: null,
  },
  findings: [],
};

test('one object in two clusters is two incidents', () => {
  const on = (cluster: string | null): string | null => incidentOf({ ...report, cluster });
  expect(new Set([on('prod-eu'), on('prod-us'), on(null)]).size).toBe(3);
  expect(on('prod-eu')).toBe(on('prod-eu'));
  expect(on(null)).toBe(incidentOf(report));
});

test('pods of one replica set are one incident, others are not', () => {
  const found = (pod: string, evidence: Record<string, string>): JsonObject => ({
    cause: { ...report.cause, object: pod },
    findings: [{ object: pod, evidence }],
  });
  const owner = { owner: 'ReplicaSet/web-5f7' };
  expect(incidentOf(found('pod/shop/web-5f7-a', owner))).toBe(incidentOf(found('pod/shop/web-5f7-b', owner)));
  expect(incidentOf(found('pod/shop/web-5f7-a', owner))).not.toBe(incidentOf(found('pod/other/web-5f7-b', owner)));
  const stateful = { owner: 'StatefulSet/db' };
  expect(incidentOf(found('pod/shop/db-0', stateful))).not.toBe(incidentOf(found('pod/shop/db-1', stateful)));
  expect(incidentOf({ root_cause: null, cause: null })).toBeNull();
  expect(incidentOf(null)).toBeNull();
});
