import type { KubernetesObject } from '../../core/cluster.ts';
import { plural } from '../../lib/words.ts';
import { change, look } from '../advice.ts';
import { defineAnalyzer, kindResources, lasting, objectName } from '../define.ts';
import type { AnalyzerIo, EvidenceDraft, FindingDraft, Pointer, Target } from '../define.ts';
import { conditionOf, mapAt, textAt } from '../reading/fields.ts';
import { isReady, podTrouble } from '../pods/pod-status.ts';
import { labelText, selectsLabels, templateLabels } from '../reading/selectors.ts';
import { nearestTo } from './selector-nearest.ts';

type Draft = FindingDraft<'service-selector' | 'no-endpoints' | 'service-alias'>;
type Selector = Readonly<Record<string, string>>;

/** A workload that makes pods. */
interface Maker {
  readonly kind: 'deployment' | 'daemonset' | 'statefulset';
  readonly object: KubernetesObject;
}

/** Services that send their traffic nowhere: no pod has their labels, the workload has no pods, or none of them is ready. */
export const service = defineAnalyzer({
  name: 'service',
  kinds: ['service'],
  explains: [],
  categories: {
    'service-selector': {
      meaning: 'A Service selects labels that no pod has.',
      happened: 'selected no pod',
      nearness: 82,
      answers: ['service'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} get pods --show-labels`,
          `Shows which labels the pods really have; service ${name} selects ${draft.facts['selector']}.`,
        ),
        ...(draft.facts['nearest'] === undefined
          ? []
          : [
              change(
                `Correct spec.selector of service ${name} in namespace ${namespace} (kubectl -n ${namespace} edit service ${name}), or the labels in the template of the pods.`,
                `The pods that look meant have ${draft.facts['nearest_labels']}.`,
              ),
            ]),
      ],
    },
    'service-alias': {
      meaning: 'A Service of type ExternalName is an alias of a Service that does not exist.',
      happened: 'was an alias of a Service that does not exist',
      nearness: 82,
      answers: ['service'],
      changes: null,
      advice: (_, { namespace, pod: name }) => [
        look(
          `kubectl -n ${namespace} get service ${name} -o jsonpath='{.spec.externalName}'; kubectl get services -A`,
          'Shows the name that the alias stands for, and which services there are.',
        ),
      ],
    },
    'no-endpoints': {
      meaning: 'A Service has no ready pod to send its traffic to.',
      happened: 'had no ready pod',
      nearness: 62,
      answers: ['service'],
      changes: null,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} get pods -l ${draft.facts['selector']} -o wide`,
          'Shows the pods that the service selects, and what keeps them from being ready.',
        ),
      ],
    },
  },
  async run(io, target) {
    const selector = mapAt(target.object, 'spec', 'selector');
    if (textAt(target.object, 'spec', 'type') === 'ExternalName') return aliasOfNothing(io, target);
    // A service without a selector has its endpoints from elsewhere.
    if (Object.keys(selector).length === 0) return [];
    const pods = await io.list('pods', target.namespace);
    if (pods.kind !== 'ok') return [];
    const picked = pods.value.filter((pod) => selectsLabels(selector, pod.metadata.labels ?? {}));
    if (picked.some((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)) return [];
    if (picked.length > 0) return notReady(target, selector, picked);
    if (pods.isPartial === true) return [];
    const deployments = await io.list('deployments', target.namespace);
    const templates = deployments.kind === 'ok' ? deployments.value : [];
    const makers = await workloadsFor(io, target, selector, pods.value, templates);
    if (makers.length > 0) return [withoutPods(target, selector, makers)];
    return selectsNothing(io, target, selector, pods.value, templates);
  },
});

/** An alias of a host outside the cluster cannot be judged; of one inside, its Service has to exist. */
async function aliasOfNothing(io: AnalyzerIo, target: Target): Promise<readonly Draft[]> {
  const host = textAt(target.object, 'spec', 'externalName').replace(/\.$/, '');
  const [, name = '', namespace = ''] = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.|$)/.exec(host) ?? [];
  const services = name === '' ? null : await io.list('services', namespace);
  if (
    services?.kind !== 'ok' ||
    services.isPartial === true ||
    services.value.some(({ metadata }) => metadata.name === name)
  )
    return [];
  const text = `Service ${target.name} is an alias (ExternalName) of ${host}, and there is no service ${name} in namespace ${namespace}.`;
  return [
    {
      category: 'service-alias',
      severity: 'high',
      object: objectName('service', target.namespace, target.name),
      description: text,
      cause: text,
      decisive: true,
      when: lasting,
      facts: { host },
      evidence: [
        {
          read: { kind: 'object', of: 'service', namespace: target.namespace, name: target.name },
          excerpt: `externalName: ${host}`,
        },
        { read: { kind: 'list', resource: 'services', namespace }, excerpt: `no service ${name}` },
      ],
    },
  ];
}

