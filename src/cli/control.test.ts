import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld } from '../../test/server/world.ts';
import type { World } from '../../test/server/world.ts';
import { deliveryFixture, runFixture } from '../../test/support/deliveries.ts';
import { apiToken } from '../../test/support/fake-server.ts';
import { runFist } from '../../test/support/program.ts';

const run = runFixture({ id: '019b71b5-0000-7000-8000-aaaaaaaaaaaa', alertId: null, status: 'running' });
const failed = deliveryFixture({
  id: '019b71b5-0000-7000-8000-bbbbbbbbbbbb',
  runId: run.id,
  alertId: null,
  status: 'failed',
  wakeAt: null,
});

let world: World;
let env: Record<string, string>;
beforeAll(async () => {
  world = await createWorld();
  await world.store.transaction('intake', async (tx) => {
    await tx.runs.insertAll([{ run, plan: null }]);
    await tx.deliveries.insert([failed]);
  });
  env = { FIST_SERVER: (await world.server.listen()).url, FIST_TOKEN: apiToken };
});
afterAll(() => world.close());

test.each([
  [['cancel', 'run/@latest'], `run/${run.id}`, 'will be cancelled'],
  [['retry', 'delivery/71b5bbbb'], `delivery/${failed.id}`, 'will be sent again'],
  [['cancel', 'delivery/@latest'], `delivery/${failed.id}`, 'is cancelled'],
])('%s says what it hit, not what was typed', async (words, name, what) => {
  expect(await runFist(words, env)).toEqual({
    code: 0,
    out: `${name} ${what}\n`,
    err: `next: fist describe ${name}\n`,
  });
});
