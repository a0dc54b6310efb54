import { plural } from '../../lib/words.ts';
import { describeCommand, look, unreadyQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, Category, EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { networkAgents } from '../nodes/node-agents.ts';
import { textAt } from '../reading/fields.ts';
import { isCreating, isOvercome } from './pod-creating.ts';
import { podEvidence, podFacts } from './pod-status.ts';
import { ownWords, unwrapped } from './runtime-words.ts';

type SandboxCategory = 'no-pod-address' | 'network-plugin' | 'network-plugin-missing' | 'sandbox-error';

/** Words of the network plugins (AWS, Azure, Calico, Cilium, Flannel, Multus, OVN, ...) and the container runtimes. */
const problems: readonly (readonly [RegExp, SandboxCategory, string])[] = [
  [
    /failed to assign an IP address|no (?:free |available )?(?:IP )?addresses (?:are )?available|no (?:more |free )?IPs?\b|range is full|address pool|ipam.{0,80}(?:exhaust|full|no free)|could not allocate IP|failed to allocate (?:for range|all requested IP)|insufficient (?:free )?(?:IP|address)|InsufficientFreeAddresses|No available addresses/i,
    'no-pod-address',
    'the network has no free IP address for it',
  ],
  [
    /cannot find a network-attachment-definition|network-attachment-definition.{0,80}not found/i,
    'network-plugin',
    'the NetworkAttachmentDefinition that it names does not exist',
  ],
  [
    /(?:sandbox|pause) image|failed to pull.{0,80}pause/i,
    'sandbox-error',
    'the image of the sandbox (pause) cannot be pulled',
  ],
  [
    /dial unix \S{0,100}(?:containerd|crio|docker|cri-?dockerd)\S{0,20}\.sock/i,
    'sandbox-error',
    'the container runtime of the node does not answer',
  ],
  [
    /unauthorized|forbidden|token.{0,40}expired|certificate has expired|x509/i,
    'network-plugin',
    'the network plugin is not authorised (unauthorized) at the API server',
  ],
  [
    /failed to find plugin "(?:[^"]{1,100})"|no such file or directory.{0,40}\/opt\/cni|\/opt\/cni\/bin.{0,80}(?:no such file|not found)/i,
    'network-plugin-missing',
    'a binary of the network plugin is missing on the node',
  ],
  [
    /cni (?:plugin not|config) (?:un)?initialized|no networks? (?:config )?found in|NetworkPluginNotReady|subnet\.env|calico\/nodename|network is not ready/i,
    'network-plugin-missing',
    'the network plugin is not set up on the node',
  ],
  [
    /cilium.{0,80}(?:not running|cannot connect|unable to connect|no such file|connection refused|timed out)|(?:agent|daemon|socket).{0,80}(?:connection refused|no such file)|dial (?:unix|tcp).{0,120}(?:connection refused|no such file|i\/o timeout)/i,
    'network-plugin',
    'the agent of the network plugin, or the API server that it asks, does not answer',
  ],
  [
    /no runtime (?:handler )?for|runtime handler .{1,80} not (?:found|supported)|failed to find runtime handler/i,
    'sandbox-error',
    'the node has no such runtime as its RuntimeClass names',
  ],
  [
    /expected cgroupsPath to be of format|cgroup/i,
    'sandbox-error',
    'its control group cannot be set up (do kubelet and container runtime use the same cgroup driver?)',
  ],
  [/no space left on device/i, 'sandbox-error', 'the disk of the node is full'],
  [
    /too many open files|resource temporarily unavailable|cannot allocate memory|pthread_create/i,
    'sandbox-error',
    'the node is out of processes, files or memory',
  ],
  [
    /plugin type="?[\w-]+"?|networkPlugin|CNI|setup network/i,
    'network-plugin',
    'the network plugin could not set up its network',
  ],
  [
    /deadline exceeded|timed? ?out|name .{1,200} is reserved/i,
    'sandbox-error',
    'the container runtime of the node does not answer in time',
  ],
];

