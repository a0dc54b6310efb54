import { join } from 'node:path';
import type { OperatorOptions } from '../../src/app/operator-options.ts';
import { rolesOfInstallation } from '../../src/app/roles.ts';
import type { Cleanup } from './cleanup.ts';
import { cleanEnvironment, repositoryRoot, startProcess } from './processes.ts';
import type { RunningProcess } from './processes.ts';
import { whenReady } from './server.ts';
import type { Rules } from './rights.ts';
import type { TestServer } from './server.ts';

export interface OperatorProcessOptions {
  readonly kubeconfig: string;
  /** Of the API; 16 characters or more. */
  readonly token: string;
  /** Further flags of `fist operator`. */
  readonly flags?: readonly string[];
  /** File of the database; absent: a new one. */
  readonly database?: string;
  /** How long it may take until it has read its objects. */
  readonly timeoutMs?: number;
}

/** `fist operator` in a process of its own, on a port of 127.0.0.1. Stopped by the cleanup. */
export async function startOperator(cleanup: Cleanup, options: OperatorProcessOptions): Promise<TestServer> {
  const folder = cleanup.temporaryFolder('operator');
  const { database = join(folder, 'fist.db') } = options;
  const place = ['--listen', '127.0.0.1:0', '--kubeconfig', options.kubeconfig, '--db', database];
  const process_: RunningProcess = startProcess(
    process.execPath,
    [`${repositoryRoot}src/main.ts`, 'operator', ...place, ...(options.flags ?? [])],
    { cwd: folder, environment: cleanEnvironment({ FIST_TOKEN: options.token, HOME: folder }) },
  );
  cleanup.defer(() => process_.stop());
  return whenReady(process_, database, { token: options.token, timeoutMs: options.timeoutMs ?? 60_000 });
}

/** What the operator's own account may in an installation, but for reading the cluster. */
export function operatorRules(): Rules {
  const { operator = [], lease = [] } = rolesOfInstallation();
  return [...operator, ...lease];
}

/** Of an operator in namespace fist that reads with its own rights, and looks at all namespaces. */
export function operatorOptions(kubeconfig: string, changes: Partial<OperatorOptions> = {}): OperatorOptions {
  return {
    kubeconfig,
    context: null,
    namespaces: null,
    leaseNamespace: 'fist',
    leaseName: 'punching-fist',
    readAs: null,
    allowAccounts: [],
    investigateFrom: ['fist'],
    jobs: null,
    clusterName: null,
    ...changes,
  };
}
