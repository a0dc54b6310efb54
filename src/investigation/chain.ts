import type { EvidenceDraft, Target } from '../analyzers/define.ts';
import { nameOf } from '../analyzers/define.ts';
import type { ChainLink } from '../core/finding.ts';
import type { EvidenceRecorder } from './evidence.ts';
import { pathTo } from './graph.ts';
import type { RankedFinding } from './findings.ts';
import type { Ranking } from './rank.ts';

/**
 * The way from what the alert names to the cause, over the objects of every finding of the chain. Each object on it has a
 * finding, or its own state as evidence of the link; an object without either is left out.
 */
export function causalChain({ chain, findings }: Ranking, recorder: EvidenceRecorder): readonly ChainLink[] {
  return wayOf(chain).flatMap(({ target, relation }) => {
    const finding = chain.find((one) => one.target === target) ?? findings.find((one) => one.target === target);
    const evidence = finding?.draft.evidence ?? [stateOf(target)];
    const ids = evidence.flatMap((one) => recorder.record(one) ?? []);
    if (ids.length === 0) return [];
    return [
      {
        object: nameOf(target),
        relation,
        finding: wordsOf(finding),
        happened: finding?.category.happened ?? '',
        evidence_ids: [...new Set(ids)],
      },
    ];
  });
}

interface Step {
  readonly target: Target;
  readonly relation: string;
}

/**
 * To the first finding by its own path, and on to each next one from where the ways part. What was come to by another way
 * before a finding pointed at it begins anew there.
 */
function wayOf(chain: readonly RankedFinding[]): readonly Step[] {
  const way: Step[] = [];
  for (const { target } of chain) {
    const path = pathTo(target);
    const shared = path.findLastIndex((one) => way.some((step) => step.target === one));
    const isPointedAt = way.length > 0 && shared < 0;
    const rest = isPointedAt ? [target] : path.slice(shared + 1);
    way.push(...rest.map((one) => ({ target: one, relation: isPointedAt ? 'points at' : one.relation })));
  }
  return way;
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
