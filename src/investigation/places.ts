import { kindResources } from '../analyzers/define.ts';
import type { ObjectKind, Question, Relation } from '../analyzers/define.ts';
import { isUnwellNode } from '../analyzers/nodes/node-conditions.ts';
import { podTrouble } from '../analyzers/pods/pod-status.ts';
import { aboutOf } from '../analyzers/reading/events.ts';
import { listAt, textAt } from '../analyzers/reading/fields.ts';
import { replicasOf } from '../analyzers/reading/replicas.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { Graph } from './graph.ts';
import { worstFirst } from './links.ts';
import type { Reads } from './reads.ts';

/** Where to look, and where to put what is found. */
interface Search {
  readonly reads: Reads;
  readonly graph: Graph;
}

/** Objects in the same place that are looked at where nothing that is linked explains the alert. */
const maxNear = 6;

/** Kinds of which every object can answer a question. */
const kindsOfQuestion: Partial<Record<Question, ObjectKind>> = {
  quota: 'resourcequota',
  autoscaler: 'horizontalpodautoscaler',
  disruption: 'poddisruptionbudget',
};

/** What in a namespace may answer the question: all objects of its kind, else what is unwell. */
export async function addInPlace(
  search: Search,
  namespace: string | null,
  question: Question,
  limit: number,
): Promise<void> {
  const kind = kindsOfQuestion[question];
  if (kind === undefined) return addUnwell(search, namespace, 'holds', limit);
  const list = await search.reads.list(kindResources[kind], namespace);
  if (list.kind !== 'ok') return;
  for (const object of list.value.slice(0, limit)) search.graph.add(kind, object, 'holds', null);
}

/** What else is unwell in the namespace of the alert: said to be also broken, never the cause. */
export async function addNear(reads: Reads, graph: Graph, namespace: string | null): Promise<void> {
  if (namespace !== null) await addUnwell({ reads, graph }, namespace, 'near', maxNear);
}

/** Resources whose objects can be unwell by themselves, with what tells that one is worth looking at. */
const placeKinds: readonly (readonly [ObjectKind, (object: KubernetesObject) => boolean])[] = [
  ['deployment', (object) => object.spec?.['replicas'] === 0 || lacksReplicas('deployment', object)],
  ['statefulset', (object) => object.spec?.['replicas'] === 0 || lacksReplicas('statefulset', object)],
  ['daemonset', (object) => lacksReplicas('daemonset', object)],
  [
    'job',
    (object) =>
      listAt(object, 'status', 'conditions').some(
        (one) => textAt(one, 'type') === 'Failed' && textAt(one, 'status') === 'True',
      ),
  ],
  ['persistentvolumeclaim', (object) => !['Bound', ''].includes(textAt(object, 'status', 'phase'))],
  ['service', () => true],
];

function lacksReplicas(kind: ObjectKind, object: KubernetesObject): boolean {
  const { wanted, ready } = replicasOf({ kind, object });
  return ready < wanted;
}

/** Pods, workloads, claims, Services and nodes of a namespace, or (null) of the cluster, that are not well. */
export async function addUnwell(
  { reads, graph }: Search,
  namespace: string | null,
  relation: Relation,
  limit: number,
): Promise<void> {
  const pods = await reads.list('pods', namespace);
  const unwell = pods.kind === 'ok' ? worstFirst(pods.value).filter((pod) => podTrouble(pod) > 0) : [];
  for (const pod of unwell.slice(0, limit)) graph.add('pod', pod, relation, null);
  for (const [kind, isUnwell] of placeKinds) {
    if (relation === 'near' && kind === 'service') continue;
    const list = await reads.list(kindResources[kind], namespace);
    const found = list.kind === 'ok' ? list.value.filter(isUnwell) : await warnedOf(reads, kind, namespace);
    for (const object of found.slice(0, kind === 'service' ? 30 : limit)) graph.add(kind, object, relation, null);
  }
  if (relation === 'near') return;
  const used = pods.kind === 'ok' ? pods.value.map((pod) => textAt(pod, 'spec', 'nodeName')) : [];
  await addUnwellNodes({ reads, graph }, namespace === null ? null : new Set(used), relation, limit);
}

/** Nodes that are not well; with names, only of these. */
export async function addUnwellNodes(
  { reads, graph }: Search,
  names: ReadonlySet<string> | null,
  relation: Relation,
  limit: number,
): Promise<void> {
  const nodes = await reads.list('nodes', null);
  if (nodes.kind !== 'ok') return;
  const unwell = nodes.value.filter((node) => isUnwellNode(node) && (names === null || names.has(node.metadata.name)));
  for (const node of unwell.slice(0, limit)) graph.add('node', node, relation, null);
}

/** Objects of a kind that could not be read, by the warnings about them. */
async function warnedOf(
  reads: Reads,
  kind: ObjectKind,
  namespace: string | null,
): Promise<readonly KubernetesObject[]> {
  const events = namespace === null ? null : await reads.list('events', namespace);
  if (events?.kind !== 'ok' || namespace === null) return [];
  const names = events.value.flatMap((event) => {
    const about = aboutOf(event);
    const isOfKind = textAt(event, 'type') === 'Warning' && textAt(about, 'kind').toLowerCase() === kind;
    return isOfKind ? [textAt(about, 'name')] : [];
  });
  return [...new Set(names)].map((name) => ({ metadata: { name, namespace } }));
}
