import type { HostileInput, HostileWorld } from './define.ts';

/** Answers in time, with one of these. */
async function ask(world: HostileWorld, paths: readonly string[], expected: readonly number[]): Promise<void> {
  for (const path of paths) {
    const { status, body } = await world.server.api('GET', path);
    if (!expected.includes(status))
      throw new Error(`${path.slice(0, 200)} answered ${status} ${JSON.stringify(body).slice(0, 300)}`);
  }
}

/** Rows as large as they are taken, then pages of them. */
async function fill(world: HostileWorld): Promise<void> {
  const text = 'word and more words '.repeat(2500);
  for (let notification = 0; notification < 40; notification++) {
    const alerts = Array.from({ length: 40 }, (_, at) => ({
      status: 'firing',
      labels: { alertname: 'Big', namespace: 'none', row: `${notification}-${at}` },
      annotations: { description: `${text}${at}` },
    }));
    const { status } = await world.post('stored', { version: '4', status: 'firing', alerts });
    if (status !== 200 && status !== 503) throw new Error(`the answer was ${status}`);
  }
}

const stored = `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: stored }
spec:
  type: webhook
  config: { path: stored, authentication: { type: bearer, secretRef: hostile-token } }
  triggerWorkflow: everything
  suspend: true
`;

/** What people and programs who have the token ask for. */
export const lists: readonly HostileInput[] = [
  {
    name: 'lists: filling with large rows',
    resources: stored,
    run: fill,
  },
  {
    name: 'lists: large pages of large rows',
    run: (world) =>
      ask(
        world,
        ['alerts', 'events', 'runs', 'deliveries', 'dead-letters'].flatMap((list) => [
          `/api/v1/${list}?limit=500`,
          `/api/v1/${list}?limit=500`,
        ]),
        [200],
      ),
  },
  {
    name: 'lists: filters and text search',
    run: (world) =>
      ask(
        world,
        [
          '/api/v1/alerts?limit=500&search=word',
          '/api/v1/alerts?limit=500&search=word%20and%20more',
          '/api/v1/alerts?limit=500&search=absent',
          '/api/v1/alerts?limit=500&label=namespace=none',
          '/api/v1/alerts?limit=500&label=namespace=absent&label=alertname=Big',
        ],
        [200, 400],
      ),
  },
  {
    name: 'lists: queries that are none',
    quick: true,
    run: (world) =>
      ask(
        world,
        [
          `/api/v1/alerts?${'a=1&'.repeat(2000)}`,
          `/api/v1/alerts?label=${encodeURIComponent('='.repeat(1000))}`,
          `/api/v1/alerts?cursor=${'A'.repeat(4000)}`,
          `/api/v1/alerts?cursor=${'A'.repeat(10_000)}`,
          `/api/v1/alerts?search=${'%F0%9F%98%80'.repeat(400)}`,
          `/api/v1/alerts?since=${'9'.repeat(4000)}`,
          `/api/v1/runs?limit=${'9'.repeat(4000)}`,
        ],
        [400],
      ),
  },
  {
    name: 'lists: bodies of the API',
    quick: true,
    async run(world) {
      const bodies = [
        '['.repeat(1_000_000),
        `{"a":${'{"a":'.repeat(200_000)}`,
        `{"labels":{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":"v"`).join(',')}}}`,
        `{"name":"x","labels":{"a":"${'x'.repeat(2_900_000)}"}}`,
        `{"a":"${'\\u0041'.repeat(480_000)}"}`,
        `[${'0,'.repeat(1_400_000)}0]`,
      ];
      for (const body of world.isLong ? bodies : bodies.map((text) => text.slice(0, 20_000))) {
        const { status } = await world.server.api('POST', '/alerts', body);
        if (status !== 400 && status !== 413) throw new Error(`${body.slice(0, 40)}... was answered ${status}`);
      }
    },
  },
];
