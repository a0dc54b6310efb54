import { readVersion } from '../../lib/version.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { toAppError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import { systemClock } from '../../lib/clock.ts';
import { isWithin } from '../../lib/is-within.ts';
import { kinds } from '../../kube/kinds.ts';
import { accountUser } from '../../kube/account-check.ts';
import type { KubeReviews } from '../../kube/review.ts';
import type { KubeTransport } from '../../kube/transport.ts';
import type { KubeWriter } from '../../kube/writer.ts';
import type { Finding } from '../preflight.ts';
import type { Askers } from './ask-as.ts';
import { withTransport } from './connect.ts';
import type { ContextFlags } from './connect.ts';
import { expectedRights, forbiddenRights, ruleText } from './expected-rights.ts';
import type { ExpectedRight, InstalledNames } from './expected-rights.ts';
import { whyNotEstablished } from './install.ts';
import { checkStorage, checkWorkload } from './check-workload.ts';
import { failed, ok, skipped } from './findings.ts';
import { installed, readManifests, requestOf } from './manifests.ts';
import type { Manifest, Manifests } from './manifests.ts';

/** What the chart is for. */
const leastMinor = 29;

interface CheckWorld {
  readonly transport: KubeTransport;
  readonly writer: KubeWriter;
  readonly reviews: KubeReviews;
  readonly askers: Askers;
  readonly manifests: Manifests;
  readonly namespace: string;
}

/**
 * Whether an installation has what it needs and nothing that it must not have; with `isBefore` whether who asks may make one. Changes
 * nothing. What keeps it from looking is a finding too.
 */
export async function checkInstallation(
  flags: ContextFlags,
  namespace: string,
  isBefore: boolean,
): Promise<readonly Finding[]> {
  const manifests = await readManifests({ namespace, image: null });
  try {
    return await withTransport(flags, async (transport, access) => {
      const { kubeWriter } = await import('../../kube/writer.ts');
      const { createReviews } = await import('../../kube/review.ts');
      const { createAskers } = await import('./ask-as.ts');
      const reviews = createReviews(transport, systemClock());
      const askers = createAskers(access, transport);
      const world = { transport, writer: kubeWriter(transport), reviews, askers, manifests, namespace };
      try {
        const server = await checkServer(transport);
        return [server, ...(isBefore ? await checkInstaller(world) : await checkInstalled(world))];
      } finally {
        await askers.close();
      }
    });
  } catch (thrown) {
    const { message, next } = toAppError(thrown);
    return [failed(message, next ?? 'kubectl cluster-info')];
  }
}

async function checkServer(transport: KubeTransport): Promise<Finding> {
  const { body } = await transport.ask({ method: 'GET', path: '/version', maxBytes: 65_536 });
  const { major = '', minor = '', gitVersion = '' } = JSON.parse(body) as Readonly<Record<string, string>>;
  const where = `${transport.description}: Kubernetes ${gitVersion}`;
  const isNew = Number(major) > 1 || (Number(major) === 1 && Number.parseInt(minor, 10) >= leastMinor);
  return isNew ? ok(where) : failed(`${where} is too old`, `Kubernetes 1.${leastMinor} or newer`);
}

async function checkInstalled(world: CheckWorld): Promise<readonly Finding[]> {
  const { writer, manifests, namespace } = world;
  const name = await findName(writer, namespace);
  if (name === null)
    return [failed(`there is no installation in namespace ${namespace}`, `fist install --namespace ${namespace}`)];
  const names: InstalledNames = { namespace, name, readAccount: `${name}-read` };
  const findings: Finding[] = [];
  for (const definition of manifests.definitions) findings.push(await checkDefinition(writer, definition));
  for (const right of expectedRights(names)) findings.push(...(await checkRight(world, right)));
  findings.push(...(await checkForbidden(world, names)), ...(await checkWorkload(world, name)));
  const { checkAccounts } = await import('./check-accounts.ts');
  findings.push(...(await checkAccounts({ ...world, verbsOf, kubectl: world.transport.kubectl }, names)));
  return findings;
}

