import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject } from '../../../test/support/memory-cluster.ts';
import { scaling } from './scaling.ts';

const web = (spec: object, status: object = {}) => ({
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'shop' },
  spec,
  status,
});
const scaled = (message: string, extra: object = {}) =>
  eventObject({ kind: 'Deployment', name: 'web' }, 'ScalingReplicaSet', message, { type: 'Normal', ...extra });

describe('scaling', () => {
  test('scaled to zero, with the time and the number before', async () => {
    const events = [
      scaled('Scaled up replica set web-7c9 from 1 to 2'),
      scaled('Scaled down replica set web-7c9 from 2 to 0'),
    ];
    const [finding] = await analyze(scaling, 'deployment', web({ replicas: 0 }), { events }, { relation: 'holds' });
    expect(finding).toMatchObject({
      category: 'scaled-to-zero',
      severity: 'high',
      decisive: true,
      when: { from: '2026-01-01T11:59:00.000Z', until: null },
      facts: { replicas_before: '2' },
    });
    expect(finding?.cause).toBe(
      'Deployment web is scaled to 0 replicas (scaled down from 2 to 0 at 2026-01-01 11:59:00 UTC), so it has no pods.',
    );
    const place = { namespace: 'shop', pod: 'web', container: '', workload: null };
    const advice = scaling.categories['scaled-to-zero'].advice(finding!, place);
    expect(advice[0]).toMatchObject({ requires_approval: false });
    expect(advice[1]?.action).toBe('kubectl -n shop scale deployment/web --replicas=2');
  });

  test('the number before in the words of other versions', async () => {
    const events = [scaled('Scaled down replica set web-7c9 to 0 from 3')];
    const [finding] = await analyze(scaling, 'deployment', web({ replicas: 0 }), { events });
    expect(finding).toMatchObject({ facts: { replicas_before: '3' } });
    expect(finding?.cause).toContain('(scaled down from 3 to 0 at');
  });

  test('one that nobody asks for and that is off since long is no cause', async () => {
    const object = web({ replicas: 0 });
    const [unknown] = await analyze(scaling, 'deployment', object, {}, { relation: 'holds' });
    expect(unknown).toMatchObject({ severity: 'info' });
    const old = [scaled('Scaled down replica set web-7c9 to 0', { lastTimestamp: '2025-12-30T12:00:00Z' })];
    expect(await analyze(scaling, 'deployment', object, { events: old }, { relation: 'near' })).toMatchObject([
      { severity: 'info' },
    ]);
    expect(await analyze(scaling, 'deployment', object, { events: old })).toMatchObject([{ severity: 'high' }]);
  });

  test('a stateful set by the end of its first pod; a replica set of a rollout is none of it', async () => {
    const events = [
      eventObject(
        { kind: 'StatefulSet', name: 'web' },
        'SuccessfulDelete',
        'delete Pod web-0 in StatefulSet web successful',
      ),
    ];
    const set = { ...web({ replicas: 0 }), kind: 'StatefulSet' };
    expect(await analyze(scaling, 'statefulset', set, { events })).toMatchObject([
      { when: { from: '2026-01-01T11:59:00.000Z' } },
    ]);
    const old = web({ replicas: 0 });
    const owned = {
      ...old,
      metadata: { ...old.metadata, ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd', controller: true }] },
    };
    expect(await analyze(scaling, 'replicaset', owned)).toEqual([]);
    expect(await analyze(scaling, 'deployment', web({ replicas: 1 }))).toEqual([]);
  });

  test('paused before all have the new template is a cause; after that it is only said', async () => {
    const conditions = [
      {
        type: 'Progressing',
        status: 'Unknown',
        reason: 'DeploymentPaused',
        lastTransitionTime: '2026-01-01T10:00:00Z',
      },
    ];
    const spec = { replicas: 3, paused: true };
    const [waiting] = await analyze(
      scaling,
      'deployment',
      web(spec, { updatedReplicas: 1, readyReplicas: 3, conditions }),
    );
    expect(waiting).toMatchObject({ category: 'rollout-paused', severity: 'high', decisive: true });
    expect(waiting?.cause).toContain('is paused since 2026-01-01 10:00:00 UTC (spec.paused): 1 of its 3 replicas');
    const [broken] = await analyze(
      scaling,
      'deployment',
      web(spec, { updatedReplicas: 1, readyReplicas: 2, conditions }),
    );
    expect(broken).toMatchObject({ severity: 'high', cause: null });
    const [done] = await analyze(scaling, 'deployment', web(spec, { updatedReplicas: 3, conditions }));
    expect(done).toMatchObject({ severity: 'info', cause: null });
  });
});
