import type { KubernetesObject } from '../../core/cluster.ts';
import { capital, plural } from '../../lib/words.ts';
import { at, conditionOf, listAt, mapAt, textAt } from '../reading/fields.ts';
import { taintText, untolerated } from '../reading/taints.ts';
import { misfit } from './placement.ts';
import { isUnwellNode, nodeTroubles, notReadySince } from '../nodes/node-conditions.ts';
import { podRequests } from './pod-requests.ts';
import { quantityOf, quantityText } from '../reading/quantity.ts';
import type { Reason, ReasonKind } from './scheduler-message.ts';

/** What the nodes add to the scheduler's words: sentences, each about one kind of reason. */
export function explainReasons(
  pod: KubernetesObject,
  reasons: readonly Reason[],
  nodes: readonly KubernetesObject[],
): readonly string[] {
  const kinds = new Set<ReasonKind>(reasons.map(({ kind }) => kind));
  const resources = new Set(reasons.filter(({ kind }) => kind === 'resource').map(({ named }) => named));
  return [
    ...[...resources].map((resource) => resourceText(pod, resource, nodes)),
    ...(reasons[0]?.kind === 'cordoned' ? [cordonedText(nodes)] : []),
    ...(kinds.has('node-condition') ? [unwellText(pod, nodes)] : []),
    ...(kinds.has('taint') ? [taintsText(pod, nodes)] : []),
    ...(kinds.has('selector') ? [selectorText(pod, nodes)] : []),
    ...(kinds.has('affinity') ? [affinityText(pod)] : []),
    ...(kinds.has('spread') ? [spreadText(pod)] : []),
    ...(kinds.has('ports') ? [portsText(pod)] : []),
    ...(kinds.has('pods') ? [podsText(nodes)] : []),
  ].filter((text) => text !== '');
}

/** Whether less would do: no node is as large as what is asked for. */
export function isLargerThanNodes(
  pod: KubernetesObject,
  resource: string,
  nodes: readonly KubernetesObject[],
): boolean {
  const largest = largestNode(resource, nodes);
  return largest !== null && (podRequests(pod).get(resource) ?? 0) > largest.amount;
}

function largestNode(
  resource: string,
  nodes: readonly KubernetesObject[],
): { readonly name: string; readonly amount: number } | null {
  return nodes
    .flatMap((node) => {
      const amount = quantityOf(textAt(node, 'status', 'allocatable', resource));
      return amount === null ? [] : [{ name: node.metadata.name, amount }];
    })
    .reduce<{ name: string; amount: number } | null>(
      (largest, one) => (largest === null || one.amount > largest.amount ? one : largest),
      null,
    );
}

function resourceText(pod: KubernetesObject, resource: string, nodes: readonly KubernetesObject[]): string {
  const asked = podRequests(pod).get(resource);
  if (asked === undefined) return '';
  const largest = largestNode(resource, nodes);
  const amount = quantityText(resource, asked);
  if (largest === null || largest.amount === 0)
    return nodes.length === 0
      ? `It asks for ${resource} ${amount}.`
      : `It asks for ${resource} ${amount}, and no node offers any ${resource}.`;
  const offer = quantityText(resource, largest.amount);
  return asked > largest.amount
    ? `It asks for ${resource} ${amount}, more than any node has (the largest, ${largest.name}, offers ${offer}).`
    : `It asks for ${resource} ${amount}; the largest node (${largest.name}) offers ${offer} in all, of which too little is free.`;
}

