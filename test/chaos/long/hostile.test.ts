import { afterEach, describe, expect, it } from 'vitest';
import { hostileInputs } from '../../hostile/inputs.ts';
import { measure, measuredTable, startHonestSender } from '../../hostile/measure.ts';
import type { Measured } from '../../hostile/measure.ts';
import { startWorld } from '../../hostile/world.ts';
import { createCleanup } from '../../support/cleanup.ts';
import { chaosDatabases } from '../database.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

/** Answers of the honest sender while each input is there: enough for a 99th percentile. */
const leastAnswers = 100;
const mostP99Ms = 250;
/** Of one stretch of work, in processor time; the promise is 50 ms, the rest is what the sampling adds. */
const mostStretchMs = 60;

// The quick form is test/hostile/hostile.test.ts. HOSTILE=text runs only the inputs whose names have the text.
describe.each(chaosDatabases)('a server on $name to which hostile input comes', (databases) => {
  it('keeps nobody waiting', async () => {
    const inputs = hostileInputs.filter(({ name }) => name.includes(process.env['HOSTILE'] ?? ''));
    // With the resources of all: some inputs share a Source.
    const world = await startWorld(cleanup, databases, hostileInputs, true);
    const { server } = world.hostile;
    const sender = startHonestSender(cleanup, server);
    await sender.more(warmUpAnswers);
    const measured: Measured[] = [];
    for (const input of inputs) measured.push(await measure(world, sender, input, leastAnswers));
    await sender.stop();
    console.log(`${databases.name}\n${measuredTable(measured)}`);
    expect(server.process.exitStatus()).toBeNull();
    expect((await server.process.stop()).code).toBe(0);
    expect(measured.filter(isBad)).toEqual([]);
  });
});

/** Answers before the first input: the code is compiled then. */
const warmUpAnswers = 40;

function isBad({ failure, wrong, p99Ms, stretchMs }: Measured): boolean {
  return failure !== null || wrong.length > 0 || p99Ms >= mostP99Ms || stretchMs > mostStretchMs;
}
