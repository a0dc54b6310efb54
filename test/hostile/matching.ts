import type { HostileInput } from './define.ts';

/** Values that a Source's matchers and conditions of steps meet. */
export const matching: readonly HostileInput[] = [
  {
    name: 'matching long label values',
    quick: true,
    async run(world) {
      const long = `shop${'x'.repeat(60_000)}`;
      await world.alert('everything', { alertname: 'Long', namespace: long, pod: long });
      await world.settled();
    },
  },
  {
    name: 'matching many long label values',
    async run(world) {
      const long = `shop${'x'.repeat(20_000)}`;
      const alerts = Array.from({ length: 40 }, (_, at) => ({
        status: 'firing',
        labels: { alertname: 'Many', namespace: long, pod: `${long}${at}` },
        annotations: { description: long },
      }));
      const { status } = await world.post('everything', { version: '4', status: 'firing', alerts });
      if (status !== 200 && status !== 503) throw new Error(`the answer was ${status}`);
      await world.settled();
    },
  },
];
