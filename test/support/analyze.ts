import { expect } from 'vitest';
import { openReads } from '../../src/investigation/reads.ts';
import type { KubernetesObject } from '../../src/core/cluster.ts';
import type { Analyzer, FindingDraft, ObjectKind, Relation } from '../../src/analyzers/define.ts';
import { memoryCluster } from './memory-cluster.ts';
import type { MemoryOptions, Objects } from './memory-cluster.ts';

/** What an analyzer finds about one object of a cluster; every finding has evidence, and its category is declared. */
export async function analyze(
  analyzer: Analyzer,
  kind: ObjectKind,
  object: object,
  objects: Objects = {},
  options: MemoryOptions & { readonly relation?: Relation } = {},
): Promise<readonly FindingDraft[]> {
  const { relation = 'alert', ...cluster } = options;
  const now = () => '2026-01-01T12:00:00.000Z';
  const reads = await openReads(memoryCluster(objects, cluster), now, new AbortController().signal);
  const { metadata } = object as KubernetesObject;
  const findings = await analyzer.run(reads, {
    kind,
    namespace: metadata.namespace ?? null,
    name: metadata.name,
    object: object as KubernetesObject,
    relation,
    via: null,
  });
  for (const finding of findings) {
    expect(finding.evidence.length).toBeGreaterThan(0);
    expect(Object.keys(analyzer.categories)).toContain(finding.category);
  }
  return findings;
}
