import { describe, expect, it } from 'vitest';
import { alertOf } from '../../../test/support/alert-snapshot.ts';
import { eventObject, memoryCluster, podObject } from '../../../test/support/memory-cluster.ts';
import { memoryMetrics } from '../../../test/support/memory-metrics.ts';
import { owner } from '../../../test/support/shop.ts';
import { callTools } from '../../../test/support/toolbox.ts';
import type { HttpClient } from '../../core/ports.ts';
import { allowedHost } from '../policy.ts';
import { toolDefinitions } from './index.ts';

// What docs/reference/tools.md says of each tool is what it does.

const set = {
  kind: 'ReplicaSet',
  metadata: { name: 'web-h1', namespace: 'shop', uid: 'uid-web-h1' },
  spec: { replicas: 1 },
};
const deployment = { kind: 'Deployment', metadata: { name: 'web', namespace: 'shop' }, spec: { replicas: 1 } };
const usage = {
  metadata: { name: 'web-1', namespace: 'shop' },
  containers: [{ name: 'app', usage: { cpu: '1m', memory: '1Mi' } }],
};
const cluster = memoryCluster(
  {
    pods: [podObject('web-1', { meta: { labels: { app: 'web' }, ...owner('ReplicaSet', 'web-h1') } })],
    replicasets: [set],
    deployments: [deployment],
    events: [eventObject({ kind: 'Pod', name: 'web-1' }, 'BackOff', 'back-off')],
  },
  { logs: { 'shop/web-1/app': 'an error\n' }, usage: { pods: [usage] } },
);
const http: HttpClient = {
  send: async () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'well', truncated: false }),
};

describe.each(toolDefinitions.map((tool) => [tool.name, tool] as const))('%s', (name, { input, reference }) => {
  it('takes its example, which the policy allows, and names the command that is documented', async () => {
    const status = allowedHost('https://status.example.com');
    const { call } = await callTools(toolDefinitions, cluster, {
      alert: alertOf({ namespace: 'shop', pod: 'web-1' }),
      allowed: { hosts: status === null ? [] : [status] },
      readers: {
        metrics: memoryMetrics({}),
        logs: { description: 'memory', url: 'http://loki:3100', query: async () => ({ streams: [] }) },
        runbooks: { description: 'memory', all: async () => [] },
        incidents: { similar: async () => [], judged: async () => [] },
        http,
      },
      sources: { tools: toolDefinitions.filter((tool) => tool.name === name) },
    });
    const { status: ended, command } = await call(name, reference.example);
    expect(ended).toMatch(/^(?:ok|no_data)$/);
    expect(command).toBe(reference.command);
  });

  it('describes each field', () => {
    for (const [field, schema] of Object.entries(input.shape))
      expect([field, schema.description]).toEqual([field, expect.stringMatching(/\.$/) as string]);
  });
});
