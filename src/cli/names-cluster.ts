import type { ContextFlags } from '../app/install/connect.ts';

export type { ContextFlags } from '../app/install/connect.ts';

/** Whether a command line names a cluster to read objects from. */
export function namesCluster({ kubeconfig, context }: ContextFlags): boolean {
  return kubeconfig !== undefined || context !== undefined;
}
