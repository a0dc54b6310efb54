import type { KubernetesObject } from '../../core/cluster.ts';
import { at, mapAt, textAt } from '../reading/fields.ts';
import { labelText } from '../reading/selectors.ts';
import { taintText, untolerated } from '../reading/taints.ts';

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

/** Taints that the controllers set for conditions; daemon sets tolerate them by themselves. */
function isOfConditions(key: string): boolean {
  return /^node\.kubernetes\.io\/(?:not-ready|unreachable|disk-pressure|memory-pressure|pid-pressure|unschedulable|network-unavailable)$/.test(
    key,
  );
}

/** The spec of the pods that a workload makes. */
export const templateSpec = (workload: KubernetesObject): unknown => at(workload, 'spec', 'template', 'spec');
