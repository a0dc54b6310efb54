import { isClusterScoped, kindResources, objectName } from '../analyzers/define.ts';
import type { ObjectKind, Pointer, Question, Target } from '../analyzers/define.ts';
import { controllerOf, listAt, textAt } from '../analyzers/reading/fields.ts';
import { podTrouble } from '../analyzers/pods/pod-status.ts';
import { failedCustomResource } from '../analyzers/custom-resource.ts';
import { isKubernetesName } from '../core/cluster.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { Graph } from './graph.ts';
import { namedObjects } from './labels.ts';
import type { NamedObjects } from './labels.ts';
import { unreadWithEvents, worstFirst } from './links.ts';
import { addInPlace, addUnwell, addUnwellNodes } from './places.ts';
import type { Reads } from './reads.ts';
import { isOutdated } from './recorded.ts';

/** What an alert was understood to be about. */
export interface Subject {
  readonly named: NamedObjects;
  /** For people. */
  readonly scope: string;
  /** Objects that the alert names and that are not there, each with how: `pod/shop/web-1 was not found`. */
  readonly gone: readonly string[];
  /** What could not be found out, and why. */
  readonly questions: readonly string[];
  /** Why nothing else can be the cause: what is read is not what the alert is about; null where it is. */
  readonly mismatch: string | null;
}

/** The scope where labels name nothing. */
export const nothingNamed = 'no Kubernetes object';

/** Objects looked at where only a namespace or nothing is named. */
const maxInPlace = 12;
interface Search {
  readonly reads: Reads;
  readonly graph: Graph;
  readonly questions: string[];
  readonly gone: string[];
}

/** Puts what the alert is about into the graph: the objects that its labels name, else what is unwell where it points. */
export async function findSubject(
  reads: Reads,
  graph: Graph,
  alert: AlertSnapshot | null,
  question: Question,
): Promise<Subject> {
  const search: Search = { reads, graph, questions: [], gone: [] };
  if (alert === null) return findUnwell(reads, graph, null, maxInPlace);
  const named = namedObjects(alert.name, alert.labels);
  for (const label of named.unusable)
    search.questions.push(`Label ${label} of the alert is no Kubernetes name and was not used.`);
  for (const { kind, name } of named.objects)
    await addNamed(search, alert, kind, isClusterScoped(kind) ? null : named.namespace, name);
  if (named.objects.length === 0 && named.instance !== null) await addByAddress(search, named.instance);
  if (named.objects.length === 0 && named.namespace !== null && graph.targets().length === 0)
    await addApplications(search, named.namespace, named.applications);
  if (named.objects.length === 0 && named.namespace !== null && graph.targets().length === 0)
    await addCustomResources(
      search,
      named.namespace,
      named.foreign.map((label) => alert.labels[label] ?? ''),
    );
  // A namespace alone says where to look only if it is known what for, and nothing else is named that is not read here.
  if (isPlaceOnly(named) && graph.targets().length === 0 && question !== 'anything')
    await addInPlace(search, named.namespace, question, maxInPlace);
  if (question === 'node' && named.objects.length === 0 && named.namespace === null && graph.targets().length === 0)
    await addUnwellNodes(search, null, 'holds', maxInPlace);
  if (graph.targets().length === 0) search.questions.push(...nothingFound(reads, named));
  return subjectOf(search, named, scopeText(named));
}

/** Puts what is unwell in a namespace, or in the whole cluster, into the graph. */
export async function findUnwell(
  reads: Reads,
  graph: Graph,
  namespace: string | null,
  limit: number,
): Promise<Subject> {
  const search: Search = { reads, graph, questions: [], gone: [] };
  await addUnwell(search, namespace, 'holds', limit);
  const scope = namespace === null ? 'the whole cluster (no alert was given)' : `namespace ${namespace}`;
  return subjectOf(search, noObjects, scope);
}

/** Whether the alert names a namespace and nothing in it. */
function isPlaceOnly({ objects, namespace, foreign, unusable }: NamedObjects): boolean {
  return namespace !== null && objects.length === 0 && foreign.length === 0 && unusable.length === 0;
}

const noObjects = namedObjects('', {});

