import { expect, test } from 'vitest';
import { rolesOfInstallation } from '../roles.ts';
import { expectedRights, forbiddenRights, ruleText } from './expected-rights.ts';

const names = { namespace: 'watch', name: 'fist', readAccount: 'fist-read' };

test('every rule of the accounts is expected', () => {
  const { viewer: _viewer, operators: _operators, approver: _approver, ...ofAccounts } = rolesOfInstallation();
  const expected = expectedRights(names).flatMap(({ rules }) => rules);
  for (const rule of Object.values(ofAccounts).flat()) expect(expected).toContainEqual(rule);
});

test('nothing is both expected and forbidden in one place', () => {
  const each = (
    rights: readonly { account: string; place: string | null; rules: ReturnType<typeof expectedRights>[0]['rules'] }[],
  ) =>
    rights.flatMap(({ account, place, rules }) =>
      rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) =>
            verbs.map((verb) => [account, place, group, resource, verb, resourceNames].join(' ')),
          ),
        ),
      ),
    );
  const forbidden = new Set(each(forbiddenRights(names)));
  expect(each(expectedRights(names)).filter((right) => forbidden.has(right))).toEqual([]);
});

test('a rule is shown as YAML on one line', () => {
  expect(ruleText({ apiGroups: [''], resources: ['pods/log'], resourceNames: ['a'], verbs: ['get'] })).toBe(
    '{apiGroups: [""], resources: ["pods/log"], resourceNames: ["a"], verbs: ["get"]}',
  );
});
