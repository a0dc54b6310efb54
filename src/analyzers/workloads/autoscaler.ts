import { timeText } from '../../core/time.ts';
import { change, describeCommand, look } from '../advice.ts';
import { defineAnalyzer, kindResources, lasting, objectName } from '../define.ts';
import type { EvidenceDraft, FindingDraft, ObjectKind, Period, Pointer, Target } from '../define.ts';
import { conditionOf, listAt, numberAt, textAt } from '../reading/fields.ts';
import { wasRead } from '../reading/owned.ts';
import { quote } from '../reading/quote.ts';

type Name = 'hpa-target' | 'hpa-metrics' | 'hpa-limited' | 'hpa-behind';
type Draft = FindingDraft<Name>;
type Condition = NonNullable<ReturnType<typeof conditionOf>>;

const describe = (draft: FindingDraft) =>
  look(describeCommand(draft), 'Shows the conditions of the autoscaler, its metrics and its events.');

/** Autoscalers that cannot scale: the target or the metrics are missing, or they are at their limit. */
export const autoscaler = defineAnalyzer({
  name: 'autoscaler',
  kinds: ['horizontalpodautoscaler'],
  explains: [
    'FailedGetScale',
    'FailedUpdateScale',
    'FailedRescale',
    'FailedComputeMetricsReplicas',
    'FailedGetResourceMetric',
    'FailedGetContainerResourceMetric',
    'FailedGetPodsMetric',
    'FailedGetObjectMetric',
    'FailedGetExternalMetric',
    'SelectorRequired',
    'InvalidSelector',
    'AmbiguousSelector',
  ],
  categories: {
    'hpa-target': {
      meaning: 'An autoscaler cannot read or scale what it is to scale.',
      happened: 'could not scale its target',
      nearness: 86,
      answers: ['autoscaler'],
      changes: null,
      advice: (draft) => [describe(draft)],
    },
    'hpa-metrics': {
      meaning: 'An autoscaler gets no metrics, and so does not scale.',
      happened: 'got no metrics',
      nearness: 82,
      answers: ['autoscaler'],
      changes: /request/,
      advice: (draft) => [describe(draft), metricsAdvice(draft)],
    },
    'hpa-limited': {
      meaning: 'An autoscaler is at the largest number of replicas that it may ask for.',
      happened: 'reached its largest number of replicas',
      nearness: 70,
      answers: ['autoscaler'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        describe(draft),
        change(
          `Raise maxReplicas of horizontalpodautoscaler ${name} in namespace ${namespace}, where the nodes have room, or find out what brings the load.`,
          'It asks for more replicas than it may have.',
        ),
      ],
    },
    'hpa-behind': {
      meaning: 'The target of an autoscaler does not have the replicas that it asks for.',
      happened: 'asked for more replicas than there were',
      nearness: 44,
      answers: ['autoscaler'],
      changes: null,
      advice: (draft) => [describe(draft)],
    },
  },
  async run(_, target) {
    if (!wasRead(target)) return [];
    return [...cannotScale(target), ...withoutMetrics(target), ...limited(target), ...behind(target)];
  },
});

function metricsAdvice({ facts }: FindingDraft) {
  if (facts['missing'] === 'request')
    return change(
      'Give every container of the target, sidecars too, a request for the resource that the autoscaler watches.',
      'A utilization is a part of what is requested.',
    );
  return facts['missing'] === 'resource metrics'
    ? look(
        'kubectl get apiservice v1beta1.metrics.k8s.io -o yaml; kubectl -n kube-system get pods -l k8s-app=metrics-server',
        'Shows whether metrics-server is installed and answers.',
      )
    : look(
        'kubectl get apiservices | grep metrics',
        'Shows whether an adapter (Prometheus adapter, KEDA) serves custom and external metrics.',
      );
}

/** A condition; autoscaling/v1 keeps them in an annotation. */
function condition({ object }: Target, type: string): Condition | null {
  const found = conditionOf(object, type);
  const noted = object.metadata.annotations?.['autoscaling.alpha.kubernetes.io/conditions'];
  if (found !== null || noted === undefined) return found;
  try {
    return conditionOf({ status: { conditions: JSON.parse(noted) as unknown } }, type);
  } catch {
    return null;
  }
}

const refName = ({ object }: Target): string =>
  `${textAt(object, 'spec', 'scaleTargetRef', 'kind')} ${textAt(object, 'spec', 'scaleTargetRef', 'name')}`;

function pointersTo({ namespace, object }: Target): readonly Pointer[] {
  const kind = textAt(object, 'spec', 'scaleTargetRef', 'kind').toLowerCase();
  const name = textAt(object, 'spec', 'scaleTargetRef', 'name');
  return Object.hasOwn(kindResources, kind) && name !== '' ? [{ kind: kind as ObjectKind, namespace, name }] : [];
}

function evidence(target: Target): readonly EvidenceDraft[] {
  const { namespace, name, object } = target;
  const count = (part: 'spec' | 'status', field: string): string => String(numberAt(object, part, field) ?? 'unknown');
  const conditions = ['AbleToScale', 'ScalingActive', 'ScalingLimited'].flatMap((type) => {
    const found = condition(target, type);
    return found === null ? [] : [`condition ${type}=${found.status} (${found.reason}: ${found.message})`];
  });
  const excerpt = [
    `target: ${refName(target)}`,
    `replicas: ${count('status', 'currentReplicas')} now, ${count('status', 'desiredReplicas')} wanted, from ${count('spec', 'minReplicas')} to ${count('spec', 'maxReplicas')}`,
    ...conditions,
    ...loads(target),
  ];
  return [{ read: { kind: 'object', of: 'horizontalpodautoscaler', namespace, name }, excerpt: excerpt.join('\n') }];
}