function subjectOf({ reads, graph, questions, gone }: Search, named: NamedObjects, scope: string): Subject {
  return { named, scope, questions, gone, mismatch: otherCluster(reads, named) ?? otherPod(graph, named) };
}

function otherCluster({ clusterName }: Reads, { cluster }: NamedObjects): string | null {
  if (clusterName === null || cluster === null || clusterName === cluster) return null;
  return `The alert is about cluster ${cluster}; what was read is cluster ${clusterName}.`;
}

function otherPod(graph: Graph, named: NamedObjects): string | null {
  const [first] = graph.targets();
  const uid = first?.kind === 'pod' ? (first.object.metadata.uid ?? null) : null;
  if (named.uid === null || uid === null || named.uid === uid) return null;
  return `The alert is about a pod with the uid ${named.uid}; the one of this name that was read has the uid ${uid}: it is another.`;
}

/** The object of a pointer, as a target below the one whose finding points at it; null where it cannot be read. */
export async function addPointed(reads: Reads, graph: Graph, pointer: Pointer, via: Target): Promise<Target | null> {
  const known = graph.find(pointer.kind, pointer.namespace, pointer.name);
  if (known !== null) return known;
  if (pointer.kind === 'customresource') {
    const object = await failedCustomResource(reads, pointer.namespace ?? '', pointer.name);
    return object === null ? null : graph.add(pointer.kind, object, 'points at', via);
  }
  // What was listed is not asked for once more.
  const listed = reads.listed(pointer.kind, pointer.namespace, pointer.name);
  if (listed !== null) return graph.add(pointer.kind, listed, 'points at', via);
  const result = await reads.get(pointer.kind, pointer.namespace, pointer.name);
  if (result.kind !== 'ok' || result.value === null) return null;
  return graph.add(pointer.kind, result.value, 'points at', via);
}

async function addNamed(
  search: Search,
  alert: AlertSnapshot,
  kind: ObjectKind,
  namespace: string | null,
  name: string,
): Promise<void> {
  const result = await search.reads.get(kind, namespace, name);
  if (result.kind === 'ok' && result.value !== null) {
    search.graph.add(kind, result.value, 'alert', null);
    return;
  }
  if (kind === 'pod' && result.kind !== 'ok') return;
  // Of a node that was taken away, its events tell by whom.
  if (result.kind !== 'ok' || kind === 'node')
    for (const [unread, object] of await unreadWithEvents(search.reads, kind, namespace, name))
      search.graph.add(unread, object, 'alert', null);
  // Owners are missing in many a dump, and their pods name them.
  const owned = kind === 'pod' ? 0 : await addPodsThatName(search, kind, namespace, name);
  if (owned > 0 || result.kind !== 'ok') return;
  const guess = kind === 'pod' && namespace !== null ? await addFormerOwner(search, namespace, name) : null;
  const what = objectName(kind, namespace, name);
  const absence = await absenceOf(search.reads, alert, { kind, namespace, name }, guess !== null);
  if (guess === null) search.gone.push(`${what} ${absence}`);
  search.questions.push(
    guess === null
      ? `What happened to ${what}? It ${absence}.`
      : `What happened to ${what}? It ${absence}; by its name it belonged to ${guess}, which was looked at instead.`,
  );
}

/** How an object is not there: it is gone only where something proves that it was there. */
async function absenceOf(
  reads: Reads,
  { name: alertName, labels, startsAt }: AlertSnapshot,
  object: Pointer,
  hasOwner: boolean,
): Promise<string> {
  if (isOutdated(reads, startsAt)) return 'is not in the recorded cluster';
  const hasUid = object.kind === 'pod' && namedObjects(alertName, labels).uid !== null;
  const isProven = hasOwner || hasUid || (await reads.events(object)).length > 0;
  return isProven ? 'does not exist any more' : 'was not found';
}

/** Pods whose owner reference names this kind and name; the worst ones. Returns how many there are. */
async function addPodsThatName(
  { reads, graph }: Search,
  kind: ObjectKind,
  namespace: string | null,
  name: string,
): Promise<number> {
  if (!['statefulset', 'daemonset', 'job', 'replicaset'].includes(kind) || namespace === null) return 0;
  const pods = await reads.list('pods', namespace);
  if (pods.kind !== 'ok') return 0;
  const owned = pods.value.filter((pod) => {
    const owner = controllerOf(pod);
    return owner !== null && owner.kind.toLowerCase() === kind && owner.name === name;
  });
  const unwell = worstFirst(owned).filter((pod) => podTrouble(pod) > 0);
  for (const pod of unwell.length > 0 ? unwell.slice(0, 5) : owned.slice(0, 1)) graph.add('pod', pod, 'alert', null);
  return owned.length;
}

