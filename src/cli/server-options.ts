import type { Command } from 'commander';
import type { ContextFlags } from '../app/install/connect.ts';

/** Flags that name the server. */
export function serverOptions(command: Command): Command {
  return command
    .option('--server <url>', 'the server (default: FIST_SERVER, else http://127.0.0.1:8080)')
    .option('--token <token>', 'API token (default: FIST_TOKEN, else the file beside the database)')
    .option('--db <path|url>', 'database of the server on this machine, to find its token');
}

/** Collects an option that may be given more than once. */
export function repeated(text: string, others: readonly string[] | undefined): readonly string[] {
  return [...(others ?? []), text];
}

/** Whether a command line names a cluster to read objects from, in place of a server. */
export function namesCluster({ kubeconfig, context }: ContextFlags): boolean {
  return kubeconfig !== undefined || context !== undefined;
}
