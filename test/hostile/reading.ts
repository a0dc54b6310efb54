import { createHmac } from 'node:crypto';
import type { HostileInput } from './define.ts';

// Bodies whose proof, schema or mapping is long work.

const own = (name: string, source: string): string => `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: ${name} }
spec:
${source.replace(/^/gm, '  ')}
  triggerWorkflow: ${name}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: ${name} }
spec:
  steps:
    - { name: is-known, type: conditional, condition: '{{ .source.name }} == ${name}' }
`;

/** Each line is a secret, and the right one is the last. */
const secrets = ['one', 'two', 'three', 'the-right-one'];

/** Each level leads back to itself twice, and what is wrong stands in the last one. */
const level = { type: 'object', properties: { next: { $ref: '#/$defs/level' } } };
const doubling = { $defs: { level: { anyOf: [level, level] } }, $ref: '#/$defs/level' };

function nested(depth: number): unknown {
  return depth === 0 ? 'no object' : { next: nested(depth - 1) };
}

async function expectStatus(answer: Promise<{ readonly status: number; readonly body: unknown }>, expected: number) {
  const { status, body } = await answer;
  if (status !== expected) throw new Error(`the answer was ${status} ${JSON.stringify(body).slice(0, 300)}`);
}

export const reading: readonly HostileInput[] = [
  {
    name: 'reading 14 MiB that are signed',
    resources: `
apiVersion: v1
kind: Secret
metadata: { name: signing }
stringData: { token: ${JSON.stringify(secrets.join('\n'))} }
---
${own('signed', 'type: webhook\nconfig: { path: signed, authentication: { type: hmac, preset: flux, secretRef: signing } }')}`,
    async run({ server }) {
      const annotations = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`a${at}`, 'x'.repeat(65_000)]));
      const alerts = Array.from({ length: 32 }, (_, at) => ({
        status: 'firing',
        labels: { alertname: 'Signed', at: String(at) },
        annotations,
      }));
      const body = JSON.stringify({ version: '4', groupKey: 'signed', alerts });
      const signature = createHmac('sha256', secrets.at(-1) ?? '')
        .update(body)
        .digest('hex');
      const answer = await fetch(`${server.url}/webhook/signed`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-signature': `sha256=${signature}` },
        body,
      });
      await expectStatus(Promise.resolve({ status: answer.status, body: await answer.text() }), 200);
    },
  },
  {
    name: 'reading 10,000 items by a mapping',
    resources: own(
      'mapped',
      `type: webhook
config:
  path: mapped
  authentication: { type: bearer, secretRef: hostile-token }
  format: generic
  items: incidents
  mapping:
    name: '{{ .item.title }}'
    severity: '{{ if gt .item.level 3.0 }}critical{{ else }}warning{{ end }}'
    labels: { id: '{{ .item.id }}', namespace: '{{ .item.place | lower }}', team: '{{ index .item.tags 0 }}' }
    annotations: { summary: '{{ .item.title }}: {{ .item.text | trunc 200 }}' }
    startsAt: '{{ .item.at }}'
    fingerprint: '{{ .item.id }}'`,
    ),
    run: (world) =>
      expectStatus(
        world.post('mapped', {
          incidents: Array.from({ length: 10_000 }, (_, at) => ({
            id: `I-${at}`,
            title: `Checkout ${at} fails`,
            level: at % 5,
            place: `Shop-${at % 40}`,
            tags: ['payments', 'eu'],
            text: 'It fails since the last rollout. '.repeat(12),
            at: 1_767_225_600 + at,
          })),
        }),
        200,
      ),
  },
  {
    name: 'reading an event for which a schema takes long',
    resources: own('compared', `type: api\nconfig: { schema: ${JSON.stringify(doubling)} }`),
    run: ({ server }) => expectStatus(server.api('POST', '/api/v1/sources/default/compared/events', nested(30)), 400),
  },
  {
    name: 'reading an event of 9,000 texts with a pattern for each',
    resources: own(
      'matched',
      `type: api\nconfig: { schema: ${JSON.stringify({ properties: { texts: { items: { pattern: '^([a-z]+ ?)*(end|[0-9]+)$' } } } })} }`,
    ),
    run: ({ server }) =>
      expectStatus(
        server.api('POST', '/api/v1/sources/default/matched/events', {
          texts: Array.from({ length: 9000 }, (_, at) => `${'some words '.repeat(8)}${at}`),
        }),
        200,
      ),
  },
];
