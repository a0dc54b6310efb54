import type { KubernetesObject } from '../../core/cluster.ts';
import { look } from '../advice.ts';
import { defineAnalyzer, lasting, objectName } from '../define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, Target } from '../define.ts';
import { controllerOf, mapAt, textAt } from '../reading/fields.ts';
import { podRequests } from '../pods/pod-requests.ts';
import { quantityOf, quantityText } from '../reading/quantity.ts';
import { templateOwner } from '../reading/template-owner.ts';

/** From this part of a quota on it is nearly full. */
const nearlyFull = 0.9;

/** Quotas that are full or nearly so, and who uses them. */
export const quota = defineAnalyzer({
  name: 'quota',
  kinds: ['resourcequota'],
  explains: [],
  categories: {
    'quota-full': {
      meaning: 'A quota of the namespace is used up, or nearly so.',
      happened: 'was used up',
      nearness: 70,
      answers: ['quota'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        look(`kubectl -n ${namespace} describe resourcequota ${name}`, 'Shows the quota and what is used of it.'),
        look(
          `kubectl -n ${namespace} get pods --sort-by=.metadata.creationTimestamp`,
          `Shows what came last into the namespace; most is used by ${draft.facts['users'] ?? 'its pods'}.`,
        ),
      ],
    },
  },
  async run(io, target) {
    const full = shares(target.object).filter(({ share }) => share >= nearlyFull);
    if (full.length === 0) return [];
    const users = await largestUsers(io, target, full[0]?.resource ?? '');
    const words = full.map(({ resource, used, hard }) => `${resource}: ${used} of ${hard} used`).join('; ');
    const isFull = full.some(({ share }) => share >= 1);
    const by = users.text === '' ? '' : ` Most is used by ${users.text}.`;
    const text = `Quota ${target.name} of namespace ${target.namespace ?? ''} is ${isFull ? 'used up' : 'nearly used up'}: ${words}.${by}`;
    const finding: FindingDraft<'quota-full'> = {
      category: 'quota-full',
      severity: isFull ? 'high' : 'medium',
      object: objectName('resourcequota', target.namespace, target.name),
      description: text,
      cause: text,
      decisive: true,
      when: lasting,
      facts: { used: words, ...(users.text === '' ? {} : { users: users.text }) },
      evidence: [
        {
          read: { kind: 'object', of: 'resourcequota', namespace: target.namespace, name: target.name },
          excerpt: shares(target.object)
            .map(({ resource, used, hard }) => `${resource}: ${used} of ${hard} used`)
            .join('\n'),
        },
        ...users.evidence,
      ],
    };
    return [finding];
  },
});

interface Share {
  readonly resource: string;
  readonly used: string;
  readonly hard: string;
  readonly share: number;
}

/** What is used of each resource, the fullest first; a quota of nothing that is not used is not full. */
function shares(object: KubernetesObject): readonly Share[] {
  const used = mapAt(object, 'status', 'used');
  return Object.entries({ ...mapAt(object, 'spec', 'hard'), ...mapAt(object, 'status', 'hard') })
    .map(([resource, hard]) => {
      const [amount, limit] = [quantityOf(used[resource] ?? '0') ?? 0, quantityOf(hard) ?? 0];
      return { resource, used: used[resource] ?? '0', hard, share: limit === 0 ? Math.sign(amount) : amount / limit };
    })
    .sort((one, other) => other.share - one.share);
}

/** The owners of the pods that take most of a resource. */
async function largestUsers(
  io: AnalyzerIo,
  { namespace }: Target,
  resource: string,
): Promise<{ readonly text: string; readonly evidence: readonly EvidenceDraft[] }> {
  const counted =
    resource === 'pods' || resource === 'count/pods' ? 'pods' : /^(?:requests\.)?(cpu|memory)$/.exec(resource)?.[1];
  const pods = counted === undefined ? null : await io.list('pods', namespace);
  if (counted === undefined || pods?.kind !== 'ok') return { text: '', evidence: [] };
  const sums = new Map<string, number>();
  for (const pod of pods.value.filter((one) => !['Succeeded', 'Failed'].includes(textAt(one, 'status', 'phase')))) {
    const owner = ownerName(pod);
    sums.set(owner, (sums.get(owner) ?? 0) + (counted === 'pods' ? 1 : (podRequests(pod).get(counted) ?? 0)));
  }
  const largest = [...sums].sort(([, one], [, other]) => other - one).slice(0, 3);
  const text = largest.map(([owner, amount]) => `${owner} (${quantityText(counted, amount)})`).join(', ');
  return {
    text,
    evidence: [{ read: { kind: 'list', resource: 'pods', namespace }, excerpt: `${counted} by owner: ${text}` }],
  };
}

/** `deployment web` for a pod of one of its replica sets. */
function ownerName(pod: KubernetesObject): string {
  const owner = controllerOf(pod);
  if (owner === null) return `pod ${pod.metadata.name}`;
  const { kind, name } = templateOwner(owner, pod.metadata.labels?.['pod-template-hash']);
  return `${kind.toLowerCase()} ${name}`;
}
