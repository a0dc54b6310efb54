import type { AccountVerdicts } from '../core/account.ts';
import type { Clock, Log } from '../core/ports.ts';
import { isLoopback } from '../lib/address-policy.ts';
import type { CatalogOptions } from '../resources/catalog.ts';
import { openResourceFolder } from '../resources/folder.ts';
import type { ResourceHolder } from '../resources/holder.ts';
import type { Operator } from './operator.ts';
import type { AppOptions } from './options.ts';

/** `fist serve` looks with what its kubeconfig gives, which may be more than an account would. */
export const servedAccounts: AccountVerdicts = {
  verdict: ({ namespace, name }) => ({
    status: 'False',
    reason: 'AccountNotAllowed',
    message: `ServiceAccount ${namespace}/${name} is for fist operator: fist serve looks with the rights of its kubeconfig; leave clusterAccess out, and start it with a kubeconfig of that account`,
  }),
};

/** What resources are read with, beside the options. */
interface ResourcesWorld extends Pick<CatalogOptions, 'models'> {
  readonly clock: Clock;
  readonly log: Log;
  /** Hears each value of a Secret before anybody uses it, also twice. */
  readonly noteSecret: (value: string) => void;
  /** Ends the wait for a cluster. */
  readonly signal: AbortSignal | undefined;
}

/** Sources, Workflows and Sinks, and whose they are. */
export interface OpenedResources {
  readonly resources: ResourceHolder;
  /** What else an operator is; null = the resources are those of a folder. */
  readonly operator: Operator | null;
}

/** Resolves once all that is declared was read, in a cluster or in a folder; both follow what changes. Rejects where it cannot be read. */
export async function openResources(options: AppOptions, world: ResourcesWorld): Promise<OpenedResources> {
  const { signal, ...shared } = world;
  const checkedAgainst = {
    ...shared,
    loopback: isLoopback(options.host),
    allowInsecureSources: options.allowInsecureSources,
    asksForCertificates: options.tls?.clientAuthorities != null,
    mcpCommands: options.mcpCommands,
    runsCommands: options.allowExec || options.operator?.jobs != null,
  };
  if (options.operator !== null) {
    const { openOperator } = await import('./operator.ts');
    const operator = await openOperator(options.operator, { ...checkedAgainst, signal });
    return { operator, resources: operator.resources };
  }
  const resources = openResourceFolder({
    ...checkedAgainst,
    accounts: servedAccounts,
    path: options.resources ?? '',
    secretsDirectory: options.secretsDirectory,
    publicUrl: options.publicUrl ?? (options.port === 0 ? null : `http://${options.host}:${options.port}`),
  });
  return { operator: null, resources };
}
