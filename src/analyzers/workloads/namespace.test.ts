import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { placeOf } from '../advice.ts';
import type { Analyzer, FindingDraft } from '../define.ts';
import { namespace } from './namespace.ts';

const deleted = (conditions: Readonly<Record<string, string>>, meta: object = {}, spec: object = {}) => ({
  kind: 'Namespace',
  metadata: { name: 'lab', deletionTimestamp: '2026-01-01T10:00:00Z', ...meta },
  spec: { finalizers: ['kubernetes'], ...spec },
  status: {
    phase: 'Terminating',
    conditions: Object.entries(conditions).map(([type, message]) => ({
      type,
      status: message === '' ? 'False' : 'True',
      message,
      lastTransitionTime: '2026-01-01T10:00:10Z',
    })),
  },
});
const { categories }: Analyzer = namespace;
const adviceOf = (finding: FindingDraft | undefined): string =>
  finding === undefined
    ? ''
    : (categories[finding.category]?.advice(finding, placeOf(finding)) ?? []).map(({ action }) => action).join('\n');
const service = (within: string, name: string) => ({ kind: 'Service', metadata: { name, namespace: within } });

describe('a namespace that stays in Terminating', () => {
  test('an aggregated API does not answer: its Service is looked at, before what remains', async () => {
    const object = deleted({
      NamespaceContentRemaining: 'Some resources are remaining: pods. has 1 resource instances',
      NamespaceDeletionDiscoveryFailure:
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: external.metrics.k8s.io/v1beta1: stale GroupVersion discovery: external.metrics.k8s.io/v1beta1',
    });
    const services = [
      service('keda', 'keda-operator-metrics-apiserver'),
      service('kube-system', 'metrics-server'),
      service('lab', 'web'),
    ];
    const [finding] = await analyze(namespace, 'namespace', object, { services });
    expect(finding).toMatchObject({
      category: 'namespace-discovery-failed',
      object: 'namespace/lab',
      decisive: true,
      when: { from: '2026-01-01T10:00:10.000Z', source: 'condition NamespaceDeletionDiscoveryFailure' },
      pointers: [{ kind: 'service', namespace: 'keda', name: 'keda-operator-metrics-apiserver' }],
    });
    expect(finding?.cause).toContain('external.metrics.k8s.io/v1beta1: stale GroupVersion discovery');
    expect(adviceOf(finding)).toMatch(/^kubectl get apiservices\n/);
  });

  test('a webhook that is called to delete objects does not answer', async () => {
    const object = deleted({
      NamespaceDeletionContentFailure:
        'Failed to delete all resource types, 1 remaining: Internal error occurred: failed calling webhook "check.example.com": Post "https://guard.policy.svc:443/check?timeout=10s": no endpoints available for service "guard"',
    });
    const [finding] = await analyze(namespace, 'namespace', object);
    expect(finding).toMatchObject({
      category: 'namespace-content-failed',
      pointers: [{ kind: 'service', namespace: 'policy', name: 'guard' }],
    });
    expect(adviceOf(finding)).toContain('kubectl -n policy get service,endpointslices -o wide | grep guard');
  });

  test('what remains is named, with its finalizers, and how to look at it', async () => {
    const object = deleted({
      NamespaceDeletionContentFailure: '',
      NamespaceContentRemaining:
        'Some resources are remaining: pods. has 2 resource instances, workspaces.dev.example.com has 1 resource instances',
      NamespaceFinalizersRemaining:
        'Some content in the namespace has finalizers remaining: dev.example.com/volumes in 1 resource instances',
    });
    const going = podObject('a-1', { meta: { namespace: 'lab', deletionTimestamp: '2026-01-01T10:00:30Z' } });
    const pods = [going, podObject('a-2', { meta: { namespace: 'lab' } }), podObject('a-3')];
    const [finding] = await analyze(namespace, 'namespace', object, { pods });
    expect(finding).toMatchObject({
      category: 'namespace-content-remains',
      facts: { kinds: 'pods, workspaces.dev.example.com', finalizers: 'dev.example.com/volumes' },
      pointers: [{ kind: 'pod', namespace: 'lab', name: 'a-1' }],
    });
    expect(finding?.cause).toContain('was deleted at 2026-01-01 10:00:00 UTC, 2h before');
    expect(finding?.cause).toContain('workspaces.dev.example.com has 1 resource instances');
    expect(adviceOf(finding)).toContain('kubectl -n lab get workspaces.dev.example.com -o yaml');
    expect(adviceOf(finding)).not.toContain('patch');
  });

  test('a finalizer of the namespace itself', async () => {
    const object = deleted({ NamespaceContentRemaining: '' }, { finalizers: ['example.com/tenant'] });
    expect((await analyze(namespace, 'namespace', object))[0]).toMatchObject({
      category: 'namespace-held',
      decisive: true,
      facts: { finalizers: 'example.com/tenant' },
    });
  });

  test('without any word of why there is no cause', async () => {
    const [finding] = await analyze(namespace, 'namespace', deleted({ NamespaceContentRemaining: '' }));
    expect(finding).toMatchObject({ category: 'namespace-terminating', cause: null });
  });

  test('what has just been deleted is on its way', async () => {
    const remains = { NamespaceContentRemaining: 'Some resources are remaining: pods. has 2 resource instances' };
    const object = deleted(remains, { deletionTimestamp: '2026-01-01T11:58:00Z' });
    expect((await analyze(namespace, 'namespace', object))[0]).toMatchObject({ severity: 'info', cause: null });
  });

  test('one that lives is not looked at', async () => {
    expect(await analyze(namespace, 'namespace', deleted({}, { deletionTimestamp: undefined }))).toEqual([]);
  });
});
