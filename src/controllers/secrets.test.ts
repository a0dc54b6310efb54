import { expect, test } from 'vitest';
import { inTurn } from './secrets.ts';

test('a namespace that refers to thousands of Secrets takes none from the others', () => {
  const many = Array.from({ length: 5000 }, (_, number) => ({ namespace: 'crowd', name: `s${number}` }));
  const others = [
    { namespace: 'shop', name: 'am' },
    { namespace: 'shop', name: 'chat' },
    { namespace: 'bank', name: 'am' },
  ];
  const turns = inTurn([...many, ...others, ...others]);
  expect(turns).toHaveLength(5003);
  expect(turns.slice(0, 5).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
    'crowd/s0',
    'shop/am',
    'bank/am',
    'crowd/s1',
    'shop/chat',
  ]);
});
