import { kindResources } from '../analyzers/define.ts';
import type { ObjectKind, Question, Relation, Target } from '../analyzers/define.ts';
import { claimsOf } from '../analyzers/reading/claims.ts';
import { commandLineOf } from '../analyzers/reading/command-line.ts';
import { at, conditionOf, controllerOf, isOwnedBy, listAt, mapAt, textAt } from '../analyzers/reading/fields.ts';
import { isReady, podTrouble } from '../analyzers/pods/pod-status.ts';
import { selectsLabels, templateLabels } from '../analyzers/reading/selectors.ts';
import { backendsOf } from '../analyzers/network/ingress.ts';
import { isUnwellSince } from '../analyzers/nodes/node-conditions.ts';
import { failedAt } from '../analyzers/pods/pod-node.ts';
import { serviceOfHost } from '../analyzers/reading/hosts.ts';
import type { Labels } from '../core/alert.ts';
import type { KubernetesObject } from '../core/cluster.ts';
import type { Graph } from './graph.ts';
import { pickerOf, podsOf } from './pods-of.ts';
import type { Reads } from './reads.ts';

/** Pods below one owner that are looked at, the unhealthy ones first. */
const maxPodsOfOwner = 5;

/** An object that a link leads to, with its kind. */
type Found = readonly [ObjectKind, KubernetesObject];

/** A kind of link: from which objects it goes, over which relations it may be come to, and where it leads. */
interface LinkRule {
  readonly relation: Relation;
  readonly from: readonly ObjectKind[];
  /** Only where the target itself was come to by one of these; absent = by any. */
  readonly after?: readonly Relation[];
  /** Only where an alert asks one of these; absent = always. */
  readonly asked?: readonly Question[];
  follow(reads: Reads, target: Target): Promise<readonly Found[]>;
}

/** Ways down: an alert about a pod does not go up to its owner and down again to the pod's siblings. */
const downwards: readonly Relation[] = [
  'alert',
  'holds',
  'owned',
  'selects',
  'selected by',
  'routes to',
  'scales',
  'calls',
  'points at',
];
const podMakers = ['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob'] as const;

const rules: readonly LinkRule[] = [
  { relation: 'scales', from: ['horizontalpodautoscaler'], follow: scaledObject },
  { relation: 'owner', from: ['pod', 'replicaset', 'job', 'statefulset'], follow: ownerOf },
  { relation: 'owned', from: podMakers, after: downwards, follow: ownedBy },
  { relation: 'routes to', from: ['ingress'], follow: servicesOfIngress },
  {
    relation: 'selects',
    from: ['service', 'poddisruptionbudget', 'networkpolicy'],
    // Not from a Service that was come to from one of its pods: the others are its siblings.
    after: downwards.filter((relation) => relation !== 'selected by'),
    follow: selectedBy,
  },
  {
    relation: 'selected by',
    from: ['deployment', 'statefulset', 'daemonset', 'pod'],
    after: ['alert'],
    asked: ['service', 'anything'],
    follow: servicesOf,
  },
  { relation: 'holds', from: ['node'], after: ['alert'], follow: podsOnNode },
  { relation: 'node', from: ['pod'], follow: nodeOf },
  { relation: 'mounts', from: ['pod', 'statefulset'], follow: unboundClaims },
  {
    relation: 'calls',
    from: ['pod', 'deployment', 'statefulset'],
    after: downwards,
    asked: ['service', 'anything'],
    follow: servicesCalled,
  },
];

/** Follows every link from the graph's targets on until nothing new is found. */
export async function followLinks(reads: Reads, graph: Graph, questions: readonly Question[]): Promise<void> {
  const done = new Set<Target>();
  for (let targets = graph.targets(); targets.some((target) => !done.has(target)); targets = graph.targets()) {
    for (const target of targets) {
      if (done.has(target)) continue;
      done.add(target);
      for (const rule of rules) {
        if (!rule.from.includes(target.kind)) continue;
        if (rule.after !== undefined && !rule.after.includes(target.relation)) continue;
        if (rule.asked?.some((question) => questions.includes(question)) === false) continue;
        for (const [kind, object] of await rule.follow(reads, target)) graph.add(kind, object, rule.relation, target);
      }
    }
  }
}

/** Follows the managing owner: pod, replica set, deployment; job, cron job. A deployment says all that its replica set does. */
async function ownerOf(reads: Reads, target: Target): Promise<readonly Found[]> {
  const owner = controllerOf(target.object);
  return owner === null ? [] : namedOwner(reads, target.namespace, owner.kind, owner.name);
}

