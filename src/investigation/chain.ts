import type { EvidenceDraft, Target } from '../analyzers/define.ts';
import { objectName } from '../analyzers/define.ts';
import type { ChainLink } from '../core/finding.ts';
import type { EvidenceRecorder } from './evidence.ts';
import { pathTo } from './graph.ts';
import type { RankedFinding, Ranking } from './rank.ts';

/**
 * The way from what the alert names to the cause. Each object on it has a finding, or its own state as evidence of the
 * link; an object without either is left out.
 */
export function causalChain({ cause, chain, findings }: Ranking, recorder: EvidenceRecorder): readonly ChainLink[] {
  if (cause === null) return [];
  return pathTo(cause.target).flatMap((target) => {
    const object = objectName(target.kind, target.namespace, target.name);
    const finding =
      chain.find(({ draft }) => draft.object === object) ?? findings.find(({ draft }) => draft.object === object);
    const evidence = finding?.draft.evidence ?? [stateOf(target)];
    const ids = evidence.flatMap((one) => recorder.record(one) ?? []);
    if (ids.length === 0) return [];
    return [{ object, relation: target.relation, finding: wordsOf(finding), evidence_ids: [...new Set(ids)] }];
  });
}

function wordsOf(finding: RankedFinding | undefined): string {
  return finding === undefined ? '' : (finding.draft.cause ?? finding.draft.description);
}

function stateOf({ kind, namespace, name, object }: Target): EvidenceDraft {
  const owners = (object.metadata.ownerReferences ?? []).map((owner) => `owner: ${owner.kind}/${owner.name}`);
  return {
    read: { kind: 'object', of: kind, namespace, name },
    excerpt: [`created: ${object.metadata.creationTimestamp ?? 'unknown'}`, ...owners].join('\n'),
  };
}
