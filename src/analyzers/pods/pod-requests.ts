import type { KubernetesObject } from '../../core/cluster.ts';
import { mapAt } from '../reading/fields.ts';
import { containersOf } from './pod-status.ts';
import { quantityOf } from '../reading/quantity.ts';

/**
 * What the scheduler counts for a pod, by resource: its containers together or the largest of its init containers,
 * whichever is more, sidecars (init containers that are restarted) beside both, and the overhead of its runtime.
 */
export function podRequests(pod: KubernetesObject): ReadonlyMap<string, number> {
  const main = new Map<string, number>();
  const init = new Map<string, number>();
  const sidecars = new Map<string, number>();
  for (const container of containersOf(pod)) {
    const isSidecar = (container.spec as { restartPolicy?: unknown }).restartPolicy === 'Always';
    for (const [resource, text] of Object.entries({ ...container.limits, ...container.requests })) {
      const amount = quantityOf(text) ?? 0;
      if (!container.init) add(main, resource, amount);
      else if (isSidecar) add(sidecars, resource, amount);
      else init.set(resource, Math.max(init.get(resource) ?? 0, amount + (sidecars.get(resource) ?? 0)));
    }
  }
  for (const [resource, amount] of sidecars) add(main, resource, amount);
  for (const [resource, amount] of init) main.set(resource, Math.max(main.get(resource) ?? 0, amount));
  for (const [resource, text] of Object.entries(mapAt(pod, 'spec', 'overhead')))
    add(main, resource, quantityOf(text) ?? 0);
  return main;
}

function add(sum: Map<string, number>, resource: string, amount: number): void {
  sum.set(resource, (sum.get(resource) ?? 0) + amount);
}