function draft(
  target: Target,
  category: Name,
  text: string,
  found: Condition | null,
  parts: {
    readonly isCause: boolean;
    readonly type: string;
    readonly pointers?: readonly Pointer[];
    readonly facts?: Draft['facts'];
  },
): Draft {
  const when: Period = found === null ? lasting : { from: found.since, until: null, source: `condition ${parts.type}` };
  return {
    category,
    severity: 'high',
    object: objectName('horizontalpodautoscaler', target.namespace, target.name),
    description: text,
    cause: parts.isCause ? text : null,
    decisive: parts.isCause,
    when,
    facts: parts.facts ?? {},
    evidence: evidence(target),
    pointers: parts.pointers ?? [],
  };
}

const sentence = (text: string): string => quote(text, 300).replace(/\.$/, '');

function cannotScale(target: Target): readonly Draft[] {
  const able = condition(target, 'AbleToScale');
  if (able?.status !== 'False' || !able.reason.startsWith('Failed')) return [];
  const text = `Autoscaler ${target.name} cannot scale ${refName(target)} (${able.reason}): ${sentence(able.message)}.`;
  return [
    draft(target, 'hpa-target', text, able, { isCause: true, type: 'AbleToScale', pointers: pointersTo(target) }),
  ];
}

function withoutMetrics(target: Target): readonly Draft[] {
  const active = condition(target, 'ScalingActive');
  if (active?.status !== 'False') return [];
  if (active.reason === 'ScalingDisabled') {
    const text = `Autoscaler ${target.name} does not scale ${refName(target)}, because that is scaled to 0 replicas (ScalingDisabled).`;
    return [
      draft(target, 'hpa-target', text, active, { isCause: true, type: 'ScalingActive', pointers: pointersTo(target) }),
    ];
  }
  const { message } = active;
  const missing = /missing request for/i.test(message)
    ? 'request'
    : /custom\.metrics|external\.metrics|FailedGet(?:Pods|Object|External)/.test(`${message} ${active.reason}`)
      ? 'custom metrics'
      : 'resource metrics';
  const isAway = missing === 'resource metrics' && /resource metrics API|metrics\.k8s\.io/.test(message);
  const server: Pointer = { kind: 'deployment', namespace: 'kube-system', name: 'metrics-server' };
  const text = `Autoscaler ${target.name} gets no metrics for ${refName(target)} and does not scale it (${active.reason}): ${sentence(message)}.`;
  return [
    draft(target, 'hpa-metrics', text, active, {
      isCause: true,
      type: 'ScalingActive',
      pointers: isAway && !/no metrics returned/.test(message) ? [server] : pointersTo(target),
      facts: { missing },
    }),
  ];
}

function limited(target: Target): readonly Draft[] {
  const found = condition(target, 'ScalingLimited');
  const max = numberAt(target.object, 'spec', 'maxReplicas');
  const current = numberAt(target.object, 'status', 'currentReplicas') ?? 0;
  const wanted = numberAt(target.object, 'status', 'desiredReplicas') ?? 0;
  const tooMany = found?.status === 'True' && found.reason === 'TooManyReplicas';
  if (max === null || !(tooMany || Math.min(current, wanted) >= max)) return [];
  const load = loads(target).join(', ');
  const since = tooMany && found.since !== null ? ` since ${timeText(found.since)}` : '';
  const fixed = numberAt(target.object, 'spec', 'minReplicas') === max ? ' (minReplicas is the same)' : '';
  const text = `Autoscaler ${target.name} of ${refName(target)} is at its maxReplicas of ${max}${fixed}${since}${tooMany ? ' and wants more' : ''}${load === '' ? '' : `: ${load}`}.`;
  return [draft(target, 'hpa-limited', text, tooMany ? found : null, { isCause: true, type: 'ScalingLimited' })];
}

/** `cpu 95 % of what is requested, target 70 %`, for metrics of resources. */
function loads({ object }: Target): readonly string[] {
  return listAt(object, 'spec', 'metrics').flatMap((metric) => {
    const source = textAt(metric, 'type') === 'ContainerResource' ? 'containerResource' : 'resource';
    const name = textAt(metric, source, 'name');
    const goal = numberAt(metric, source, 'target', 'averageUtilization');
    const now = listAt(object, 'status', 'currentMetrics').find((one) => textAt(one, source, 'name') === name);
    const value = numberAt(now, source, 'current', 'averageUtilization');
    return name === '' || goal === null || value === null
      ? []
      : [`${name} ${value} % of what is requested, target ${goal} %`];
  });
}

/** Pods that are wanted and are not there: the target says why. */
function behind(target: Target): readonly Draft[] {
  const current = numberAt(target.object, 'status', 'currentReplicas') ?? 0;
  const wanted = numberAt(target.object, 'status', 'desiredReplicas') ?? 0;
  if (wanted <= current) return [];
  const text = `Autoscaler ${target.name} wants ${wanted} replicas of ${refName(target)}, which has ${current}.`;
  return [draft(target, 'hpa-behind', text, null, { isCause: false, type: '', pointers: pointersTo(target) })];
}
