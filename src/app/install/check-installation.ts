import { readVersion } from '../../lib/version.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { toAppError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import { systemClock } from '../../lib/clock.ts';
import { isWithin } from '../../lib/is-within.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import { accountUser } from '../../kube/accounts/account-check.ts';
import type { KubeReviews } from '../../kube/accounts/review.ts';
import type { KubeTransport } from '../../kube/connection/transport.ts';
import type { KubeWriter } from '../../kube/connection/writer.ts';
import { resultsAbout } from '../check-result.ts';
import type { CheckResult } from '../check-result.ts';
import type { Asker, Askers } from './ask-as.ts';
import { withTransport } from './connect.ts';
import type { ContextFlags } from './connect.ts';
import { expectedRights, forbiddenRights, ruleText, tokenRule } from './expected-rights.ts';
import type { ExpectedRight, InstalledNames } from './expected-rights.ts';
import { whyNotEstablished } from './install.ts';
import { checkStorage, checkWorkload, readArguments, whoLooks } from './check-workload.ts';
import { flagValues } from './flag-values.ts';
import { installed, readManifests, requestOf } from './manifests.ts';
import type { Manifest, Manifests } from './manifests.ts';
import { heldVerbs, missingVerbs } from './verbs.ts';

const { ok, failed, skipped } = resultsAbout('installation');

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
 * nothing. What keeps it from looking is a result too.
 */
export async function checkInstallation(
  flags: ContextFlags,
  namespace: string,
  isBefore: boolean,
): Promise<readonly CheckResult[]> {
  const manifests = await readManifests({ namespace, image: null });
  const results: CheckResult[] = [];
  try {
    await withTransport(flags, async (transport, access) => {
      const { kubeWriter } = await import('../../kube/connection/writer.ts');
      const { createReviews } = await import('../../kube/accounts/review.ts');
      const { createAskers } = await import('./ask-as.ts');
      const reviews = createReviews(transport, systemClock());
      const askers = createAskers(access, transport);
      const world = { transport, writer: kubeWriter(transport), reviews, askers, manifests, namespace };
      try {
        results.push(await checkServer(transport));
        if (isBefore) results.push(...(await checkInstaller(world)));
        else for await (const result of checkInstalled(world)) results.push(result);
      } finally {
        await askers.close();
      }
    });
  } catch (thrown) {
    // What was found before stays.
    const { message, next } = toAppError(thrown);
    results.push(failed(message, next ?? 'kubectl cluster-info'));
  }
  return results;
}

async function checkServer(transport: KubeTransport): Promise<CheckResult> {
  const { body } = await transport.ask({ method: 'GET', path: '/version', maxBytes: 65_536 });
  const { major = '', minor = '', gitVersion = '' } = JSON.parse(body) as Readonly<Record<string, string>>;
  const where = `${transport.description}: Kubernetes ${gitVersion}`;
  const isNew = Number(major) > 1 || (Number(major) === 1 && Number.parseInt(minor, 10) >= leastMinor);
  return isNew ? ok(where) : failed(`${where} is too old`, `Kubernetes 1.${leastMinor} or newer`);
}

async function* checkInstalled(world: CheckWorld): AsyncGenerator<CheckResult> {
  const { writer, manifests, namespace } = world;
  const name = await findName(writer, namespace);
  if (name === null) {
    yield failed(`there is no installation in namespace ${namespace}`, `fist install --namespace ${namespace}`);
    return;
  }
  const args = await readArguments(writer, { namespace, name });
  const isClosed = flagValues(args ?? [], '--read-as').at(-1) === 'none';
  const names: InstalledNames = { namespace, name, readAccount: isClosed ? null : `${name}-read` };
  for (const definition of manifests.definitions) yield checkDefinition(writer, definition);
  const unknown = args === null ? await whyReaderUnknown(world, names) : null;
  const expected = unknown === null ? names : { ...names, readAccount: null };
  for (const right of expectedRights(expected)) yield* await checkRight(world, right);
  if (unknown !== null) yield unknown;
  yield* await checkForbidden(world, names);
  yield* await checkWorkload(world, name);
  if (isClosed) yield ok('level read is closed (--read-as=none): no account reads for all Workflows');
  const { checkAccounts } = await import('./check-accounts.ts');
  yield* await checkAccounts({ ...world, kubectl: world.transport.kubectl }, names, args);
}

