import type { Permission } from '../../core/permission.ts';
import type { Asker } from './ask-as.ts';

type Ask = Asker['ask'];

/** Of each resource of a rule, the verbs that are not allowed in a namespace (null = everywhere), or not for each object that it names. */
export function missingVerbs(ask: Ask, rule: Permission, namespace: string | null): Promise<readonly Permission[]> {
  return pickVerbs(ask, rule, namespace, (isAllowed) => !isAllowed);
}

/** Those that are allowed, for each object that it names. */
export function heldVerbs(ask: Ask, rule: Permission, namespace: string | null): Promise<readonly Permission[]> {
  return pickVerbs(ask, rule, namespace, (isAllowed) => isAllowed);
}

async function pickVerbs(
  ask: Ask,
  { apiGroups, resources, verbs, resourceNames }: Permission,
  namespace: string | null,
  isPicked: (isAllowed: boolean) => boolean,
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
      const picked = verbs.filter((_verb, place) => isPicked(answers[place] === true));
      const rule = { apiGroups: [group], resources: [full], verbs: picked };
      if (picked.length > 0) found.push(resourceNames === undefined ? rule : { ...rule, resourceNames });
    }
  return found;
}
