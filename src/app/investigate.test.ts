import { expect, test } from 'vitest';
import { alertOfObject } from './investigate.ts';

test.each([
  ['pods/web', { namespace: 'shop', pod: 'web' }],
  ['Nodes/n1', { node: 'n1' }],
  ['services/web', { namespace: 'shop', service: 'web' }],
  ['ingresses/web', { namespace: 'shop', ingress: 'web' }],
  ['persistentvolumes/pv-1', { persistentvolume: 'pv-1' }],
  ['deployment.apps/web', { namespace: 'shop', deployment: 'web' }],
  ['cj/nightly', { namespace: 'shop', cronjob: 'nightly' }],
])('an object as kubectl calls it: %s', (object, labels) => {
  expect(alertOfObject(object, 'shop').labels).toEqual(labels);
});

test.each(['events/web', 'configmaps/web', 'constructor/web', 'pods', 'pods/A B', 'pods/web/log'])(
  'no object that is looked at: %s',
  (object) => {
    expect(() => alertOfObject(object, 'shop')).toThrow('no object of a kind that is looked at');
  },
);
