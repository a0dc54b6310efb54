import { resourceKinds } from '../controllers/kinds.ts';
import { apiGroup } from '../core/identity.ts';
import type { Permission } from '../core/permission.ts';
import { resourceTypes } from '../kube/kinds/resources.ts';
import { sinks } from '../sinks/index.ts';
import { sourceDefinitions } from '../sources/index.ts';

const plurals = Object.values(resourceKinds).map(({ plural }) => plural);
const looking = ['get', 'list', 'watch'];

/** What the program does with its own objects, and what it asks of its callers. */
const operator: readonly Permission[] = [
  { apiGroups: [apiGroup], resources: plurals, verbs: looking },
  { apiGroups: [apiGroup], resources: plurals.map((plural) => `${plural}/status`), verbs: ['patch'] },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
];

/** A Lease by which one of several replicas leads. A request to make one cannot be told by its name. */
const lease: readonly Permission[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
];

/** Commands of Workflows as Jobs, in the namespaces of their Workflows. */
const jobs: readonly Permission[] = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: [...looking, 'create', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
];

/** Kinds whose contents may be private, so that reading them is asked for. */
const privateKinds: readonly string[] = ['configmaps'];

/** What investigations and the model's tools read. */
function readRules(isAsked: (resource: string) => boolean): readonly Permission[] {
  const byGroup = new Map<string, string[]>();
  for (const [name, { group }] of Object.entries(resourceTypes)) {
    const [plural = name] = name.split('.');
    if (isAsked(name)) byGroup.set(group, [...(byGroup.get(group) ?? []), plural]);
  }
  return [...byGroup].map(([group, resources]) => ({
    apiGroups: [group],
    resources: resources.sort(),
    verbs: looking,
  }));
}

const runs = (verbs: readonly string[]): Permission => ({ apiGroups: [apiGroup], resources: ['runs'], verbs });

/** The rules of the roles of an installation, by what they are for. Made of what each part says that it needs. */
export function rolesOfInstallation(): Readonly<Record<string, readonly Permission[]>> {
  return {
    operator: merged([...operator, ...sinks.flatMap(({ permissions }) => permissions)]),
    lease,
    jobs,
    read: merged([
      ...readRules((resource) => !privateKinds.includes(resource)),
      { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
      { apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list'] },
      ...sourceDefinitions.flatMap(({ permissions }) => permissions),
    ]),
    'read-configmaps': readRules((resource) => privateKinds.includes(resource)),
    viewer: [{ apiGroups: [apiGroup], resources: plurals, verbs: looking }, runs(['get'])],
    operators: [
      { apiGroups: [apiGroup], resources: plurals, verbs: [...looking, 'create', 'update', 'patch', 'delete'] },
      { apiGroups: [apiGroup], resources: ['sources/webhook'], verbs: ['create'] },
      runs(['get', 'update']),
    ],
    approver: [{ apiGroups: [apiGroup], resources: ['approvals'], verbs: ['update'] }, runs(['get'])],
  };
}

/** Without what another rule has already. */
function merged(rules: readonly Permission[]): readonly Permission[] {
  return rules.filter(
    (rule, index) =>
      !rules.some((other, place) => place !== index && covers(other, rule) && (place < index || !covers(rule, other))),
  );
}

function covers(wide: Permission, narrow: Permission): boolean {
  const has = (field: 'apiGroups' | 'resources' | 'verbs'): boolean =>
    narrow[field].every((value) => wide[field].includes(value));
  return wide.resourceNames === undefined && has('apiGroups') && has('resources') && has('verbs');
}
