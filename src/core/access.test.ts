import { expect, test } from 'vitest';
import { sinkFixture } from '../../test/support/deliveries.ts';
import { explainAbsence, grantNeeded, isOpenTo, placeOf, referenceTo, sinkFor, sinkPlaces } from './access.ts';
import { fullName } from './run.ts';

const sinks = [
  sinkFixture({ namespace: 'shop', name: 'out' }),
  sinkFixture({ namespace: 'platform', name: 'out', accessFrom: ['shop'] }),
  sinkFixture({ namespace: 'platform', name: 'hidden' }),
  sinkFixture({ namespace: 'oncall', name: 'all', accessFrom: ['*'] }),
];
const catalog = {
  sink: (namespace: string, name: string) => sinks.find((one) => one.namespace === namespace && one.name === name),
};

test('a reference has one form, whoever wrote it', () => {
  expect(placeOf('out', 'shop')).toEqual({ namespace: 'shop', name: 'out' });
  expect(placeOf('platform/out.v1', 'shop')).toEqual({ namespace: 'platform', name: 'out.v1' });
  const written = ['out', 'shop/out', 'platform/out'];
  expect(written.map((one) => referenceTo(placeOf(one, 'shop'), 'shop'))).toEqual(['out', 'out', 'platform/out']);
});

test.each([
  ['shop', [], true],
  ['bank', [], false],
  ['bank', ['bank'], true],
  ['bank', ['ban', 'bank2', 'shop'], false],
  ['bank', ['*'], true],
])('an object of namespace shop is open to %s where it grants %j: %s', (from, accessFrom, expected) => {
  expect(isOpenTo({ namespace: 'shop', accessFrom }, from)).toBe(expected);
});

test('two of one name are told apart, and what is not granted is as what is not there', () => {
  expect(sinkFor(catalog, 'shop', 'out')).toBe(sinks[0]);
  expect(sinkFor(catalog, 'shop', 'platform/out')).toBe(sinks[1]);
  expect(sinkFor(catalog, 'platform', 'out')).toBe(sinks[1]);
  expect(sinkFor(catalog, 'shop', 'platform/hidden')).toBeUndefined();
  expect(sinkFor(catalog, 'bank', 'platform/out')).toBeUndefined();
  expect(sinkFor(catalog, 'bank', 'oncall/all')).toBe(sinks[3]);
  const words = ['hidden', 'absent'].map((name) => {
    const place = { namespace: 'platform', name };
    return explainAbsence('Sink', place, 'shop').replaceAll(name, 'NAME');
  });
  expect(words[0]).toBe(words[1]);
  expect(words[0]).toBe(
    'there is no Sink platform/NAME that grants namespace shop; who owns Sinks of namespace platform grants it with spec.accessFrom: {namespaces: [shop]}',
  );
  expect(grantNeeded('Sink', { namespace: 'shop', name: 'x' }, 'shop')).toBeNull();
  expect(explainAbsence('Sink', { namespace: 'shop', name: 'x' }, 'shop')).toBe('there is no Sink shop/x');
});

test('a delivery is where its Sink is, and stays where it came from without a grant', () => {
  expect(sinkPlaces(catalog, 'shop', ['out', 'absent', 'platform/out', 'platform/hidden', 'platform/absent'])).toEqual([
    { namespace: 'shop', name: 'out' },
    { namespace: 'shop', name: 'absent' },
    { namespace: 'platform', name: 'out' },
    { namespace: 'shop', name: 'platform/hidden' },
    { namespace: 'shop', name: 'platform/absent' },
  ]);
  expect(fullName({ namespace: 'shop', name: 'platform/hidden' })).toBe('platform/hidden');
  expect(fullName({ namespace: 'shop', name: 'out' })).toBe('shop/out');
});
