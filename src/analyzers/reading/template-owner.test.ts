import { expect, test } from 'vitest';
import { templateOwner } from './template-owner.ts';

test.each([
  ['a replica set of a deployment', 'ReplicaSet', 'web-5577bf7884', '5577bf7884', { kind: 'Deployment', name: 'web' }],
  ['one of another name', 'ReplicaSet', 'web', '5577bf7884', { kind: 'ReplicaSet', name: 'web' }],
  ['one without a hash', 'ReplicaSet', 'web-a', undefined, { kind: 'ReplicaSet', name: 'web-a' }],
  ['one whose hash is empty', 'ReplicaSet', 'web-', '', { kind: 'ReplicaSet', name: 'web-' }],
  ['a stateful set', 'StatefulSet', 'db-1', '1', { kind: 'StatefulSet', name: 'db-1' }],
])('%s', (_, kind, name, hash, owner) => {
  expect(templateOwner({ kind, name }, hash)).toEqual(owner);
});