async function namedOwner(
  reads: Reads,
  namespace: string | null,
  ownerKind: string,
  name: string,
): Promise<readonly Found[]> {
  const kind = ownerKind.toLowerCase();
  if (!isKind(kind) || kind === 'node') return [];
  const result = await reads.get(kind, namespace, name);
  if (result.kind !== 'ok') return unreadWithEvents(reads, kind, namespace, name);
  if (result.value === null) return [];
  const above = controllerOf(result.value);
  if (kind === 'replicaset' && above?.kind === 'Deployment') {
    const deployment = await namedOwner(reads, namespace, above.kind, above.name);
    if (deployment.length > 0) return deployment;
  }
  return [[kind, result.value]];
}

/** An object that cannot be read and that events are about: they may say all that matters. */
export async function unreadWithEvents(
  reads: Reads,
  kind: ObjectKind,
  namespace: string | null,
  name: string,
): Promise<readonly Found[]> {
  const events = await reads.events({ kind, namespace, name });
  return events.length === 0 ? [] : [[kind, { metadata: namespace === null ? { name } : { name, namespace } }]];
}

function isKind(kind: string): kind is ObjectKind {
  return Object.hasOwn(kindResources, kind);
}

async function scaledObject(reads: Reads, { namespace, object }: Target): Promise<readonly Found[]> {
  const name = textAt(object, 'spec', 'scaleTargetRef', 'name');
  return name === '' ? [] : namedOwner(reads, namespace, textAt(object, 'spec', 'scaleTargetRef', 'kind'), name);
}

/** Pods of a workload that are not well, or one that is; jobs of a cron job that are not complete. */
async function ownedBy(reads: Reads, target: Target): Promise<readonly Found[]> {
  if (target.kind === 'cronjob') {
    const jobs = await reads.list('jobs', target.namespace);
    if (jobs.kind !== 'ok') return [];
    return jobs.value
      .filter((job) => isOwnedBy(job, target.object) && conditionOf(job, 'Complete')?.status !== 'True')
      .slice(-2)
      .map((job) => ['job', job] as const);
  }
  // What failed on the way of a job that is complete is history.
  if (target.kind === 'job' && conditionOf(target.object, 'Complete')?.status === 'True') return [];
  const { pods, sets } = await podsOf(reads, target);
  const refused = sets.filter((set) => conditionOf(set, 'ReplicaFailure')?.status === 'True');
  return [...refused.map((set) => ['replicaset', set] as const), ...chosenPods(target, pods)];
}

function chosenPods(target: Target, pods: readonly KubernetesObject[]): readonly Found[] {
  const sorted = worstFirst(pods);
  const unwell = sorted.filter((pod) => podTrouble(pod) > 0);
  const chosen = unwell.length > 0 || target.relation !== 'alert' ? unwell : sorted.slice(0, 1);
  return chosen.slice(0, maxPodsOfOwner).map((pod) => ['pod', pod] as const);
}

/** Those in most trouble first; by name where they are alike. */
export function worstFirst(pods: readonly KubernetesObject[]): readonly KubernetesObject[] {
  return [...pods].sort(
    (one, other) => podTrouble(other) - podTrouble(one) || (one.metadata.name < other.metadata.name ? -1 : 1),
  );
}

async function servicesOfIngress(reads: Reads, { namespace, object }: Target): Promise<readonly Found[]> {
  const names = backendsOf(object).map(({ service }) => service);
  const services = await reads.list('services', namespace);
  if (services.kind !== 'ok') return [];
  return services.value.filter(({ metadata }) => names.includes(metadata.name)).map((one) => ['service', one] as const);
}

/** Pods that a selector picks, and, of a service, the workloads whose template it would pick: one may have no pods. */
async function selectedBy(reads: Reads, target: Target): Promise<readonly Found[]> {
  const picks = pickerOf(target);
  const [{ pods }, deployments] = await Promise.all([
    podsOf(reads, target),
    target.kind === 'service' ? reads.list('deployments', target.namespace) : null,
  ]);
  const made = deployments?.kind === 'ok' ? deployments.value.filter((one) => picks(templateLabels(one))) : [];
  return [
    ...made.slice(0, 2).map((one) => ['deployment', one] as const),
    ...chosenPods({ ...target, relation: 'selects' }, pods),
  ];
}

