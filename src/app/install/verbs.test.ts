import { expect, test } from 'vitest';
import type { Permission } from '../../core/permission.ts';
import type { Asker } from './ask-as.ts';
import { heldVerbs, missingVerbs } from './verbs.ts';

/** Allows what is listed as `get apps/deployments/scale web`. */
function asker(...allowed: readonly string[]): Asker['ask'] {
  return async (wanted) => {
    if ('path' in wanted) return { allowed: false, reason: '' };
    const { verb, group, resource, subresource, name } = wanted;
    const text = [verb, [group, resource, subresource].filter(Boolean).join('/'), name].filter(Boolean).join(' ');
    return { allowed: allowed.includes(text), reason: '' };
  };
}

const rule: Permission = {
  apiGroups: ['apps'],
  resources: ['deployments', 'deployments/scale'],
  verbs: ['get', 'list'],
};

test('what is missing and what is held of a rule, by resource', async () => {
  const ask = asker('get apps/deployments', 'list apps/deployments', 'get apps/deployments/scale');
  const scale = { apiGroups: ['apps'], resources: ['deployments/scale'] };
  expect(await missingVerbs(ask, rule, 'shop')).toEqual([{ ...scale, verbs: ['list'] }]);
  expect(await heldVerbs(ask, rule, 'shop')).toEqual([
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] },
    { ...scale, verbs: ['get'] },
  ]);
});

test('of named objects a verb is held where it is for each of them', async () => {
  const named = { apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: ['a', 'b'] };
  const one = asker('get secrets a');
  expect(await missingVerbs(one, named, 'shop')).toEqual([named]);
  expect(await heldVerbs(one, named, 'shop')).toEqual([]);
  expect(await heldVerbs(asker('get secrets a', 'get secrets b'), named, 'shop')).toEqual([named]);
});
