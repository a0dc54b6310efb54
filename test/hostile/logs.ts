import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostileInput, HostileWorld } from './define.ts';

const pods = ['checkout-5577bf7884-59zsl', 'checkout-5577bf7884-xvlls'];

/** Puts these logs under two pods of the dump and has them investigated. */
async function investigate(world: HostileWorld, log: string, name: string): Promise<void> {
  for (const pod of pods) {
    const what = `logs for container checkout of pod shop/${pod} ====`;
    for (const file of ['logs.txt', 'previous.txt'])
      writeFileSync(join(world.dump, 'shop', pod, file), `==== START ${what}\n${log}\n==== END ${what}\n`);
  }
  for (const pod of pods)
    await world.alert('everything', { alertname: name, namespace: 'shop', pod, severity: 'critical' });
  const { steps } = await world.endedRun('everything');
  const look = steps.find((step) => step.name === 'look');
  if (look?.status !== 'succeeded')
    throw new Error(`the investigation ${look?.status}: ${JSON.stringify(look)?.slice(0, 500)}`);
  if (!JSON.stringify(look.result).includes('kubectl logs')) throw new Error('the log was not read');
  await world.settled();
}

const logOf = (name: string, unit: string, bytes = 2_000_000): HostileInput => ({
  name: `logs ${name}`,
  run: (world) => investigate(world, unit.repeat(Math.ceil(bytes / unit.length)), `Logs ${name}`),
});

/** Logs of the pods that an alert leads to, and lists of their namespace. */
export const logs: readonly HostileInput[] = [
  {
    name: 'dump with lists of tens of megabytes',
    async run(world) {
      await world.alert('everything', { alertname: 'Large', namespace: 'large', pod: 'item-7', severity: 'critical' });
      const { steps } = await world.endedRun('everything');
      if (steps.find((step) => step.name === 'look')?.status !== 'succeeded')
        throw new Error(JSON.stringify(steps).slice(0, 500));
    },
  },
  {
    name: 'logs that are ordinary',
    quick: true,
    run: (world) =>
      investigate(world, readFileSync(join(world.dump, 'shop', pods[0] ?? '', 'logs.txt'), 'utf8'), 'Logs'),
  },
  logOf('with many errors', 'ERROR could not connect: timed out, password=hunter2 token: abc\n'),
  logOf('in one line', 'Error: x '),
  logOf('of one letter', 'a'),
  logOf('of dots and letters', 'aaaa.aaaa.'),
  logOf('of quotes', 'password="x\\" '),
  logOf('of base64', 'QUFBQUFBQUFBQUFBQUFBQUFBQUFB'),
  logOf('of short lines', 'e\n'),
  logOf(
    'of section markers',
    '==== END logs for container checkout of pod shop/x ====\n==== START logs for container a of pod b ====\n',
  ),
  logOf('of JSON', '{"level":"error","msg":"refused","nested":{"token":"abc","list":["--password","X"]}}\n'),
  logOf('of 50 MB', 'GET /healthz 200 12ms user=alice cookie=abcdef0123456789\n', 50_000_000),
];