/** Two well pods of the first Service or workload that is linked to an alert, where no pod is: there is nothing wrong with them that objects show. */
export async function wellPods(reads: Reads, linked: readonly Target[]): Promise<readonly Target[]> {
  if (linked.some(({ kind }) => kind === 'pod')) return [];
  const target = linked.find(({ kind }) => kind === 'service' || (podMakers as readonly string[]).includes(kind));
  if (target === undefined) return [];
  const pods = await reads.list('pods', target.namespace);
  if (pods.kind !== 'ok') return [];
  const labels = templateLabels(target.object);
  const picks = target.kind === 'service' ? pickerOf(target) : (own: Labels) => selectsLabels(labels, own);
  return worstFirst(pods.value.filter(({ metadata }) => picks(metadata.labels ?? {})))
    .slice(0, 2)
    .map((object) => ({
      kind: 'pod',
      namespace: target.namespace,
      name: object.metadata.name,
      object,
      relation: target.kind === 'service' ? 'selects' : 'owned',
      via: target,
    }));
}

/** Services whose selector picks the pods of a workload, and the one of its name, whose selector may be wrong. */
async function servicesOf(reads: Reads, target: Target): Promise<readonly Found[]> {
  const services = await reads.list('services', target.namespace);
  if (services.kind !== 'ok') return [];
  const labels = target.kind === 'pod' ? (target.object.metadata.labels ?? {}) : templateLabels(target.object);
  return services.value
    .filter((one) => selectsLabels(mapAt(one, 'spec', 'selector'), labels) || one.metadata.name === target.name)
    .slice(0, 3)
    .map((one) => ['service', one] as const);
}

/** The node of a pod that is not well, where the node was not when the pod failed: what came later explains nothing. */
async function nodeOf(reads: Reads, { object }: Target): Promise<readonly Found[]> {
  const name = textAt(object, 'spec', 'nodeName');
  if (name === '' || isReady(object)) return [];
  const nodes = await reads.list('nodes', null);
  if (nodes.kind !== 'ok') return [];
  const failed = failedAt(object);
  return nodes.value
    .filter((node) => node.metadata.name === name && isUnwellSince(node, failed))
    .map((node) => ['node', node] as const);
}

async function podsOnNode(reads: Reads, target: Target): Promise<readonly Found[]> {
  const pods = await reads.list('pods', null);
  if (pods.kind !== 'ok') return [];
  const onNode = pods.value.filter((pod) => textAt(pod, 'spec', 'nodeName') === target.name);
  return chosenPods({ ...target, relation: 'holds' }, onNode);
}

async function unboundClaims(reads: Reads, { kind, name, namespace, object }: Target): Promise<readonly Found[]> {
  if (kind === 'pod' && isReady(object)) return [];
  const claimed =
    kind === 'pod'
      ? claimsOf(object).map(({ claim }) => claim)
      : listAt(object, 'spec', 'volumeClaimTemplates').map(
          (template) => `${textAt(template, 'metadata', 'name')}-${name}-`,
        );
  const wanted = claimed.filter((one) => one !== '');
  if (wanted.length === 0) return [];
  const claims = await reads.list('persistentvolumeclaims', namespace);
  if (claims.kind !== 'ok') return [];
  return claims.value
    .filter((claim) => textAt(claim, 'status', 'phase') !== 'Bound')
    .filter(({ metadata }) =>
      wanted.some((one) => (kind === 'pod' ? metadata.name === one : isOrdinalOf(metadata.name, one))),
    )
    .map((claim) => ['persistentvolumeclaim', claim] as const);
}

/** Whether a claim is of the template that begins so: `data-db-` and a number; `data-db-copy-0` is of another set. */
const isOrdinalOf = (claim: string, start: string): boolean =>
  claim.startsWith(start) && /^\d+$/.test(claim.slice(start.length));

/** Services that the values of environment variables and the arguments of a workload name. */
async function servicesCalled(reads: Reads, { kind, namespace, object }: Target): Promise<readonly Found[]> {
  const spec = kind === 'pod' ? at(object, 'spec') : at(object, 'spec', 'template', 'spec');
  const values = [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')].flatMap((container) => [
    ...listAt(container, 'env').map((variable) => textAt(variable, 'value')),
    ...commandLineOf(container),
  ]);
  const named = values.filter((value) => value !== '');
  if (named.length === 0) return [];
  const services = await reads.list('services', namespace);
  if (services.kind !== 'ok') return [];
  const called = new Set(named.flatMap((value) => serviceOfHost(value, namespace ?? '', services.value) ?? []));
  return [...called].slice(0, 12).map((one) => ['service', one] as const);
}