/** Workloads whose pods the selector would pick. Those that many dumps lack are asked for last. */
async function workloadsFor(
  io: AnalyzerIo,
  target: Target,
  selector: Selector,
  pods: readonly KubernetesObject[],
  deployments: readonly KubernetesObject[],
): Promise<readonly Maker[]> {
  const fits = (object: KubernetesObject): boolean => selectsLabels(selector, templateLabels(object));
  const made = deployments.filter(fits);
  if (made.length > 0) return made.map((object) => ({ kind: 'deployment', object }));
  const nearest = nearestTo(target.name, selector, pods);
  if (nearest?.byLabels === true) return [];
  for (const kind of ['daemonset', 'statefulset'] as const) {
    const sets = await io.list(kindResources[kind], target.namespace);
    const fitting = sets.kind === 'ok' ? sets.value.filter(fits) : [];
    if (fitting.length > 0) return fitting.map((object) => ({ kind, object }));
  }
  return [];
}

function serviceEvidence(target: Target, selector: Selector): EvidenceDraft {
  return {
    read: { kind: 'object', of: 'service', namespace: target.namespace, name: target.name },
    excerpt: `selector: ${labelText(selector)}`,
  };
}

function podsEvidence(target: Target, pods: readonly KubernetesObject[]): EvidenceDraft {
  const line = (pod: KubernetesObject): string =>
    `${pod.metadata.name}: ${isReady(pod) ? 'ready' : 'not ready'}, labels ${labelText(pod.metadata.labels ?? {})}`;
  return {
    read: { kind: 'list', resource: 'pods', namespace: target.namespace },
    excerpt: pods.slice(0, 30).map(line).join('\n') || 'there are no pods',
  };
}

/** The pods' own trouble is the cause. */
function notReady(target: Target, selector: Selector, picked: readonly KubernetesObject[]): readonly Draft[] {
  if (target.object.spec?.['publishNotReadyAddresses'] === true) return [];
  const since = picked.map((pod) => conditionOf(pod, 'Ready')?.since ?? null);
  const lastLost = since.reduce((one, other) => (one === null || other === null ? null : one > other ? one : other));
  const worst = picked.toSorted((one, other) => podTrouble(other) - podTrouble(one)).slice(0, 5);
  return [
    {
      category: 'no-endpoints',
      severity: 'high',
      object: objectName('service', target.namespace, target.name),
      description: `Service ${target.name} has no ready pod: it selects ${plural(picked.length, 'pod')} and none is ready.`,
      cause: null,
      decisive: false,
      when: { from: lastLost, until: null, source: lastLost === null ? '' : 'condition Ready of the pods' },
      facts: { selector: labelText(selector), pods: String(picked.length) },
      evidence: [serviceEvidence(target, selector), podsEvidence(target, picked)],
      pointers: worst.map(({ metadata }) => pointerTo('pod', target, metadata.name)),
    },
  ];
}

const pointerTo = (kind: Pointer['kind'], { namespace }: Target, name: string): Pointer => ({ kind, namespace, name });

/** The labels are right, and the workload has no pods: it is scaled to zero, or they are refused. */
function withoutPods(target: Target, selector: Selector, makers: readonly Maker[]): Draft {
  const names = makers.map(({ kind, object }) => `${kind} ${object.metadata.name}`).join(', ');
  return {
    category: 'no-endpoints',
    severity: 'high',
    object: objectName('service', target.namespace, target.name),
    description: `Service ${target.name} selects ${labelText(selector)}, as the pods of ${names} have it, and there is no such pod.`,
    cause: null,
    decisive: false,
    when: lasting,
    facts: { selector: labelText(selector), pods: '0' },
    evidence: [serviceEvidence(target, selector)],
    pointers: makers.map(({ kind, object }) => pointerTo(kind, target, object.metadata.name)),
  };
}

async function isServedByOther(io: AnalyzerIo, target: Target, labels: Selector): Promise<boolean> {
  const services = await io.list('services', target.namespace);
  return (services.kind === 'ok' ? services.value : []).some(
    (other) => other.metadata.name !== target.name && selectsLabels(mapAt(other, 'spec', 'selector'), labels),
  );
}

async function selectsNothing(
  io: AnalyzerIo,
  target: Target,
  selector: Selector,
  pods: readonly KubernetesObject[],
  templates: readonly KubernetesObject[],
): Promise<readonly Draft[]> {
  const nearestPod = nearestTo(target.name, selector, pods);
  const nearest = nearestPod ?? nearestTo(target.name, selector, templates, templateLabels);
  // A service of which nothing is left, or one for a variant of a workload that another service serves: nobody asked for it.
  const asked = !['holds', 'near', 'selected by'].includes(target.relation);
  const isSure =
    asked || (nearest !== null && (nearest.byName || !(await isServedByOther(io, target, nearest.labels))));
  const wanted = labelText(selector);
  const meant =
    nearest === null
      ? ''
      : `: ${nearestPod === null ? 'deployment' : 'pod'} ${nearest.object.metadata.name}, which looks meant, has ${nearest.differs}`;
  return [
    {
      category: 'service-selector',
      severity: isSure ? 'high' : 'low',
      object: objectName('service', target.namespace, target.name),
      description: `Service ${target.name} selects ${wanted} and no pod has these labels${meant}.`,
      cause: `Service ${target.name} selects ${wanted}, and no pod in its namespace has these labels${meant}.`,
      decisive: isSure,
      when: lasting,
      facts: {
        selector: wanted,
        pods: '0',
        ...(nearest === null ? {} : { nearest: nearest.object.metadata.name, nearest_labels: nearest.differs }),
      },
      evidence: [serviceEvidence(target, selector), podsEvidence(target, pods)],
    },
  ];
}