/** Pods carry the name of their owner: `web-5577bf7884-59zsl`, `db-0`, `agent-x2x4z`. */
async function addFormerOwner({ reads, graph }: Search, namespace: string, pod: string): Promise<string | null> {
  const patterns: readonly (readonly [RegExp, readonly ObjectKind[]])[] = [
    [/^(.+)-[a-z0-9]{5,10}-[a-z0-9]{5}$/, ['deployment']],
    [/^(.+)-\d+$/, ['statefulset']],
    [/^(.+)-[a-z0-9]{5}$/, ['daemonset', 'job']],
  ];
  for (const [pattern, kinds] of patterns) {
    const name = pattern.exec(pod)?.[1];
    if (name === undefined) continue;
    for (const kind of kinds) {
      const result = await reads.get(kind, namespace, name);
      if (result.kind === 'ok' && result.value !== null) {
        graph.add(kind, result.value, 'alert', null);
        return objectName(kind, namespace, name);
      }
    }
  }
  return null;
}

/** Objects of kinds that are not read, which labels name, where events tell of them. */
async function addCustomResources(
  { reads, graph }: Search,
  namespace: string,
  names: readonly string[],
): Promise<void> {
  for (const name of new Set(names.filter((one) => isKubernetesName(one)))) {
    const object = await failedCustomResource(reads, namespace, name);
    if (object !== null) graph.add('customresource', object, 'alert', null);
  }
}

const applicationKinds = ['service', 'deployment', 'statefulset', 'daemonset'] as const;

/** Workloads and services of this name, or with it in their `app` labels. */
async function addApplications(
  { reads, graph }: Search,
  namespace: string,
  applications: readonly string[],
): Promise<void> {
  if (applications.length === 0) return;
  for (const kind of applicationKinds) {
    const list = await reads.list(kindResources[kind], namespace);
    if (list.kind !== 'ok') continue;
    const named = list.value.filter(({ metadata: { name, labels } }) =>
      [name, labels?.['app'], labels?.['app.kubernetes.io/name'], labels?.['k8s-app']].some(
        (one) => one !== undefined && applications.includes(one),
      ),
    );
    for (const object of named.slice(0, 3)) graph.add(kind, object, 'alert', null);
  }
}

/** A node or a pod by the address of its scrape target. */
async function addByAddress({ reads, graph }: Search, instance: string): Promise<void> {
  const host = instance.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const nodes = await reads.list('nodes', null);
  if (nodes.kind !== 'ok') return;
  const node = nodes.value.find(
    (object) =>
      object.metadata.name === host ||
      listAt(object, 'status', 'addresses').some((address) => textAt(address, 'address') === host),
  );
  if (node !== undefined) graph.add('node', node, 'alert', null);
  const pods = node === undefined ? await reads.list('pods', null) : null;
  const pod = pods?.kind === 'ok' ? pods.value.find((object) => textAt(object, 'status', 'podIP') === host) : undefined;
  if (pod !== undefined) graph.add('pod', pod, 'alert', null);
}

function nothingFound(reads: Reads, named: NamedObjects): readonly string[] {
  if (reads.unavailable() !== null || named.objects.length > 0) return [];
  if (named.namespace !== null)
    return [`Which object in ${scopeText(named)} is the alert about? Its labels name none that is read here.`];
  return [
    'Which object is the alert about? None of its labels names a namespace, pod, deployment, statefulset, daemonset, job, node or service.',
  ];
}

function scopeText(named: NamedObjects): string {
  const objects = named.objects.map(({ kind, name }) =>
    objectName(kind, isClusterScoped(kind) ? null : named.namespace, name),
  );
  if (objects.length > 0)
    return `${objects.join(', ')}${named.container === null ? '' : ` (container ${named.container})`}`;
  return named.namespace === null ? nothingNamed : `namespace ${named.namespace}`;
}
