import type { ModelDefaults } from '../agent/models/choose.ts';
import { isKubernetesName } from '../core/cluster.ts';
import { AppError } from '../core/errors.ts';
import type { ObjectPlace } from '../core/place.ts';
import { ownNamespace } from '../kube/connection/service-account.ts';
import type { JobSettings } from '../runners/job-object.ts';
import { readJobSettings } from './job-settings.ts';
import type { JobFlags } from './job-settings.ts';
import { readServerOptions } from './options.ts';
import type { AppOptions, Environment, ServerFlags } from './options.ts';

/** Whose Sources, Workflows and Sinks an operator serves, and as whom. */
export interface OperatorOptions {
  /** null = the pod's own account, or as kubectl finds it. */
  readonly kubeconfig: string | null;
  readonly context: string | null;
  /** null = all. */
  readonly namespaces: readonly string[] | null;
  /** Where the Lease is by which one of several replicas leads. */
  readonly leaseNamespace: string;
  readonly leaseName: string;
  /** The ServiceAccount with whose rights the cluster is investigated; null = with those of the operator, `none` = not at all. */
  readonly readAs: ObjectPlace | 'none' | null;
  /** ServiceAccounts that Workflows of their namespaces may name, to have the cluster investigated with their rights. */
  readonly allowAccounts: readonly ObjectPlace[];
  /** Namespaces whose Workflows may look at all others, whatever alerts say; those of others only at their own. */
  readonly investigateFrom: readonly string[];
  /** Of the Jobs as which commands of Workflows run in their namespaces; null = they are not run. */
  readonly jobs: JobSettings | null;
  readonly clusterName: string | null;
}

/** Flags of `fist operator`. */
export interface OperatorFlags extends ServerFlags, JobFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly clusterName?: string;
  readonly namespace?: readonly string[];
  readonly leaseNamespace?: string;
  readonly leaseName: string;
  readonly readAs?: string;
  readonly allowAccount?: readonly string[];
  readonly investigateFrom?: readonly string[];
}

/** As `readServeOptions`. */
export async function readOperatorOptions(
  flags: OperatorFlags,
  environment: Environment,
  models: ModelDefaults,
): Promise<AppOptions> {
  const { kubeconfig = null, context = null, clusterName = null } = flags;
  const namespaces = flags.namespace ?? null;
  const named: readonly (readonly [string, string | undefined])[] = [
    ...(namespaces ?? []).map((name) => ['--namespace', name] as const),
    ...(flags.investigateFrom ?? []).map((name) => ['--investigate-from', name] as const),
    ['--lease-namespace', flags.leaseNamespace],
    ['--lease-name', flags.leaseName],
  ];
  for (const [field, name] of named) {
    if (name === undefined || isKubernetesName(name)) continue;
    throw new AppError('InvalidInput', `${field} ${name} is no name of Kubernetes`, { field });
  }
  const leaseNamespace = flags.leaseNamespace ?? (await ownNamespace()) ?? 'default';
  return {
    ...readServerOptions(flags, environment, models),
    dump: null,
    kubeconfig,
    context,
    clusterName,
    resources: null,
    operator: {
      kubeconfig,
      context,
      namespaces,
      leaseNamespace,
      investigateFrom: farLooking(flags.investigateFrom, leaseNamespace),
      leaseName: flags.leaseName,
      ...readAccounts(flags),
      jobs: readJobSettings(flags),
      clusterName,
    },
    secretsDirectory: null,
    allowExec: false,
    mcpCommands: [],
  };
}

/** Namespaces whose Workflows may look at all others; where none is named, that of the Lease alone. */
export function farLooking(named: readonly string[] | undefined, leaseNamespace: string): readonly string[] {
  return named === undefined || named.length === 0 ? [leaseNamespace] : named;
}

/** The one namespace that may be looked at from another, given those that may look at all (null). */
export function onlyNamespaceFrom(far: readonly string[]): (namespace: string) => string | null {
  return (namespace) => (far.includes(namespace) ? null : namespace);
}

function readAccounts(flags: OperatorFlags): Pick<OperatorOptions, 'readAs' | 'allowAccounts'> {
  const readAs = readReader(flags.readAs);
  const allowAccounts = (flags.allowAccount ?? []).map((text) => readAccount('--allow-account', text));
  if (
    allowAccounts.some(
      ({ namespace, name }) => typeof readAs === 'object' && namespace === readAs?.namespace && name === readAs.name,
    )
  )
    throw new AppError('InvalidInput', `--allow-account ${flags.readAs} is the account of --read-as`, {
      field: '--allow-account',
      next: 'a Workflow of level read (the usual one) looks with it',
    });
  return { readAs, allowAccounts };
}

function readReader(text: string | undefined): OperatorOptions['readAs'] {
  if (text === undefined) return null;
  return text === 'none' ? text : readAccount('--read-as', text);
}

function readAccount(field: string, text: string): ObjectPlace {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (rest.length === 0 && isKubernetesName(namespace) && isKubernetesName(name)) return { namespace, name };
  throw new AppError('InvalidInput', `${field} ${text} is not NAMESPACE/NAME of a ServiceAccount`, { field });
}
