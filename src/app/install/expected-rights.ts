import type { Permission } from '../../core/permission.ts';
import { rolesOfInstallation } from '../roles.ts';

/** What an installation is called. */
export interface InstalledNames {
  readonly namespace: string;
  /** Of its account, its roles and its workload. */
  readonly name: string;
  /** The account with whose rights is read; null = none is (`--read-as=none`). */
  readonly readAccount: string | null;
}

/** Rules that an account needs. */
export interface ExpectedRight {
  readonly account: string;
  readonly rules: readonly Permission[];
  /** null = everywhere. */
  readonly place: string | null;
  /** `read objects and logs`. */
  readonly purpose: string;
  /** `ClusterRole punching-fist-read`. */
  readonly role: string;
  /** How to have it; null = it is always needed. */
  readonly option: string | null;
}

/** All that the parts of the program say that they need, by account. */
export function expectedRights({ namespace, name, readAccount }: InstalledNames): readonly ExpectedRight[] {
  const { operator = [], lease = [], jobs = [] } = rolesOfInstallation();
  const clusterRole = (suffix: string) => `ClusterRole ${name}-${suffix}`;
  const own = { account: name, option: null };
  return [
    {
      ...own,
      rules: operator,
      place: null,
      purpose: 'read its objects, write their status, make Events and ask who callers are',
      role: clusterRole('operator'),
    },
    {
      ...own,
      rules: readAccount === null ? lease : [...lease, tokenRule(readAccount)],
      place: namespace,
      purpose: `say which replica leads${readAccount === null ? '' : `, and make tokens of ${readAccount}`}`,
      role: `Role ${name} in namespace ${namespace}`,
    },
    {
      ...own,
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list', 'watch'] }],
      place: namespace,
      purpose: `read Secrets of namespace ${namespace}`,
      role: `Role ${name}-secrets in namespace ${namespace}`,
      option: 'secrets.names of the chart allows some of them only',
    },
    {
      ...own,
      rules: jobs,
      place: null,
      purpose: 'run commands of Workflows as Jobs',
      role: clusterRole('commands'),
      option: 'commands.enabled of the chart allows it',
    },
    ...(readAccount === null ? [] : readRights(readAccount, clusterRole('read'))),
  ];
}

function readRights(account: string, role: string): readonly ExpectedRight[] {
  const { read = [], 'read-configmaps': configMaps = [] } = rolesOfInstallation();
  return [
    { account, rules: read, place: null, purpose: 'read what investigations look at', role, option: null },
    {
      account,
      rules: configMaps,
      place: null,
      purpose: 'read ConfigMaps',
      role,
      option: 'read.configMaps of the chart allows it',
    },
  ];
}

/** To make tokens of one account. */
export function tokenRule(account: string): Permission {
  return { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [account], verbs: ['create'] };
}

/** Rules that an account must not have: each would let it do more than investigate. */
export interface ForbiddenRight {
  readonly account: string;
  readonly rules: readonly Permission[];
  readonly place: string | null;
  /** `read Secrets`. */
  readonly what: string;
}

const core = (resources: readonly string[], verbs: readonly string[]): Permission => ({
  apiGroups: [''],
  resources,
  verbs,
});
const secrets = core(['secrets'], ['get', 'list', 'watch']);
const tokens = core(['serviceaccounts/token'], ['create']);
const intoPods = [core(['pods/exec', 'pods/attach', 'pods/portforward'], ['create', 'get'])];
const proxies = [core(['pods/proxy', 'services/proxy', 'nodes/proxy'], ['get', 'create'])];
const others = [
  core(['users', 'groups', 'serviceaccounts'], ['impersonate']),
  { apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles', 'roles'], verbs: ['escalate', 'bind'] },
];
const changes = [
  core(['pods', 'services', 'configmaps', 'nodes'], ['create', 'update', 'patch', 'delete']),
  {
    apiGroups: ['apps'],
    resources: ['deployments', 'statefulsets', 'daemonsets'],
    verbs: ['update', 'patch', 'delete'],
  },
];

/** What no investigation uses, whatever account it looks with. */
export const unusedRights: readonly Permission[] = [secrets, ...intoPods, ...proxies, tokens, ...others, ...changes];

/** What would let an account read secrets, enter pods, be somebody else, or change what it investigates. */
export function forbiddenRights({ namespace, name, readAccount }: InstalledNames): readonly ForbiddenRight[] {
  // A Role of the own namespace is seen there only.
  const ofReader = [null, namespace].flatMap((place): readonly ForbiddenRight[] => {
    if (readAccount === null) return [];
    const reader = { account: readAccount };
    const where = place === null ? '' : ` in namespace ${place}`;
    return [
      { ...reader, place, rules: [secrets], what: `read Secrets${where}` },
      { ...reader, place, rules: intoPods, what: `enter pods (exec, attach, portforward)${where}` },
      { ...reader, place, rules: proxies, what: `go through proxies of the API server${where}` },
      { ...reader, place, rules: [tokens, ...others], what: `be somebody else (tokens, impersonation, roles)${where}` },
      { ...reader, place, rules: changes, what: `change anything${where}` },
    ];
  });
  return [
    { account: name, place: null, rules: [secrets], what: 'read Secrets everywhere' },
    { account: name, place: null, rules: [...intoPods, ...proxies], what: 'enter pods, or go through proxies' },
    { account: name, place: null, rules: [tokens, ...others], what: 'be anybody else (tokens, impersonation, roles)' },
    { account: name, place: null, rules: changes, what: 'change what it investigates' },
    ...ofReader,
  ];
}

/** A rule of a role, as YAML on one line. */
export function ruleText({ apiGroups, resources, verbs, resourceNames }: Permission): string {
  const list = (values: readonly string[]) => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
  const names = resourceNames === undefined ? '' : `, resourceNames: ${list(resourceNames)}`;
  return `{apiGroups: ${list(apiGroups)}, resources: ${list(resources)}${names}, verbs: ${list(verbs)}}`;
}
