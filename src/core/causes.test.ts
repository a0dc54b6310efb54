import { expect, test } from 'vitest';
import { causesElsewhere } from './causes.ts';

const alerts = [
  { id: 'own', workflowId: 'r1', cause: 'the disk is full' },
  { id: 'theirs', workflowId: 'r2', cause: 'the vault is open' },
  { id: 'running elsewhere', workflowId: 'r3', cause: null },
  { id: 'without a run', workflowId: null, cause: null },
  { id: 'whose runs are gone', workflowId: null, cause: 'the vault is open' },
];
const lists = { foundWithin: async (namespace: string) => new Set(namespace === 'shop' ? ['own'] : []) };

test('a cause is told where it is known that it was found there, and hidden else', async () => {
  expect(await causesElsewhere(lists, alerts, 'shop')).toEqual(
    new Set(['theirs', 'running elsewhere', 'whose runs are gone']),
  );
  expect(await causesElsewhere(lists, alerts, 'bank')).toContain('own');
});

test('who may look at all is told each', async () => {
  expect(await causesElsewhere(lists, alerts, null)).toEqual(new Set());
});
