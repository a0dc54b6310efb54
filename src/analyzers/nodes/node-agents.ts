import type { KubernetesObject } from '../../core/cluster.ts';
import type { AnalyzerIo, EvidenceDraft, Pointer } from '../define.ts';
import { controllerOf, listAt, textAt } from '../reading/fields.ts';
import { isReady } from '../pods/pod-status.ts';

/** What serves a node and is not ready or not there, which what it serves has to wait for. */
export interface NodeAgents {
  /** A sentence with a space before it; empty where there are none. */
  readonly note: string;
  readonly pointers: readonly Pointer[];
  readonly evidence: readonly EvidenceDraft[];
}

const noAgents: NodeAgents = { note: '', pointers: [], evidence: [] };

/** What network plugins call themselves in messages, and how their pods are named. */
const networks: readonly (readonly [RegExp, RegExp])[] = [
  [/flannel/i, /flannel/],
  [/calico/i, /calico|canal/],
  [/cilium/i, /^cilium(?!-operator)/],
  [/aws-?(?:vpc-)?cni|aws-node|ipamd/i, /aws-node|aws-vpc-cni/],
  [/weave/i, /weave/],
  [/multus/i, /multus/],
  [/kindnet/i, /kindnet/],
  [/\b(?:ovn|ovs)/i, /ovn|ovs/],
  [/openshift-sdn/i, /^sdn/],
  [/antrea/i, /antrea/],
  [/kube-?router/i, /kube-router/],
  [/azure-(?:vnet|cn[is])/i, /azure-cn[is]|azure-vnet/],
  [/whereabouts/i, /whereabouts/],
];
/** What a plugin calls at the address of a Service goes through it. */
const proxy = /kube-proxy/;
const callsService = /dial tcp \S{3,60}:443.{0,80}(?:refused|i\/o timeout|no route|unreachable)/i;

/**
 * The pods of the network plugin that a message names (of any, where it names none) on a node, if they are not ready; the
 * DaemonSet, where it has pods on other nodes only.
 */
export async function networkAgents(io: AnalyzerIo, node: string, message: string): Promise<NodeAgents> {
  if (node === '') return noAgents;
  const named = networks.filter(([words]) => words.test(message));
  const plugins = (named.length > 0 ? named : networks).map(([, pods]) => pods);
  const isNamed = (pod: KubernetesObject, patterns: readonly RegExp[]): boolean =>
    isDaemon(pod) && namesOf(pod).some((name) => patterns.some((pattern) => pattern.test(name)));
  const pods = await podsOf(io);
  const agents = pods.filter((pod) => isNamed(pod, plugins));
  const proxies = callsService.test(message) ? pods.filter((pod) => isNamed(pod, [proxy])) : [];
  const unready = [...agents, ...proxies].filter((pod) => isOn(pod, node) && !isReady(pod));
  return unready.length > 0 ? notReady(unready, `of the network of node ${node}`) : missingOn(agents, node);
}

/** Words of the name of a driver that say nothing of which one it is. */
const general = new Set(['csi', 'com', 'io', 'k8s', 'driver', 'drivers', 'plugin', 'storage', 'org', 'net', 'dev']);

/** The pods of a CSI driver that are not ready: those on a node, and those that attach volumes wherever they run. */
export async function driverAgents(io: AnalyzerIo, node: string, message: string): Promise<NodeAgents> {
  const driver = driverOf(message);
  if (driver === '') return noAgents;
  const words = driver.split(/[.-]/).filter((word) => word.length > 2 && !general.has(word));
  const isOfDriver = (pod: KubernetesObject): boolean =>
    JSON.stringify(pod.spec ?? {}).includes(driver) ||
    namesOf(pod).some((name) => name.includes('csi') && words.some((word) => name.includes(word)));
  const attaches = /external-attacher|AttachVolume/.test(message);
  const pods = (await podsOf(io)).filter(isOfDriver);
  const agents = pods.filter((pod) => isDaemon(pod));
  const attachers = attaches ? pods.filter((pod) => !isDaemon(pod) && namesOf(pod).includes('csi-attacher')) : [];
  const unready = [...agents.filter((pod) => isOn(pod, node)), ...attachers].filter((pod) => !isReady(pod));
  return unready.length > 0
    ? notReady(unready, `of CSI driver ${driver}${attaches ? '' : ` on node ${node}`}`)
    : missingOn(agents, node);
}

/** The driver that a message of the kubelet or of the attach controller names; empty where it names none. */
function driverOf(message: string): string {
  const found =
    /driver name (\S{3,100}) not found in the list/.exec(message) ??
    /external-attacher of (\S{3,100}) CSI driver/.exec(message) ??
    /does not contain driver (\S{3,100})/.exec(message) ??
    /dial unix \S{0,60}\/plugins\/([\w.-]{3,100})\//.exec(message);
  return found?.[1] ?? '';
}

const isDaemon = (pod: KubernetesObject): boolean => controllerOf(pod)?.kind === 'DaemonSet';
const isOn = (pod: KubernetesObject, node: string): boolean => textAt(pod, 'spec', 'nodeName') === node;

const namesOf = (pod: KubernetesObject): readonly string[] => [
  pod.metadata.name,
  ...listAt(pod, 'spec', 'containers').map((container) => textAt(container, 'name')),
];

async function podsOf(io: AnalyzerIo): Promise<readonly KubernetesObject[]> {
  const pods = await io.list('pods', null);
  return pods.kind === 'ok' ? pods.value : [];
}

function notReady(unready: readonly KubernetesObject[], what: string): NodeAgents {
  const pods = unready.slice(0, 3);
  const names = pods.map(({ metadata: { namespace, name } }) => `${namespace ?? ''}/${name}`);
  return {
    note: ` Pod${names.length === 1 ? '' : 's'} ${names.join(', ')} ${what} ${names.length === 1 ? 'is' : 'are'} not ready.`,
    pointers: pods.map(({ metadata: { namespace, name } }) => ({ kind: 'pod', namespace: namespace ?? null, name })),
    evidence: [listed(pods)],
  };
}

/** The DaemonSet of agents that are on other nodes, and not on this one. */
function missingOn(agents: readonly KubernetesObject[], node: string): NodeAgents {
  const [first] = agents;
  const owner = first === undefined ? null : controllerOf(first);
  if (first === undefined || owner === null || agents.some((pod) => isOn(pod, node))) return noAgents;
  const namespace = first.metadata.namespace ?? null;
  return {
    note: ` No pod of DaemonSet ${namespace ?? ''}/${owner.name} is on node ${node}, though on others.`,
    pointers: [{ kind: 'daemonset', namespace, name: owner.name }],
    evidence: [listed(agents)],
  };
}

function listed(pods: readonly KubernetesObject[]): EvidenceDraft {
  const lines = pods
    .slice(0, 10)
    .map(
      (pod) =>
        `${pod.metadata.namespace ?? ''}/${pod.metadata.name} on ${textAt(pod, 'spec', 'nodeName')}: ${isReady(pod) ? 'ready' : 'not ready'}`,
    );
  return { read: { kind: 'list', resource: 'pods', namespace: null }, excerpt: lines.join('\n') };
}