/** By the binding of its role: another release of the chart has another name. */
async function findName(writer: KubeWriter, namespace: string): Promise<string | null> {
  const labelSelector = 'app.kubernetes.io/name=punching-fist';
  const bindings = await writer.list(kinds.clusterRoleBinding, null, { labelSelector });
  for (const binding of bindings) {
    const subjects = (binding['subjects'] ?? []) as readonly { readonly namespace?: string; readonly name: string }[];
    const subject = subjects.find((one) => one.namespace === namespace);
    if (subject !== undefined && binding.metadata.name.endsWith('-operator')) return subject.name;
  }
  // Roles that are made by hand: the account is what counts.
  const account = await writer.get(kinds.serviceAccount, { namespace, name: installed.account });
  return account === null ? null : installed.account;
}

async function checkDefinition(writer: KubeWriter, definition: Manifest): Promise<Finding> {
  const { name } = definition.metadata;
  const found = await writer.get(kinds.customResourceDefinition, { namespace: null, name });
  const problem = whyNotEstablished(found);
  if (found === null || problem !== null) return failed(`CustomResourceDefinition ${name}: ${problem}`, 'fist upgrade');
  return isOfThisVersion(found, definition)
    ? ok(`CustomResourceDefinition ${name} is served, as version ${readVersion()} has it`)
    : failed(`CustomResourceDefinition ${name} is not as version ${readVersion()} has it`, 'fist upgrade');
}

/** An API server adds what is standard and leaves the rest. */
function isOfThisVersion(found: KubernetesObject, definition: Manifest): boolean {
  return isWithin(definition['spec'], found.spec);
}

/** Of each resource of a rule, the verbs that are not allowed, or (`wanted` true) those that are. */
async function verbsOf(
  ask: KubeReviews['selfAccess'],
  { apiGroups, resources, verbs, resourceNames }: Permission,
  namespace: string | null,
  allowed: boolean,
): Promise<readonly Permission[]> {
  const found: Permission[] = [];
  for (const group of apiGroups)
    for (const full of resources) {
      const [resource = '', subresource] = full.split('/');
      const names: readonly (string | undefined)[] = resourceNames ?? [undefined];
      const answers = await Promise.all(
        verbs.map(async (verb) => {
          const wanted = { verb, group, resource, namespace, ...(subresource === undefined ? {} : { subresource }) };
          const each = await Promise.all(names.map((name) => ask(name === undefined ? wanted : { ...wanted, name })));
          return each.every((answer) => answer.allowed);
        }),
      );
      const those = verbs.filter((_verb, place) => answers[place] === allowed);
      const rule = { apiGroups: [group], resources: [full], verbs: those };
      if (those.length > 0) found.push(resourceNames === undefined ? rule : { ...rule, resourceNames });
    }
  return found;
}

async function checkRight({ askers, namespace }: CheckWorld, right: ExpectedRight): Promise<readonly Finding[]> {
  const { account, rules, place, purpose, role, option } = right;
  const asker = await askers.as({ namespace, name: account });
  if (asker === null) return [failed(`there is no ServiceAccount ${account}, to ${purpose}`, 'fist upgrade')];
  const missing: Permission[] = [];
  let asked = 0;
  for (const rule of rules) {
    asked += rule.resources.length * rule.apiGroups.length;
    missing.push(...(await verbsOf(asker.ask, rule, place, false)));
  }
  if (missing.length === 0) return [ok(`${account} may ${purpose}`)];
  const isNothing =
    missing.length === asked && missing.every(({ verbs }, index) => verbs.length === allVerbs(rules, index));
  if (option !== null && isNothing) return [skipped(`${account} may not ${purpose}`, option)];
  return missing.map((rule) =>
    failed(
      `${account} may not ${rule.verbs.join(', ')} ${rule.resources.join(', ')}, to ${purpose}`,
      `allow it: ${role} with the rule ${ruleText(rule)}, bound to ${accountUser({ namespace, name: account })}`,
    ),
  );
}

