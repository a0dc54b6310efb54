import type { KubernetesObject } from '../../core/cluster.ts';
import { at, listAt, mapAt, textAt } from '../reading/fields.ts';
import { labelText } from '../reading/selectors.ts';

/**
 * Why the pods of a template do not belong on a node: a label that it lacks, or a taint that they do not tolerate; null
 * where they do. `spec` is that of a pod or of a template. Required node affinity is not looked at.
 */
export function misfit(spec: unknown, node: KubernetesObject): string | null {
  const labels = node.metadata.labels ?? {};
  const missing = Object.entries(mapAt(spec, 'nodeSelector')).filter(([key, value]) => labels[key] !== value);
  if (missing.length > 0)
    return `it does not have the label ${labelText(Object.fromEntries(missing))} of the nodeSelector`;
  const taint = untolerated(spec, node).find((one) => !isOfConditions(textAt(one, 'key')));
  return taint === undefined ? null : `its taint ${taintText(taint)} is not tolerated`;
}

/** The taints of a node that keep pods of this spec away from it. */
export function untolerated(spec: unknown, node: KubernetesObject): readonly unknown[] {
  const tolerations = listAt(spec, 'tolerations');
  return listAt(node, 'spec', 'taints').filter(
    (one) =>
      textAt(one, 'effect') !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, one)),
  );
}

/** Taints that the controllers set for conditions; daemon sets tolerate them by themselves. */
function isOfConditions(key: string): boolean {
  return /^node\.kubernetes\.io\/(?:not-ready|unreachable|disk-pressure|memory-pressure|pid-pressure|unschedulable|network-unavailable)$/.test(
    key,
  );
}

function tolerates(toleration: unknown, taint: unknown): boolean {
  const effect = textAt(toleration, 'effect');
  if (effect !== '' && effect !== textAt(taint, 'effect')) return false;
  const key = textAt(toleration, 'key');
  if (textAt(toleration, 'operator') === 'Exists') return key === '' || key === textAt(taint, 'key');
  return key === textAt(taint, 'key') && textAt(toleration, 'value') === textAt(taint, 'value');
}

/** `dedicated=batch:NoSchedule`, as kubectl writes it. */
export function taintText(taint: unknown): string {
  const value = textAt(taint, 'value');
  return `${textAt(taint, 'key')}${value === '' ? '' : `=${value}`}:${textAt(taint, 'effect')}`;
}

/** The spec of the pods that a workload makes. */
export const templateSpec = (workload: KubernetesObject): unknown => at(workload, 'spec', 'template', 'spec');
