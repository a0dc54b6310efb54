import type { KubernetesObject } from '../core/cluster.ts';
import type { AnalyzerIo, Pointer } from './define.ts';
import { controllerOf, listAt, textAt } from './fields.ts';
import { isReady } from './pod-status.ts';

/** Pods that serve a node and are not ready, which what they serve has to wait for. */
export interface NodeAgents {
  /** A sentence with a space before it; empty where there are none. */
  readonly note: string;
  readonly pointers: readonly Pointer[];
}

const noAgents: NodeAgents = { note: '', pointers: [] };

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

/** The pods of the network plugin that a message names (of any, where it names none) on a node, if they are not ready. */
export async function networkAgents(io: AnalyzerIo, node: string, message: string): Promise<NodeAgents> {
  if (node === '') return noAgents;
  const named = networks.filter(([words]) => words.test(message));
  const names = (named.length > 0 ? named : networks).map(([, pods]) => pods);
  const wanted = callsService.test(message) ? [...names, proxy] : names;
  const found = await unreadyPods(
    io,
    (pod) => isAgentOn(pod, node) && namesOf(pod).some((name) => wanted.some((pattern) => pattern.test(name))),
  );
  return agentsOf(found, `of the network of node ${node}`);
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
  const found = await unreadyPods(
    io,
    (pod) => (isAgentOn(pod, node) || (attaches && namesOf(pod).includes('csi-attacher'))) && isOfDriver(pod),
  );
  return agentsOf(found, `of CSI driver ${driver}${attaches ? '' : ` on node ${node}`}`);
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

const isAgentOn = (pod: KubernetesObject, node: string): boolean =>
  textAt(pod, 'spec', 'nodeName') === node && controllerOf(pod)?.kind === 'DaemonSet';

const namesOf = (pod: KubernetesObject): readonly string[] => [
  pod.metadata.name,
  ...listAt(pod, 'spec', 'containers').map((container) => textAt(container, 'name')),
];

async function unreadyPods(
  io: AnalyzerIo,
  isWanted: (pod: KubernetesObject) => boolean,
): Promise<readonly KubernetesObject[]> {
  const pods = await io.list('pods', null);
  return pods.kind === 'ok' ? pods.value.filter((pod) => !isReady(pod) && isWanted(pod)).slice(0, 3) : [];
}

function agentsOf(pods: readonly KubernetesObject[], what: string): NodeAgents {
  const names = pods.map(({ metadata: { namespace, name } }) => `${namespace ?? ''}/${name}`);
  if (names.length === 0) return noAgents;
  return {
    note: ` Pod${names.length === 1 ? '' : 's'} ${names.join(', ')} ${what} ${names.length === 1 ? 'is' : 'are'} not ready.`,
    pointers: pods.map(({ metadata: { namespace, name } }) => ({ kind: 'pod', namespace: namespace ?? null, name })),
  };
}