const network = (meaning: string, happened: string, advice: Category['advice']): Category => ({
  meaning,
  happened,
  nearness: 86,
  answers: unreadyQuestions,
  changes: null,
  advice,
});
const pluginPods: Category['advice'] = (draft) => [
  look(
    `Look at the pods of the network plugin on node ${draft.facts['node'] ?? ''}: kubectl get pods -A -o wide --field-selector spec.nodeName=${draft.facts['node'] ?? ''}`,
    'Shows whether the pods of the network plugin on this node run; their logs say what they lack.',
  ),
];

/** Pods on a node whose sandbox, with its network, cannot be created. */
export const podSandbox = defineAnalyzer({
  name: 'pod-sandbox',
  kinds: ['pod'],
  explains: ['FailedCreatePodSandBox', 'FailedPodSandBoxStatus', 'NetworkNotReady'],
  categories: {
    'no-pod-address': network('The network has no free address for a pod.', 'got no address', (draft) => [
      look(
        `Look at the free addresses of node ${draft.facts['node'] ?? ''} (pod CIDR, subnet, network interfaces): kubectl describe node ${draft.facts['node'] ?? ''}`,
        'Shows how many pods the node holds; addresses end before pods do where the subnet or the interfaces are small.',
      ),
    ]),
    'network-plugin': network('The network plugin cannot set up the network of a pod.', 'got no network', pluginPods),
    'network-plugin-missing': network('The network plugin is not set up on a node.', 'got no network', pluginPods),
    'sandbox-error': network('The sandbox of the pod cannot be created.', 'got no sandbox to start in', (draft) => [
      look(describeCommand(draft), 'Shows the error of the network plugin or the container runtime.'),
    ]),
  },
  async run(io, target) {
    if (!isCreating(target.object)) return [];
    const events = await io.events(target);
    const failure = events.findLast(
      ({ type, reason }) => type === 'Warning' && ['FailedCreatePodSandBox', 'NetworkNotReady'].includes(reason),
    );
    return failure === undefined || isOvercome(failure, events) ? [] : [await finding(io, target, failure, events)];
  },
});

async function finding(
  io: AnalyzerIo,
  target: Target,
  event: EventView,
  events: readonly EventView[],
): Promise<FindingDraft<SandboxCategory>> {
  const { object: pod, namespace, name } = target;
  const text = unwrapped(event.message);
  const [, category, words] = problems.find(([pattern]) => pattern.test(text)) ?? [
    null,
    'sandbox-error' as const,
    'the container runtime gives this error',
  ];
  const node = textAt(pod, 'spec', 'nodeName');
  const where = node === '' ? '' : ` on node ${node}`;
  const said = ownWords(event.message, 320);
  const isNetwork = category === 'network-plugin' || category === 'network-plugin-missing';
  const agents = isNetwork ? await networkAgents(io, node, text) : null;
  return {
    category,
    severity: 'high',
    object: objectName('pod', namespace, name),
    description: `Pod ${name} is scheduled and does not start: its sandbox cannot be created${where} (${event.reason}, ${plural(event.count, 'time')}): ${words} (${said}).${agents?.note ?? ''}`,
    cause: `Pod ${name} cannot start: its sandbox cannot be created${where}: ${words} (${said}).${agents?.note ?? ''}`,
    decisive: true,
    when: { from: event.first, until: null, source: `event ${event.reason}` },
    facts: { ...podFacts(pod), reason: event.reason, message: words, ...(node === '' ? {} : { node }) },
    evidence: [eventsEvidence(target, events), podEvidence(target), ...(agents?.evidence ?? [])],
    pointers: [
      ...(agents?.pointers ?? []),
      ...((category === 'network-plugin-missing' || category === 'sandbox-error') && node !== ''
        ? [{ kind: 'node', namespace: null, name: node } as const]
        : []),
    ],
  };
}
