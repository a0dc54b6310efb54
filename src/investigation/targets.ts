import { kindResources, objectName } from '../analyzers/define.ts';
import type { ObjectKind, Target } from '../analyzers/define.ts';
import { conditionOf, controllerOf, isOwnedBy, listAt, mapAt, textAt } from '../analyzers/fields.ts';
import { isReady, podTrouble } from '../analyzers/pod-status.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { namedObjects } from './labels.ts';
import type { NamedObjects } from './labels.ts';
import type { Reads } from './reads.ts';

export interface Targets {
  /** What to look at: what the alert names first, then its owners, then what they own. */
  readonly targets: readonly Target[];
  /** What the alert was understood to be about, for people. */
  readonly scope: string;
  /** What could not be found out, and why. */
  readonly questions: readonly string[];
}

/** Pods below one owner that are looked at, the unhealthy ones first. */
const maxPodsOfOwner = 5;
/** Pods looked at where only a namespace, a node or nothing is named. */
const maxPodsOfScope = 8;

interface Search {
  readonly reads: Reads;
  readonly found: Map<string, Target>;
  readonly questions: string[];
}

/** Finds the objects that an alert is about: by its labels, then up to their owners and down to what these own. */
export async function findTargets(reads: Reads, alert: AlertSnapshot | null): Promise<Targets> {
  const search: Search = { reads, found: new Map(), questions: [] };
  if (alert === null) return scanCluster(search);
  const named = namedObjects(alert.name, alert.labels);
  for (const label of named.unusable)
    search.questions.push(`Label ${label} of the alert is no Kubernetes name and was not used.`);
  for (const { kind, name } of named.objects)
    await addNamed(search, kind, kind === 'node' ? null : named.namespace, name);
  if (search.found.size === 0 && named.instance !== null) await addNodeByAddress(search, named.instance);
  if (search.found.size === 0 && named.namespace !== null)
    await addTroubledPods(search, named.namespace, maxPodsOfScope);
  for (const target of snapshot(search)) await addOwners(search, target, 3);
  for (const target of snapshot(search)) await addOwned(search, target);
  await addNodes(search);
  if (search.found.size === 0) search.questions.push(...nothingFound(reads, named));
  return { targets: snapshot(search), scope: scopeText(named), questions: search.questions };
}

async function scanCluster(search: Search): Promise<Targets> {
  await addTroubledPods(search, null, maxPodsOfScope);
  for (const target of snapshot(search)) await addOwners(search, target, 3);
  await addNodes(search);
  return {
    targets: [...search.found.values()],
    scope: 'the whole cluster (no alert was given)',
    questions: search.questions,
  };
}

/** What has been found so far: the map grows while its targets are followed. */
function snapshot(search: Search): readonly Target[] {
  return [...search.found.values()];
}

function add(search: Search, kind: ObjectKind, object: KubernetesObject, relation: Target['relation']): Target {
  const namespace = object.metadata.namespace ?? null;
  const key = objectName(kind, namespace, object.metadata.name);
  const target = search.found.get(key) ?? { kind, namespace, name: object.metadata.name, object, relation };
  search.found.set(key, target);
  return target;
}

async function addNamed(search: Search, kind: ObjectKind, namespace: string | null, name: string): Promise<void> {
  const result = await search.reads.get(kind, namespace, name);
  if (result.kind !== 'ok') return;
  if (result.value !== null) {
    add(search, kind, result.value, 'alert');
    return;
  }
  // A service label often names a scrape target's service or a business service: its absence says nothing.
  if (kind === 'service') return;
  const guess = kind === 'pod' && namespace !== null ? await addFormerOwner(search, namespace, name) : null;
  const what = objectName(kind, namespace, name);
  search.questions.push(
    guess === null
      ? `What happened to ${what}? It does not exist any more.`
      : `What happened to ${what}? It does not exist any more; by its name it belonged to ${guess}, which was looked at instead.`,
  );
}

/** Pods carry the name of their owner: `web-5577bf7884-59zsl`, `db-0`, `agent-x2x4z`. */
async function addFormerOwner(search: Search, namespace: string, pod: string): Promise<string | null> {
  const patterns: readonly (readonly [RegExp, readonly ObjectKind[]])[] = [
    [/^(.+)-[a-z0-9]{5,10}-[a-z0-9]{5}$/, ['deployment']],
    [/^(.+)-\d+$/, ['statefulset']],
    [/^(.+)-[a-z0-9]{5}$/, ['daemonset', 'job']],
  ];
  for (const [pattern, kinds] of patterns) {
    const name = pattern.exec(pod)?.[1];
    if (name === undefined) continue;
    for (const kind of kinds) {
      const result = await search.reads.get(kind, namespace, name);
      if (result.kind === 'ok' && result.value !== null) {
        add(search, kind, result.value, 'alert');
        return objectName(kind, namespace, name);
      }
    }
  }
  return null;
}

async function addNodeByAddress(search: Search, instance: string): Promise<void> {
  const host = instance.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const nodes = await search.reads.list('nodes', null);
  if (nodes.kind !== 'ok') return;
  const node = nodes.value.find(
    (object) =>
      object.metadata.name === host ||
      listAt(object, 'status', 'addresses').some((address) => textAt(address, 'address') === host),
  );
  if (node !== undefined) add(search, 'node', node, 'alert');
}

async function addTroubledPods(search: Search, namespace: string | null, limit: number): Promise<void> {
  const pods = await search.reads.list('pods', namespace);
  if (pods.kind !== 'ok') return;
  for (const pod of worstFirst(pods.value)
    .filter((pod) => podTrouble(pod) > 0)
    .slice(0, limit))
    add(search, 'pod', pod, 'near');
}

