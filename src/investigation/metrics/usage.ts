/** Which containers are meant; null = all. */
export interface ContainerScope {
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
}

/**
 * What containers use, as cAdvisor measures it: memory as the kernel counts it against the limit (working set), processor time in
 * cores over five minutes. Names are Kubernetes names, so they need no escaping.
 */
export function containerUsage(resource: 'memory' | 'cpu', { namespace, pod, container }: ContainerScope): string {
  const matchers = [
    ...(namespace === null ? [] : [`namespace="${namespace}"`]),
    ...(pod === null ? [] : [`pod="${pod}"`]),
    container === null ? 'container!="",container!="POD"' : `container="${container}"`,
  ].join(',');
  return resource === 'memory'
    ? `max by (namespace, pod, container) (container_memory_working_set_bytes{${matchers}})`
    : `sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{${matchers}}[5m]))`;
}
