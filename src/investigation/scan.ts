import type { Cluster } from '../core/cluster.ts';
import type { Broken, ScanResult } from '../core/scan.ts';
import type { Timestamp } from '../core/time.ts';
import { placeOf } from '../analyzers/advice.ts';
import { oneLine } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { createRecorder } from './evidence.ts';
import { createGraph } from './graph.ts';
import { analyzeLinked } from './investigate.ts';
import { causeSentence } from './cause-words.ts';
import { causes } from './rank.ts';
import type { RankedFinding } from './findings.ts';
import { openReads } from './reads.ts';
import { findUnwell } from './targets.ts';

/** Objects that a scan looks at; what is beyond is counted by nobody, so the bound is wide. */
const maxTargets = 400;
const maxOfKind = 100;

/**
 * Everything that is broken now in a namespace, or (null) in the cluster. Throws ClusterUnavailable where nothing could be
 * read, and the signal's reason.
 */
export async function scan(
  cluster: Cluster,
  namespace: string | null,
  now: () => Timestamp,
  signal: AbortSignal,
): Promise<ScanResult> {
  const reads = await openReads(cluster, now, signal);
  const graph = createGraph(maxTargets);
  await findUnwell(reads, graph, namespace, maxOfKind);
  const analyses = await analyzeLinked(reads, graph, ['anything'], signal);
  const down = reads.answered() === 0 ? reads.unavailable() : null;
  if (down !== null) throw down;
  const recorder = createRecorder(1, reads.now, (read) => reads.covers(read));
  const broken = causes(analyses).flatMap(([cause, ...others]) => {
    if (cause === undefined) return [];
    const ids = cause.draft.evidence.flatMap((one) => recorder.record(one) ?? []);
    return ids.length === 0 ? [] : [brokenOf(cause, others, [...new Set(ids)])];
  });
  return {
    broken,
    evidence: recorder.list(),
    not_read: reads.gaps().map(({ what, reason }) => `${what}: ${reason}`),
    observed_at: reads.now,
  };
}

function brokenOf(cause: RankedFinding, others: readonly RankedFinding[], ids: readonly string[]): Broken {
  const { draft, category, alike } = cause;
  const affected = [...alike, ...others.flatMap((one) => [one.draft.object, ...one.alike])];
  const advice = category.advice(draft, placeOf(draft)).find((one) => !one.requires_approval);
  return {
    severity: draft.severity,
    category: draft.category,
    object: draft.object,
    since: draft.when.from,
    cause: oneLine(redact(causeSentence(cause)), 600),
    affects: [...new Set(affected)].filter((object) => object !== draft.object),
    look: advice === undefined ? null : oneLine(redact(advice.action), 400),
    evidence_ids: ids,
  };
}