function worstFirst(pods: readonly KubernetesObject[]): readonly KubernetesObject[] {
  return [...pods].sort(
    (one, other) => podTrouble(other) - podTrouble(one) || (one.metadata.name < other.metadata.name ? -1 : 1),
  );
}

/** Follows the managing owner: pod, replica set, deployment; job, cron job; an autoscaler's target. */
async function addOwners(search: Search, target: Target, depth: number): Promise<void> {
  if (depth === 0) return;
  const owner = target.kind === 'horizontalpodautoscaler' ? scaledObject(target.object) : controllerOf(target.object);
  const kind = owner?.kind.toLowerCase();
  if (owner === null || kind === undefined || !Object.hasOwn(kindResources, kind)) return;
  const result = await search.reads.get(kind as ObjectKind, target.namespace, owner.name);
  if (result.kind !== 'ok' || result.value === null) return;
  const above = controllerOf(result.value);
  // A deployment says everything that its replica set does.
  const hidden = kind === 'replicaset' && above?.kind === 'Deployment';
  const found: Target = {
    kind: kind as ObjectKind,
    namespace: target.namespace,
    name: owner.name,
    object: result.value,
    relation: 'owner',
  };
  if (!hidden) add(search, found.kind, result.value, target.relation === 'near' ? 'near' : 'owner');
  await addOwners(search, { ...found, relation: target.relation }, depth - 1);
}

function scaledObject(autoscaler: KubernetesObject): { readonly kind: string; readonly name: string } | null {
  const name = textAt(autoscaler, 'spec', 'scaleTargetRef', 'name');
  return name === '' ? null : { kind: textAt(autoscaler, 'spec', 'scaleTargetRef', 'kind'), name };
}

/** Goes down to pods. Healthy ones are of interest only where the alert names their owner and none is unwell. */
async function addOwned(search: Search, target: Target): Promise<void> {
  if (target.kind === 'pod' || target.kind === 'persistentvolumeclaim' || target.kind === 'configmap') return;
  const pods = await search.reads.list('pods', target.kind === 'node' ? null : target.namespace);
  if (pods.kind !== 'ok') return;
  const owned = worstFirst(await podsOf(search, target, pods.value));
  const unwell = owned.filter((pod) => podTrouble(pod) > 0);
  const chosen =
    unwell.length > 0 || target.relation !== 'alert' || target.kind === 'node' ? unwell : owned.slice(0, 1);
  for (const pod of chosen.slice(0, maxPodsOfOwner)) add(search, 'pod', pod, target.kind === 'node' ? 'near' : 'owned');
}

async function podsOf(
  search: Search,
  target: Target,
  pods: readonly KubernetesObject[],
): Promise<readonly KubernetesObject[]> {
  if (target.kind === 'node') return pods.filter((pod) => textAt(pod, 'spec', 'nodeName') === target.name);
  if (target.kind === 'service') {
    const selector = Object.entries(mapAt(target.object, 'spec', 'selector'));
    return selector.length === 0
      ? []
      : pods.filter((pod) => selector.every(([name, value]) => pod.metadata.labels?.[name] === value));
  }
  const between = { deployment: 'replicasets', cronjob: 'jobs' } as const;
  const resource = target.kind === 'deployment' || target.kind === 'cronjob' ? between[target.kind] : null;
  if (resource === null) return pods.filter((pod) => isOwnedBy(pod, target.object));
  const list = await search.reads.list(resource, target.namespace);
  const owners = list.kind === 'ok' ? list.value.filter((object) => isOwnedBy(object, target.object)) : [];
  if (target.kind === 'cronjob')
    for (const job of owners.filter((object) => conditionOf(object, 'Failed')?.status === 'True').slice(-2))
      add(search, 'job', job, 'owned');
  return pods.filter((pod) => owners.some((owner) => isOwnedBy(pod, owner)));
}

/** The nodes of pods that are not well, where the node itself is not. */
async function addNodes(search: Search): Promise<void> {
  const names = new Set(
    [...search.found.values()]
      .flatMap(({ kind, object }) => (kind === 'pod' && !isReady(object) ? [textAt(object, 'spec', 'nodeName')] : []))
      .filter(Boolean),
  );
  if (names.size === 0) return;
  const nodes = await search.reads.list('nodes', null);
  if (nodes.kind !== 'ok') return;
  for (const node of nodes.value) {
    const unwell = listAt(node, 'status', 'conditions').some(
      (condition) => (textAt(condition, 'type') === 'Ready') !== (textAt(condition, 'status') === 'True'),
    );
    if (names.has(node.metadata.name) && unwell) add(search, 'node', node, 'near');
  }
}

function nothingFound(reads: Reads, named: NamedObjects): readonly string[] {
  if (reads.unavailable() !== null) return [];
  if (named.objects.length > 0 || named.namespace !== null)
    return [`Is anything wrong in ${scopeText(named)}? No unhealthy object was found there.`];
  return [
    'Which object is the alert about? None of its labels names a namespace, pod, deployment, statefulset, daemonset, job, node or service.',
  ];
}

function scopeText(named: NamedObjects): string {
  const objects = named.objects.map(({ kind, name }) =>
    objectName(kind, kind === 'node' ? null : named.namespace, name),
  );
  if (objects.length > 0)
    return `${objects.join(', ')}${named.container === null ? '' : ` (container ${named.container})`}`;
  return named.namespace === null ? 'no Kubernetes object' : `namespace ${named.namespace}`;
}