function allVerbs(rules: readonly Permission[], index: number): number {
  const each = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap(() => resources.map(() => verbs.length)),
  );
  return each[index] ?? 0;
}

async function checkForbidden(
  { askers, transport, namespace }: CheckWorld,
  names: InstalledNames,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { account, rules, place, what } of forbiddenRights(names)) {
    const asker = await askers.as({ namespace, name: account });
    if (asker === null) continue;
    const held: Permission[] = [];
    for (const rule of rules) held.push(...(await verbsOf(asker.ask, rule, place, true)));
    if (held.length === 0) findings.push(ok(`${account} may not ${what}`));
    for (const rule of held)
      findings.push(
        failed(
          `${account} may ${rule.verbs.join(', ')} ${rule.resources.join(', ')}, and must not ${what}`,
          `take it away: ${transport.kubectl} get clusterrolebindings,rolebindings -A -o wide shows what is bound to ${accountUser({ namespace, name: account })}`,
        ),
      );
  }
  return findings;
}

/** What who installs has to be allowed. */
async function checkInstaller({ writer, reviews, manifests, namespace }: CheckWorld): Promise<readonly Finding[]> {
  const self = (wanted: Parameters<KubeReviews['selfAccess']>[0]) => reviews.selfAccess(wanted);
  const all = [manifests.namespace, ...manifests.definitions, manifests.secret, ...manifests.objects];
  const findings: Finding[] = [];
  for (const kind of new Set(all.map((manifest) => requestOf(manifest).kind))) {
    const rule = { apiGroups: [kind.group], resources: [kind.plural], verbs: ['get', 'create', 'patch'] };
    const place = kind.namespaced ? namespace : null;
    const missing = await verbsOf(self, rule, place, false);
    const role = kind.namespaced ? `a Role in namespace ${namespace}` : 'a ClusterRole';
    findings.push(
      ...(missing.length === 0
        ? [ok(`you may get, create and patch ${kind.plural}`)]
        : missing.map((lacking) =>
            failed(
              `you may not ${lacking.verbs.join(', ')} ${kind.plural}`,
              `allow it: ${role} with the rule ${ruleText(lacking)}`,
            ),
          )),
    );
  }
  return [...findings, ...(await checkGrants(self, manifests, namespace)), await checkStorage(writer)];
}

/** Nobody may give what they do not have, but who may escalate and bind. */
async function checkGrants(
  self: Parameters<typeof verbsOf>[0],
  { objects }: Manifests,
  namespace: string,
): Promise<readonly Finding[]> {
  const rbac = { apiGroups: ['rbac.authorization.k8s.io'], verbs: ['escalate', 'bind'] };
  const lacking = [
    ...(await verbsOf(self, { ...rbac, resources: ['clusterroles'] }, null, false)),
    ...(await verbsOf(self, { ...rbac, resources: ['roles'] }, namespace, false)),
  ];
  if (lacking.length === 0) return [ok('you may give the rights of the installation')];
  const missing: Permission[] = [];
  for (const { kind, rules } of objects as readonly (Manifest & { readonly rules?: readonly Permission[] })[])
    for (const rule of rules ?? [])
      missing.push(...(await verbsOf(self, rule, kind === 'Role' ? namespace : null, false)));
  if (missing.length === 0) return [ok('you have all rights that the installation is given')];
  return [
    failed(
      `you lack rights that the installation is given: ${missing.map(({ verbs, resources }) => `${verbs.join(', ')} ${resources.join(', ')}`).join('; ')}`,
      `allow it: a ClusterRole with the rule ${ruleText({ ...rbac, resources: ['clusterroles', 'roles'] })}, or have a cluster-admin install`,
    ),
  ];
}
