import type { AccountPlace } from '../../core/account.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import type { Permission } from '../../core/permission.ts';
import { checkAccount } from '../../kube/account-check.ts';
import { kubeClient } from '../../kube/client.ts';
import { kindOf, kinds } from '../../kube/kinds.ts';
import type { AccessVerdict, WantedAccess } from '../../kube/review.ts';
import type { KubeWriter } from '../../kube/writer.ts';
import type { Finding } from '../preflight.ts';
import type { Askers } from './ask-as.ts';
import { ruleText, tokenRule, unusedRights } from './expected-rights.ts';
import type { InstalledNames } from './expected-rights.ts';

const about = 'installation';

/** What a check of accounts asks, and how. */
export interface AccountsWorld {
  readonly writer: KubeWriter;
  readonly askers: Askers;
  readonly kubectl: string;
  /** Of each resource of a rule, the verbs that are allowed, or that are not. */
  readonly verbsOf: (
    ask: (wanted: WantedAccess) => Promise<AccessVerdict>,
    rule: Permission,
    namespace: string | null,
    allowed: boolean,
  ) => Promise<readonly Permission[]>;
}

/** The accounts that Workflows may name (level custom), one by one; and what level none needs. */
export async function checkAccounts(world: AccountsWorld, names: InstalledNames): Promise<readonly Finding[]> {
  const { namespace, name } = names;
  const flags = await flagsOf(world.writer, namespace, name);
  const from = valuesOf(flags, '--investigate-from');
  const farLooking = from.length === 0 ? [namespace] : from;
  const findings: Finding[] = [
    { about, result: 'ok', text: 'level none needs no rights: nothing is asked of the cluster' },
  ];
  for (const text of valuesOf(flags, '--allow-account')) {
    const [of = '', account = ''] = text.split('/');
    const place = { namespace: of, name: account };
    findings.push(...(await checkOne(world, names, place, !farLooking.includes(of))));
  }
  return findings;
}

async function checkOne(
  { askers, verbsOf, kubectl }: AccountsWorld,
  { namespace, name }: InstalledNames,
  place: AccountPlace,
  isWalled: boolean,
): Promise<readonly Finding[]> {
  const account = `${place.namespace}/${place.name}`;
  const title = `level custom, ${account}`;
  const findings: Finding[] = [];
  const asker = await askers.as(place);
  if (asker === null)
    return [
      failed(`${title}: there is no such account`, `kubectl create serviceaccount ${place.name} -n ${place.namespace}`),
    ];
  const operator = await askers.as({ namespace, name });
  const rule = tokenRule(place.name);
  const lacking = operator === null ? [rule] : await verbsOf(operator.ask, rule, place.namespace, false);
  if (lacking.length > 0) {
    const role = `a Role in namespace ${place.namespace} with the rule ${ruleText(rule)}`;
    findings.push(
      failed(
        `${title}: ${name} may not make tokens of it`,
        `list it in read.accounts of the chart, or allow it: ${role}, bound to system:serviceaccount:${namespace}:${name}`,
      ),
    );
  }
  if (asker.transport === null)
    return [
      ...findings,
      {
        about,
        result: 'skipped',
        text: `${title}: you may make no token of it, so it was not asked what it may`,
        next: 'check as somebody who may create serviceaccounts/token there',
      },
    ];
  const { status, message } = await checkAccount(kubeClient(asker.transport), place, isWalled);
  const [text = '', ...next] = message.split('; ');
  findings.push(status === 'True' ? ok(`${title}: ${message}`) : failed(`${title}: ${text}`, next.join('; ')));
  for (const unused of unusedRights)
    for (const held of await verbsOf(asker.ask, unused, place.namespace, true))
      findings.push({
        about,
        result: 'skipped',
        text: `${title}: it may ${held.verbs.join(', ')} ${held.resources.join(', ')}, which no investigation does`,
        next: `take it away: ${kubectl} get rolebindings,clusterrolebindings -A -o wide shows what is bound to it`,
      });
  return findings;
}

const ok = (text: string): Finding => ({ about, result: 'ok', text });
const failed = (text: string, next: string): Finding => ({ about, result: 'failed', text, next });

/** What the workload starts the operator with; nothing where it was made by hand under another name. */
async function flagsOf(writer: KubeWriter, namespace: string, name: string): Promise<readonly string[]> {
  const place = { namespace, name };
  const workload = (await writer.get(kinds.statefulSet, place)) ?? (await writer.get(kindOf('deployments'), place));
  return workload === null ? [] : argumentsOf(workload);
}

function argumentsOf({ spec }: KubernetesObject): readonly string[] {
  const { template } = (spec ?? {}) as unknown as {
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly args?: readonly string[] }[] } };
  };
  return (template?.spec?.containers ?? []).flatMap(({ args = [] }) => args);
}

function valuesOf(flags: readonly string[], name: string): readonly string[] {
  return flags.flatMap((flag) => (flag.startsWith(`${name}=`) ? [flag.slice(name.length + 1)] : []));
}
