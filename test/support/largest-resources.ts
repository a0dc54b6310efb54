import type { JsonObject, JsonValue } from '../../src/core/json.ts';

/** So many different texts of a length. */
function texts(count: number, length: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `a${index}-`.padEnd(length, 'x'));
}

function names(count: number, length: number): readonly string[] {
  return texts(count, length).map((text) => text.replace('-', '_'));
}

function mapOf(keys: readonly string[], value: JsonValue): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, value]));
}

const schedule = { from: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z', startTime: '01:00', endTime: '02:00' };
const steps = texts(100, 63).map((name, index): JsonObject => {
  const step = { name, type: 'cli', command: 'date', timeout: '1h1m1s' };
  return index < 15 ? { ...step, env: mapOf(names(100, 255), 'x') } : step;
});
const servers = texts(5, 20).map((name) => ({
  name,
  url: 'https://mcp.example.com',
  headers: mapOf(texts(50, 100), 'x'),
  secretHeaders: mapOf(texts(50, 100), 'secret'),
  tools: texts(3, 128).map((tool) => ({ name: tool, pin: '0'.repeat(64) })),
}));

/** Objects as large as their bounds allow, so that what the rules cost in an API server is seen: it gives up on what costs too much. */
export const largestResources: readonly { readonly kind: string; readonly spec: JsonObject }[] = [
  {
    kind: 'Source',
    spec: {
      type: 'webhook',
      triggerWorkflow: 'a'.repeat(253),
      config: {
        path: 'a'.repeat(1024),
        format: 'cloudevents',
        mapping: { name: 'a', labels: mapOf(texts(32, 1024), 'x'), annotations: mapOf(texts(32, 1024), 'x') },
        filters: mapOf(texts(100, 1024), ['x']),
        authentication: { type: 'mtls', subjects: [...texts(100, 1024)], names: [...texts(100, 1024)] },
      },
      context: mapOf(texts(100, 255), 'x'),
      maintenance: Array.from({ length: 100 }, () => schedule),
      groupBy: [...texts(20, 1024)],
    },
  },
  {
    kind: 'Workflow',
    spec: {
      runtime: { mcpServers: servers, environment: mapOf(names(200, 255), 'x') },
      steps,
      outputs: texts(100, 63).map((name) => ({ name, value: 'x' })),
      sinks: [...texts(100, 253)],
    },
  },
  {
    kind: 'Sink',
    spec: {
      type: 'webhook',
      config: {
        endpoint: `https://${'a'.repeat(2000)}`,
        headers: mapOf(texts(50, 255), 'x'),
        metrics: mapOf(names(100, 200), 'x'),
        grouping: mapOf(names(8, 200), 'x'.repeat(65_536)),
        details: mapOf(texts(100, 255), 'x'),
        context: mapOf(texts(100, 255), 'x'),
        responders: Array.from({ length: 50 }, () => ({ type: 'team', name: 'a'.repeat(255) })),
      },
    },
  },
];
