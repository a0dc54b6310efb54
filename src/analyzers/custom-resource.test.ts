import { describe, expect, test } from 'vitest';
import { eventObject, memoryCluster } from '../../test/support/memory-cluster.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import { openReads } from '../investigation/reads.ts';
import { customResource, failedCustomResource } from './custom-resource.ts';

const about = (kind: string, name: string) => ({ kind, name });
const reads = (events: readonly object[]) =>
  openReads(memoryCluster({ events }), () => '2026-01-01T12:00:00.000Z', new AbortController().signal);
const message = 'Failed to create Order: 429 urn:ietf:params:acme:error:rateLimited';
const failed = eventObject(about('Certificate', 'www-tls'), 'Failed', message);

async function analyze(events: readonly object[], kind = 'Certificate', name = 'www-tls') {
  const object = { kind, metadata: { name, namespace: 'shop' } } as KubernetesObject;
  const target = { kind: 'customresource', namespace: 'shop', name, object, relation: 'alert', via: null } as const;
  return customResource.run(await reads(events), target);
}

describe('custom-resource', () => {
  test('what its controller said last, in its words, with the events as evidence', async () => {
    const [finding] = await analyze([failed]);
    expect(finding).toMatchObject({
      category: 'controller-failure',
      object: 'certificate/shop/www-tls',
      decisive: true,
      cause: `Certificate www-tls: its controller says Failed: "${message}".`,
    });
    expect(finding?.evidence[0]?.read).toEqual({
      kind: 'events',
      of: 'certificate',
      namespace: 'shop',
      name: 'www-tls',
    });
  });

  test('a later success ends it; events of another kind, and ordinary ones, do not count', async () => {
    const issued = { ...eventObject(about('Certificate', 'www-tls'), 'Issued', 'done'), type: 'Normal' };
    expect(await analyze([failed, { ...issued, lastTimestamp: '2026-01-01T11:59:59Z' }])).toEqual([]);
    expect(await analyze([eventObject(about('Secret', 'www-tls'), 'Failed', 'x')])).toEqual([]);
    expect(
      await analyze([{ ...eventObject(about('Certificate', 'www-tls'), 'Issuing', 'x'), type: 'Normal' }]),
    ).toEqual([]);
    expect(await analyze([{ ...failed, lastTimestamp: '2025-12-28T11:00:00Z' }])).toEqual([]);
  });

  test('a failure that its controller tells as a normal event', async () => {
    const event = {
      ...eventObject(about('CertificateRequest', 'web-1'), 'IssuerNotFound', 'no letsencrypt-prd'),
      type: 'Normal',
    };
    const [finding] = await analyze([event], 'CertificateRequest', 'web-1');
    expect(finding?.cause).toContain('no letsencrypt-prd');
  });
});

test.each([
  ['the object of this name', [failed], 'www-tls', 'www-tls'],
  [
    'what was made for it',
    [eventObject(about('CertificateRequest', 'www-tls-1'), 'Denied', 'x')],
    'www-tls',
    'www-tls-1',
  ],
  [
    'a name that only begins alike',
    [eventObject(about('Certificate', 'www-tlsx'), 'Failed', 'x')],
    'www-tls',
    undefined,
  ],
  [
    'of several that were made for it the one that failed last, however they are listed',
    [
      {
        ...eventObject(about('CertificateRequest', 'www-tls-2'), 'Denied', 'x'),
        lastTimestamp: '2026-01-01T11:50:00Z',
      },
      {
        ...eventObject(about('CertificateRequest', 'www-tls-1'), 'Denied', 'x'),
        lastTimestamp: '2026-01-01T10:00:00Z',
      },
    ],
    'www-tls',
    'www-tls-2',
  ],
  ['a kind that is read by itself', [eventObject(about('Pod', 'www-tls'), 'Failed', 'x')], 'www-tls', undefined],
  [
    'nothing failed',
    [{ ...eventObject(about('Certificate', 'www-tls'), 'Issued', 'x'), type: 'Normal' }],
    'www-tls',
    undefined,
  ],
])('an object of another kind by its events: %s', async (_, events, name, found) => {
  expect((await failedCustomResource(await reads(events), 'shop', name))?.metadata.name).toBe(found);
});
