import type { KubernetesObject } from '../../core/cluster.ts';
import { plural } from '../../lib/words.ts';
import { describeNode, look } from '../advice.ts';
import { defineAnalyzer, lasting, objectName } from '../define.ts';
import type { AnalyzerIo, FindingDraft, Target } from '../define.ts';
import { numberAt, textAt } from '../reading/fields.ts';
import { podsOf } from '../reading/owned.ts';
import { misfit, templateSpec } from '../pods/placement.ts';

type Draft = FindingDraft<'misscheduled' | 'no-node'>;

/** Daemon sets with pods on nodes where they do not belong, and those that no node takes. */
export const daemonSet = defineAnalyzer({
  name: 'daemon-set',
  kinds: ['daemonset'],
  explains: [],
  categories: {
    'no-node': {
      meaning: 'No node has the labels that the pods of a DaemonSet ask for, or they tolerate the taints of none.',
      happened: 'found no node for its pods',
      nearness: 80,
      answers: ['unready', 'service'],
      changes: /node selector|affinity|tolerations/,
      advice: (_, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} get daemonset/${name} -o wide; kubectl get nodes --show-labels`,
          'Shows what the pods ask of a node, and the labels of the nodes.',
        ),
      ],
    },
    misscheduled: {
      meaning: 'Pods of a DaemonSet run on nodes where they do not belong.',
      happened: 'had pods on nodes where they do not belong',
      nearness: 58,
      answers: ['unready'],
      changes: /node selector|affinity|tolerations/,
      advice: (draft, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} get daemonset/${name} -o wide; kubectl get nodes --show-labels`,
          'Shows what the pods ask of a node, and the labels of the nodes.',
        ),
        describeNode(draft, 'Shows the taints and labels of the node, and since when it has them.'),
      ],
    },
  },
  async run(io, target) {
    const count = numberAt(target.object, 'status', 'numberMisscheduled') ?? 0;
    return [
      ...(count === 0 ? [] : [await misscheduled(io, target, count)]),
      ...(numberAt(target.object, 'status', 'desiredNumberScheduled') === 0 ? await withoutNode(io, target) : []),
    ];
  },
});

/** Of all nodes none fits: the labels or taints of one are shown. */
async function withoutNode(io: AnalyzerIo, target: Target): Promise<readonly Draft[]> {
  const nodes = await io.list('nodes', null);
  if (nodes.kind !== 'ok' || nodes.isPartial === true || nodes.value.length === 0) return [];
  const why = nodes.value.map((one) => ({ node: one.metadata.name, why: misfit(templateSpec(target.object), one) }));
  const [first] = why;
  if (first === undefined || why.some((one) => one.why === null)) return [];
  const text = `DaemonSet ${target.name} has no pods, because none of the ${plural(why.length, 'node')} takes them: of ${first.node}, ${first.why ?? ''}.`;
  return [
    {
      category: 'no-node',
      severity: 'high',
      object: objectName('daemonset', target.namespace, target.name),
      description: text,
      cause: text,
      decisive: true,
      when: lasting,
      facts: { node: first.node },
      evidence: [
        {
          read: { kind: 'object', of: 'daemonset', namespace: target.namespace, name: target.name },
          excerpt: 'desiredNumberScheduled: 0',
        },
        {
          read: { kind: 'list', resource: 'nodes', namespace: null },
          excerpt: why
            .slice(0, 20)
            .map((one) => `${one.node}: ${one.why ?? ''}`)
            .join('\n'),
        },
      ],
    },
  ];
}

async function misscheduled(io: AnalyzerIo, target: Target, count: number): Promise<Draft> {
  const nodes = await io.list('nodes', null);
  const pods = await podsOf(io, target);
  const misplaced = nodes.kind === 'ok' ? whyMisplaced(target.object, pods, nodes.value) : [];
  const [first] = misplaced;
  const where = misplaced
    .slice(0, 3)
    .map(({ pod, node, why }) => `${pod} on node ${node}: ${why}`)
    .join('; ');
  const text = `${plural(count, 'pod')} of DaemonSet ${target.name} ${count === 1 ? 'runs' : 'run'} where ${count === 1 ? 'it does' : 'they do'} not belong${where === '' ? '' : ` (${where})`}.`;
  return {
    category: 'misscheduled',
    severity: 'medium',
    object: objectName('daemonset', target.namespace, target.name),
    description: text,
    cause: first === undefined ? null : text,
    decisive: first !== undefined,
    when: lasting,
    facts: { misscheduled: String(count), ...(first === undefined ? {} : { node: first.node }) },
    evidence: [
      {
        read: { kind: 'object', of: 'daemonset', namespace: target.namespace, name: target.name },
        excerpt: `numberMisscheduled: ${count}`,
      },
    ],
  };
}

function whyMisplaced(
  object: KubernetesObject,
  pods: readonly KubernetesObject[],
  nodes: readonly KubernetesObject[],
): readonly { readonly pod: string; readonly node: string; readonly why: string }[] {
  return pods.flatMap((pod) => {
    const name = textAt(pod, 'spec', 'nodeName');
    const node = nodes.find(({ metadata }) => metadata.name === name);
    const why = node === undefined ? null : misfit(templateSpec(object), node);
    return why === null ? [] : [{ pod: pod.metadata.name, node: name, why }];
  });
}
