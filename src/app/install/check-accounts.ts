import type { ObjectPlace } from '../../core/place.ts';
import { checkAccount } from '../../kube/accounts/account-check.ts';
import { kubeClient } from '../../kube/connection/client.ts';
import { resultsAbout } from '../check-result.ts';
import type { CheckResult } from '../check-result.ts';
import { farLooking, onlyNamespaceFrom } from '../operator-options.ts';
import type { Askers } from './ask-as.ts';
import { whoLooks } from './check-workload.ts';
import { flagValues } from './flag-values.ts';
import { ruleText, tokenRule, unusedRights } from './expected-rights.ts';
import type { InstalledNames } from './expected-rights.ts';
import { heldVerbs, missingVerbs } from './verbs.ts';

const { ok, failed, skipped } = resultsAbout('installation');

/** What a check of accounts asks, and how. */
export interface AccountsWorld {
  readonly askers: Askers;
  readonly kubectl: string;
}

/**
 * The accounts that Workflows may name (level custom), one by one; and what level none needs. `args` are those of the operator; null = they
 * may not be looked at.
 */
export async function checkAccounts(
  world: AccountsWorld,
  names: InstalledNames,
  args: readonly string[] | null,
): Promise<readonly CheckResult[]> {
  const { namespace } = names;
  const none = ok('level none needs no rights: nothing is asked of the cluster');
  if (args === null) {
    const unknown =
      'level custom: which accounts Workflows may name cannot be said, because you may not look at what runs the operator';
    return [none, skipped(unknown, whoLooks(namespace))];
  }
  const [leaseNamespace = namespace] = flagValues(args, '--lease-namespace').toReversed();
  const onlyNamespaceOf = onlyNamespaceFrom(farLooking(flagValues(args, '--investigate-from'), leaseNamespace));
  const results: CheckResult[] = [none];
  for (const text of flagValues(args, '--allow-account')) {
    const [of = '', account = ''] = text.split('/');
    const place = { namespace: of, name: account };
    results.push(...(await checkOne(world, names, place, onlyNamespaceOf(of))));
  }
  return results;
}

async function checkOne(
  { askers, kubectl }: AccountsWorld,
  { namespace, name }: InstalledNames,
  place: ObjectPlace,
  onlyNamespace: string | null,
): Promise<readonly CheckResult[]> {
  const account = `${place.namespace}/${place.name}`;
  const title = `level custom, ${account}`;
  const results: CheckResult[] = [];
  const asker = await askers.as(place);
  if (asker === null)
    return [
      failed(`${title}: there is no such account`, `kubectl create serviceaccount ${place.name} -n ${place.namespace}`),
    ];
  const operator = await askers.as({ namespace, name });
  const rule = tokenRule(place.name);
  const lacking = operator === null ? [rule] : await missingVerbs(operator.ask, rule, place.namespace);
  if (lacking.length > 0) {
    const role = `a Role in namespace ${place.namespace} with the rule ${ruleText(rule)}`;
    results.push(
      failed(
        `${title}: ${name} may not make tokens of it`,
        `list it in read.accounts of the chart, or allow it: ${role}, bound to system:serviceaccount:${namespace}:${name}`,
      ),
    );
  }
  if (asker.transport === null)
    return [
      ...results,
      skipped(
        `${title}: you may make no token of it, so it was not asked what it may`,
        'check as somebody who may create serviceaccounts/token there',
      ),
    ];
  const { message, next } = await checkAccount(kubeClient(asker.transport), place, onlyNamespace);
  results.push(next === null ? ok(`${title}: ${message}`) : failed(`${title}: ${message}`, next));
  for (const unused of unusedRights)
    for (const held of await heldVerbs(asker.ask, unused, place.namespace))
      results.push(
        skipped(
          `${title}: it may ${held.verbs.join(', ')} ${held.resources.join(', ')}, which no investigation does`,
          `take it away: ${kubectl} get rolebindings,clusterrolebindings -A -o wide shows what is bound to it`,
        ),
      );
  return results;
}
