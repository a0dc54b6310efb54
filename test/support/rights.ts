// Namespaces, ServiceAccounts and what these may, as `kubectl apply` takes them.

const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1`;

/** Rules of a Role. */
export type Rules = readonly object[];

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** Many objects as one. */
export function listOf(...items: readonly object[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}

export function namespaceObject(name: string, labels: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function accountObject({ namespace, name }: Account): object {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
}

/** An account with these rules in its own namespace. */
export function accountWith(account: Account, rules: Rules): readonly object[] {
  return [accountObject(account), ...rightsIn(account.namespace, account, rules)];
}

/** An account with these rules in all namespaces. */
export function accountWithEverywhere(account: Account, rules: Rules): readonly object[] {
  return [accountObject(account), ...rightsEverywhere(account, rules)];
}

/** A Role and its binding; both have the account's name. */
export function rightsIn(namespace: string, account: Account, rules: Rules): readonly object[] {
  const metadata = { name: account.name, namespace };
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    {
      apiVersion,
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: group, kind: 'Role', name: account.name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  ];
}

/** A ClusterRole and its binding; both have the account's name. */
export function rightsEverywhere(account: Account, rules: Rules): readonly object[] {
  return [
    { apiVersion, kind: 'ClusterRole', metadata: { name: account.name }, rules },
    clusterRoleFor(account, account.name),
  ];
}

/** A binding of a ClusterRole that there is, in all namespaces. */
export function clusterRoleFor(account: Account, clusterRole: string): object {
  return {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: account.name },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: clusterRole },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  };
}
