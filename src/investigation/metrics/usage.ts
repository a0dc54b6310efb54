/** Which containers are meant; null = all. */
export interface ContainerScope {
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
}

/** Labels that all of these measurements are added up by. */
const byContainer = 'by (namespace, pod, container)';

/**
 * What containers use, as cAdvisor measures it: memory as the kernel counts it against the limit (working set), processor time in
 * cores over five minutes. Names are Kubernetes names, so they need no escaping.
 */
export function containerUsage(resource: 'memory' | 'cpu', scope: ContainerScope): string {
  const matchers = matchersOf(scope);
  return resource === 'memory'
    ? `max ${byContainer} (container_memory_working_set_bytes{${matchers}})`
    : `sum ${byContainer} (rate(container_cpu_usage_seconds_total{${matchers}}[5m]))`;
}

/**
 * The part of its CPU periods in which a container was held back by its CPU limit, 0 to 1: what the rule CPUThrottlingHigh of
 * https://github.com/kubernetes-monitoring/kubernetes-mixin compares with 25 %. Only containers with a CPU limit have it.
 */
export function containerThrottling(scope: ContainerScope): string {
  const increase = (metric: string): string => `sum ${byContainer} (increase(${metric}{${matchersOf(scope)}}[5m]))`;
  return `${increase('container_cpu_cfs_throttled_periods_total')} / ${increase('container_cpu_cfs_periods_total')}`;
}

/** The limit of a container as kube-state-metrics tells it, for containers whose pod cannot be read any more. */
export function containerLimit(resource: 'memory' | 'cpu', scope: ContainerScope): string {
  return `max ${byContainer} (kube_pod_container_resource_limits{${matchersOf(scope)},resource="${resource}"})`;
}

/**
 * How full the volume of a claim is, 0 to 1, as the kubelet measures it. Sources of both names: kubelet_volume_stats_* of
 * https://kubernetes.io/docs/reference/instrumentation/metrics/.
 */
export function claimFill(what: 'bytes' | 'inodes', namespace: string, claim: string): string {
  const matchers = `namespace="${namespace}",persistentvolumeclaim="${claim}"`;
  const [used, all] =
    what === 'bytes'
      ? ['kubelet_volume_stats_used_bytes', 'kubelet_volume_stats_capacity_bytes']
      : ['kubelet_volume_stats_inodes_used', 'kubelet_volume_stats_inodes'];
  const by = 'by (namespace, persistentvolumeclaim)';
  return `max ${by} (${used}{${matchers}}) / max ${by} (${all}{${matchers}})`;
}

function matchersOf({ namespace, pod, container }: ContainerScope): string {
  return [
    ...(namespace === null ? [] : [`namespace="${namespace}"`]),
    ...(pod === null ? [] : [`pod="${pod}"`]),
    container === null ? 'container!="",container!="POD"' : `container="${container}"`,
  ].join(',');
}