/** Without a look at the arguments: the operator makes tokens of an account that reads, and of none with `--read-as=none`. null = it does. */
async function whyReaderUnknown(
  { askers }: CheckWorld,
  { namespace, name, readAccount }: InstalledNames,
): Promise<CheckResult | null> {
  const operator = await askers.as({ namespace, name });
  if (operator === null || readAccount === null) return null;
  const lacking = await missingVerbs(operator.ask, tokenRule(readAccount), namespace);
  if (lacking.length === 0) return null;
  return skipped(
    `level read: whether an account reads for all Workflows cannot be said: ${name} may make no tokens of ${readAccount}, as with --read-as=none, and you may not look at what runs the operator`,
    whoLooks(namespace),
  );
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

async function checkDefinition(writer: KubeWriter, definition: Manifest): Promise<CheckResult> {
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

async function checkRight({ askers, namespace }: CheckWorld, right: ExpectedRight): Promise<readonly CheckResult[]> {
  const { account, rules, place, purpose, role, option } = right;
  const asker = await askers.as({ namespace, name: account });
  if (asker === null) return [failed(`there is no ServiceAccount ${account}, to ${purpose}`, 'fist upgrade')];
  const missing: Permission[] = [];
  let asked = 0;
  for (const rule of rules) {
    asked += rule.resources.length * rule.apiGroups.length;
    missing.push(...(await missingVerbs(asker.ask, rule, place)));
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
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { account, rules, place, what } of forbiddenRights(names)) {
    const asker = await askers.as({ namespace, name: account });
    if (asker === null) continue;
    const held: Permission[] = [];
    for (const rule of rules) held.push(...(await heldVerbs(asker.ask, rule, place)));
    if (held.length === 0) results.push(ok(`${account} may not ${what}`));
    for (const rule of held)
      results.push(
        failed(
          `${account} may ${rule.verbs.join(', ')} ${rule.resources.join(', ')}, and must not ${what}`,
          `take it away: ${transport.kubectl} get clusterrolebindings,rolebindings -A -o wide shows what is bound to ${accountUser({ namespace, name: account })}`,
        ),
      );
  }
  return results;
}

/** What who installs has to be allowed. */
async function checkInstaller({ writer, reviews, manifests, namespace }: CheckWorld): Promise<readonly CheckResult[]> {
  const self: Asker['ask'] = (wanted) => reviews.selfAccess(wanted);
  const all = [manifests.namespace, ...manifests.definitions, manifests.secret, ...manifests.objects];
  const results: CheckResult[] = [];
  for (const kind of new Set(all.map((manifest) => requestOf(manifest).kind))) {
    const rule = { apiGroups: [kind.group], resources: [kind.plural], verbs: ['get', 'create', 'patch'] };
    const place = kind.namespaced ? namespace : null;
    const missing = await missingVerbs(self, rule, place);
    const role = kind.namespaced ? `a Role in namespace ${namespace}` : 'a ClusterRole';
    results.push(
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
  return [...results, ...(await checkGrants(self, manifests, namespace)), await checkStorage(writer)];
}

/** Nobody may give what they do not have, but who may escalate and bind. */
async function checkGrants(
  self: Asker['ask'],
  { objects }: Manifests,
  namespace: string,
): Promise<readonly CheckResult[]> {
  const rbac = { apiGroups: ['rbac.authorization.k8s.io'], verbs: ['escalate', 'bind'] };
  const lacking = [
    ...(await missingVerbs(self, { ...rbac, resources: ['clusterroles'] }, null)),
    ...(await missingVerbs(self, { ...rbac, resources: ['roles'] }, namespace)),
  ];
  if (lacking.length === 0) return [ok('you may give the rights of the installation')];
  const missing: Permission[] = [];
  for (const { kind, rules } of objects as readonly (Manifest & { readonly rules?: readonly Permission[] })[])
    for (const rule of rules ?? [])
      missing.push(...(await missingVerbs(self, rule, kind === 'Role' ? namespace : null)));
  if (missing.length === 0) return [ok('you have all rights that the installation is given')];
  return [
    failed(
      `you lack rights that the installation is given: ${missing.map(({ verbs, resources }) => `${verbs.join(', ')} ${resources.join(', ')}`).join('; ')}`,
      `allow it: a ClusterRole with the rule ${ruleText({ ...rbac, resources: ['clusterroles', 'roles'] })}, or have a cluster-admin install`,
    ),
  ];
}
