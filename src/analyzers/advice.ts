import type { Advice, FindingDraft, Place, Question } from './define.ts';
import { templateOwner } from './reading/template-owner.ts';

/** Reading is harmless and needs nobody's approval. */
export const look = (action: string, rationale: string): Advice => ({
  action,
  rationale,
  risk_level: 'low',
  requires_approval: false,
});

/** Whatever changes the cluster needs an approval. */
export const change = (action: string, rationale: string, risk: Advice['risk_level'] = 'medium'): Advice => ({
  action,
  rationale,
  risk_level: risk,
  requires_approval: true,
});

/** Questions about pods that do not run as they should, whoever asks. */
export const podQuestions: readonly Question[] = ['exits', 'unready', 'job', 'service'];
/** The same where containers start and stay: they do not end. */
export const unreadyQuestions: readonly Question[] = ['unready', 'job', 'service'];

/** `kubectl -n shop describe pod/web-1`. */
export function describeCommand(draft: FindingDraft): string {
  const parts = draft.object.split('/');
  const namespace = parts.length === 3 ? `-n ${parts[1]} ` : '';
  return `kubectl ${namespace}describe ${kindAndName(draft.object)}`;
}

/** Looks at the node that a finding names. */
export const describeNode = ({ facts }: FindingDraft, rationale: string): Advice =>
  look(`kubectl describe node ${facts['node'] ?? ''}`.trimEnd(), rationale);

/** `pod/shop/web-1` -> `pod/web-1`, as kubectl takes it. */
export function kindAndName(object: string): string {
  const parts = object.split('/');
  return `${parts[0]}/${parts.at(-1)}`;
}

/** Where a finding is: namespace, pod, container and the object whose template makes the pod. */
export function placeOf(draft: FindingDraft): Place {
  const parts = draft.object.split('/');
  const namespace = parts.length === 3 ? (parts[1] ?? '') : '';
  return { namespace, pod: parts.at(-1) ?? '', container: draft.facts['container'] ?? '', workload: workloadOf(draft) };
}

const withRollouts: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/** The object whose template makes the pod, where a change of it is rolled out. */
function workloadOf({ facts }: FindingDraft): string | null {
  const [kind = '', name = ''] = (facts['owner'] ?? '').split('/');
  const owner = templateOwner({ kind, name }, facts['pod_template_hash']);
  return withRollouts.has(owner.kind) ? `${owner.kind.toLowerCase()}/${owner.name}` : null;
}
