import { expect } from 'vitest';
import type { AgentResult } from '../../src/core/finding.ts';
import type { InvestigationInput, InvestigationOutcome } from '../../src/investigation/input.ts';
import { investigate } from '../../src/investigation/investigate.ts';
import { renderText } from '../../src/report/text.ts';
import type { TextView } from '../../src/report/text.ts';
import { alertOf } from './alert-snapshot.ts';
import { ended, looping } from './ended-container.ts';
import { eventObject, memoryCluster, podObject } from './memory-cluster.ts';
import type { MemoryCluster, MemoryOptions, Objects } from './memory-cluster.ts';

/** The pod of {@link shop}. */
export const podAlert = alertOf({ namespace: 'shop', pod: 'web-h2-abcde', container: 'app' });

/** Investigates {@link podAlert}, or what is asked instead. */
export async function runIn(
  cluster: MemoryCluster | null,
  changes: Partial<InvestigationInput> = {},
): Promise<InvestigationOutcome> {
  return investigate({
    cluster,
    alert: podAlert,
    asked: '',
    firstEvidenceNumber: 1,
    refusal: null,
    now: () => '2026-01-01T12:00:30.000Z',
    signal: new AbortController().signal,
    ...changes,
  });
}

export function textOf(result: AgentResult, view: Partial<TextView> = {}): string {
  return renderText(result, { now: '2026-01-01T12:00:00.000Z', ...view });
}

/** Who manages an object, as its metadata says it. */
export const owner = (kind: string, name: string) => ({
  ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true }],
});

/** A deployment `web` with two revisions and one pod of the second, which is in trouble. */
export function shop(state: object): Objects {
  const set = (name: string, revision: string, created: string, memory: string) => ({
    kind: 'ReplicaSet',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      creationTimestamp: created,
      labels: { 'pod-template-hash': name.slice(4) },
      annotations: { 'deployment.kubernetes.io/revision': revision },
      ...owner('Deployment', 'web'),
    },
    spec: { template: { spec: { containers: [{ name: 'app', resources: { limits: { memory } } }] } } },
  });
  return {
    pods: [
      podObject('web-h2-abcde', {
        meta: { labels: { 'pod-template-hash': 'h2' }, ...owner('ReplicaSet', 'web-h2') },
        state,
      }),
    ],
    replicasets: [
      set('web-h1', '1', '2026-01-01T08:00:00Z', '512Mi'),
      set('web-h2', '2', '2026-01-01T11:35:00Z', '256Mi'),
    ],
    deployments: [
      {
        kind: 'Deployment',
        metadata: {
          name: 'web',
          namespace: 'shop',
          uid: 'uid-web',
          annotations: { 'deployment.kubernetes.io/revision': '2' },
        },
        spec: { replicas: 1 },
        status: { updatedReplicas: 1 },
      },
    ],
    events: [eventObject({ kind: 'Pod', name: 'web-h2-abcde' }, 'BackOff', 'Back-off restarting failed container')],
  };
}

/** The same with images instead of limits in the templates of its revisions. */
export function withImages(objects: Objects, ...tags: readonly string[]): Objects {
  const replicasets = (objects.replicasets ?? []).map((set, index) => ({
    ...set,
    spec: { template: { spec: { containers: [{ name: 'app', image: `app:${tags[index]}` }] } } },
  }));
  return { ...objects, replicasets };
}

/** What its container says. */
export const shopLogs = {
  'shop/web-h2-abcde/app previous': 'memory 255 of 256 MiB\n',
  'shop/web-h2-abcde/app': 'memory 255 of 256 MiB\n',
};

/** {@link shop} with a container that was killed for its memory again and again. */
export const oomShop = (options: MemoryOptions = {}): MemoryCluster =>
  memoryCluster(shop(looping(ended('OOMKilled', 137))), { logs: shopLogs, ...options });

/** Every finding has evidence that stands in the result, and no id stands there twice. */
export function expectSound(result: AgentResult): void {
  const ids = result.evidence.map((evidence) => evidence.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const finding of result.findings) {
    expect(finding.evidence_ids.length).toBeGreaterThan(0);
    for (const id of finding.evidence_ids) expect(ids).toContain(id);
  }
}
