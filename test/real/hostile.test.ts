import { afterEach, describe, expect, it } from 'vitest';
import { sqliteDatabases } from '../chaos/database.ts';
import { createCleanup } from '../support/cleanup.ts';
import { hostileInputs } from '../hostile/inputs.ts';
import { measure, startHonestSender } from '../hostile/measure.ts';
import { startWorld } from '../hostile/world.ts';

// The quick form: what is answered and refused. How long anybody waited is looked at in test/chaos/long/hostile.test.ts,
// where no other test has the machine.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

describe('a server to which hostile input comes', () => {
  it('answers as it should, takes every alert of an honest sender, and goes on', async () => {
    const inputs = hostileInputs.filter(({ quick }) => quick);
    const world = await startWorld(cleanup, sqliteDatabases, inputs, false);
    const { server } = world.hostile;
    const sender = startHonestSender(cleanup, server);
    await sender.more(1);
    for (const input of inputs) {
      const { failure, wrong } = await measure(world, sender, input, 1);
      expect({ input: input.name, failure, wrong }).toEqual({ input: input.name, failure: null, wrong: [] });
    }
    await sender.stop();
    expect(sender.answers().map(({ outcome }) => outcome)).toSatisfy((all: string[]) =>
      all.every((one) => one === '200'),
    );
    expect(server.process.exitStatus()).toBeNull();
    expect((await server.process.stop()).code).toBe(0);
  });
});