/** The taints that the pod has no toleration for, with the nodes that have them. */
function taintsText(pod: KubernetesObject, nodes: readonly KubernetesObject[]): string {
  const holders = new Map<string, string[]>();
  for (const node of nodes) {
    for (const taint of untolerated(at(pod, 'spec'), node)) {
      if (/^node-role\.kubernetes\.io\/|^node\.kubernetes\.io\//.test(textAt(taint, 'key'))) continue;
      const text = taintText(taint);
      holders.set(text, [...(holders.get(text) ?? []), node.metadata.name]);
    }
  }
  if (holders.size === 0) return '';
  const told = [...holders].slice(0, 4).map(([taint, names]) => `${taint} (${namesText(names)})`);
  return `It has no toleration for the taint ${told.join(', ')}.`;
}

function cordonedText(nodes: readonly KubernetesObject[]): string {
  const names = nodes.filter((node) => node.spec?.['unschedulable'] === true).map(({ metadata }) => metadata.name);
  return names.length === 0 ? '' : `Cordoned: ${namesText(names)}.`;
}

/** Nodes with which something is wrong, of those on which the pod could be otherwise. */
export function unwellFor(pod: KubernetesObject, nodes: readonly KubernetesObject[]): readonly KubernetesObject[] {
  const unwell = nodes.filter(isUnwellNode);
  const meant = unwell.filter((node) => misfit(at(pod, 'spec'), node) === null);
  return meant.length > 0 ? meant : unwell;
}

function unwellText(pod: KubernetesObject, nodes: readonly KubernetesObject[]): string {
  const unwell = unwellFor(pod, nodes);
  const unready = unwell.filter((node) => notReadySince(node) !== null).map(({ metadata }) => metadata.name);
  const troubled = unwell
    .filter((node) => notReadySince(node) === null)
    .map(
      (node) =>
        `${node.metadata.name} (${nodeTroubles(node)
          .map(({ type }) => type)
          .join(', ')})`,
    );
  return [
    unready.length === 0 ? '' : `Not ready: ${namesText(unready)}.`,
    troubled.length === 0 ? '' : `In trouble: ${namesText(troubled)}.`,
  ]
    .filter((text) => text !== '')
    .join(' ');
}

function namesText(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}

/** Labels that the pod asks for and no node has, with those that nodes have instead. */
function selectorText(pod: KubernetesObject, nodes: readonly KubernetesObject[]): string {
  const wanted: readonly (readonly [string, readonly string[]])[] = [
    ...Object.entries(mapAt(pod, 'spec', 'nodeSelector')).map(([key, value]) => [key, [value]] as const),
    ...requiredExpressions(pod),
  ];
  const lacking = wanted.filter(([key, values]) =>
    nodes.every((node) => {
      const value = node.metadata.labels?.[key];
      return value === undefined || (values.length > 0 && !values.includes(value));
    }),
  );
  const shown = (lacking.length > 0 && nodes.length > 0 ? lacking : wanted).map(
    ([key, values]) => `${key}${values.length === 0 ? '' : `=${values.join('|')}`}`,
  );
  if (shown.length === 0) return '';
  if (lacking.length === 0 || nodes.length === 0) return `It asks for a node with the label ${shown.join(', ')}.`;
  const others = lacking.flatMap(([key]) => {
    const values = [...new Set(nodes.flatMap((node) => node.metadata.labels?.[key] ?? []))];
    return values.length === 0 ? [] : [`${key}=${values.slice(0, 4).join('|')}`];
  });
  return `No node has the label ${shown.join(', ')}${others.length === 0 ? '' : ` (nodes have ${others.join(', ')})`}.`;
}

/** `In` and `Exists` of the required node affinity; an empty list of values means any. */
function requiredExpressions(pod: KubernetesObject): readonly (readonly [string, readonly string[]])[] {
  return listAt(
    pod,
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  ).flatMap((term) =>
    listAt(term, 'matchExpressions').flatMap((expression): readonly (readonly [string, readonly string[]])[] => {
      const operator = textAt(expression, 'operator');
      if (operator !== 'In' && operator !== 'Exists') return [];
      const values = listAt(expression, 'values').filter((value) => typeof value === 'string');
      return [[textAt(expression, 'key'), operator === 'In' ? values : []]];
    }),
  );
}

function affinityText(pod: KubernetesObject): string {
  const rules = (['podAntiAffinity', 'podAffinity'] as const).flatMap((kind) =>
    listAt(pod, 'spec', 'affinity', kind, 'requiredDuringSchedulingIgnoredDuringExecution').map((rule) => {
      const labels = Object.entries(mapAt(rule, 'labelSelector', 'matchLabels')).map(
        ([key, value]) => `${key}=${value}`,
      );
      const expressions = listAt(rule, 'labelSelector', 'matchExpressions').map((one) =>
        `${textAt(one, 'key')} ${textAt(one, 'operator')} ${listAt(one, 'values').join('|')}`.trim(),
      );
      const what = [...labels, ...expressions].join(', ') || 'any label';
      const place = textAt(rule, 'topologyKey');
      return kind === 'podAntiAffinity'
        ? `its anti-affinity keeps it away from every ${place} that has a pod with ${what}`
        : `its affinity asks for a ${place} that has a pod with ${what}`;
    }),
  );
  return rules.length === 0 ? 'Other pods keep it away with their own anti-affinity.' : `${capital(rules.join('; '))}.`;
}

function spreadText(pod: KubernetesObject): string {
  const constraints = listAt(pod, 'spec', 'topologySpreadConstraints').filter(
    (constraint) => textAt(constraint, 'whenUnsatisfiable') !== 'ScheduleAnyway',
  );
  const told = constraints.map((constraint) => {
    const skew = at(constraint, 'maxSkew');
    return `over ${textAt(constraint, 'topologyKey')} with a difference of at most ${typeof skew === 'number' ? skew : 1}`;
  });
  return told.length === 0 ? '' : `Its topology spread constraint spreads its pods ${told.join(' and ')}.`;
}

function portsText(pod: KubernetesObject): string {
  const ports = listAt(pod, 'spec', 'containers')
    .flatMap((container) => listAt(container, 'ports'))
    .flatMap((port) => {
      const number = at(port, 'hostPort');
      return typeof number === 'number' ? [String(number)] : [];
    });
  return ports.length === 0
    ? ''
    : `It asks for the host port ${ports.join(', ')}, which another pod has on each of these nodes.`;
}

function podsText(nodes: readonly KubernetesObject[]): string {
  const most = Math.max(0, ...nodes.map((node) => quantityOf(textAt(node, 'status', 'allocatable', 'pods')) ?? 0));
  return most === 0 ? '' : `A node takes at most ${plural(most, 'pod')} here.`;
}

/** `n1: Ready, allocatable cpu=8 memory=32Gi pods=110, taints dedicated:NoSchedule`. */
export function nodeLine(node: KubernetesObject): string {
  const amounts = ['cpu', 'memory', 'pods']
    .map((resource) => `${resource}=${textAt(node, 'status', 'allocatable', resource) || '?'}`)
    .join(' ');
  const taints = listAt(node, 'spec', 'taints').map(taintText);
  const ready = conditionOf(node, 'Ready')?.status === 'True' ? 'Ready' : 'NotReady';
  const cordoned = node.spec?.['unschedulable'] === true ? ' unschedulable' : '';
  return `${node.metadata.name}: ${ready}${cordoned}, allocatable ${amounts}${taints.length === 0 ? '' : `, taints ${taints.join(' ')}`}`;
}
