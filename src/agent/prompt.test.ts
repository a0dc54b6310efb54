import { expect, test } from 'vitest';
import { z } from 'zod';
import { callTools } from '../../test/support/toolbox.ts';
import { memoryCluster } from '../../test/support/memory-cluster.ts';
import type { AgentResult } from '../core/finding.ts';
import type { Evidence } from '../core/run.ts';
import { readReport } from '../report/read.ts';
import { briefDescription, offeredDescription, offeredName } from './mcp/definition.ts';
import type { McpDefinition } from './mcp/definition.ts';
import { withMcpTools } from './mcp/tools.ts';
import { closingText, openingText, systemText } from './prompt.ts';
import type { Opening } from './prompt.ts';
import type { ToolDefinition } from './tools/define.ts';
import { toolDefinitions } from './tools/index.ts';
import { estimateTokens } from './window.ts';

const long = (words: string): string => `${words} `.repeat(200);
const object = `pod/a-long-namespace-of-a-team/${'checkout-'.repeat(4)}5577bf7884-59zsl`;

const evidence = Array.from({ length: 20 }, (_, index): Evidence => ({
  id: `e${index + 1}`,
  kind: 'logs',
  object,
  command: 'kubectl logs',
  time: '2026-01-01T00:00:00.000Z',
  excerpt: long('2026-01-01 ERROR connection refused'),
}));

const finding: AgentResult['findings'][number] = {
  category: 'crash-loop',
  description: long('It crashed again and again.'),
  happened: '',
  severity: 'high',
  object,
  from: null,
  until: null,
  evidence_ids: evidence.map(({ id }) => id),
  evidence: {},
};

/** Everything is long. */
const analysis: AgentResult = {
  ...readReport({}),
  alert: { alertname: 'Down', labels: { note: long('label') }, annotations: { description: long('annotation') } },
  object,
  happened: long('It crashed.'),
  root_cause: long('The cause.'),
  confidence: 0.7,
  findings: Array.from({ length: 20 }, () => finding),
  also_broken: Array.from({ length: 20 }, () => finding),
  causal_chain: Array.from({ length: 10 }, () => ({
    object,
    relation: 'owner',
    finding: '',
    happened: '',
    evidence_ids: [],
  })),
  gaps: Array.from({ length: 20 }, () => ({
    what: `the previous log of ${object}`,
    kind: 'forbidden' as const,
    reason: 'the server says no',
    remedy: '',
    resource: null,
    namespace: null,
  })),
  evidence,
};

const opening = (profile: Opening['profile']): Opening => ({
  profile,
  delimiter: 'AbCdEfGhIjKl',
  goal: 'Find the cause of the alert.',
  values: [],
  analysis,
  missing: [],
  hints: [],
  hasNamedTools: false,
});

test.each([
  ['compact', 0, 2000],
  ['full', 2000, 16_000],
] as const)(
  'the %s beginning of a conversation has, with its tools, from %i to %i tokens',
  async (profile, least, most) => {
    const { toolbox } = await callTools(toolDefinitions, memoryCluster({}), { profile });
    const messages = [
      { role: 'system', text: systemText(profile, 'AbCdEfGhIjKl') },
      { role: 'user', text: openingText(opening(profile)) },
    ] as const;
    const tokens = estimateTokens(messages, toolbox.declarations);
    expect(tokens).toBeGreaterThan(least);
    expect(tokens).toBeLessThan(most);
  },
);

/** Tools of an MCP server whose author had much to say. */
const named = (count: number, parts: Partial<McpDefinition> = {}): readonly ToolDefinition[] =>
  Array.from({ length: count }, (_, index) => {
    const definition: McpDefinition = {
      name: `find_owner_of_a_service_${index}`,
      description: long('Finds who owns a service, and whom to call at night.'),
      inputSchema: {
        type: 'object',
        properties: {
          service: { type: 'string', description: long('Its name.') },
          environment: { type: 'string', enum: ['prod', 'test'], description: long('Where.') },
        },
        required: ['service'],
      },
      annotations: { readOnlyHint: true },
      ...parts,
    };
    return {
      name: offeredName('inventory', definition.name),
      description: offeredDescription('inventory', definition),
      brief: briefDescription('inventory', definition),
      input: z.looseObject({}),
      declared: definition.inputSchema,
      unavailable: () => null,
      reaches: () => [],
      run: () => Promise.reject(new Error('nobody calls it')),
    };
  });

const offeredIn = async (profile: Opening['profile'], mcp: readonly ToolDefinition[]) =>
  (await callTools(withMcpTools(toolDefinitions, mcp), memoryCluster({}), { profile })).toolbox;

test('a small window has a couple of tools of MCP servers as well, and begins with so much less', async () => {
  const toolbox = await offeredIn('compact', named(5));
  const names = toolbox.declarations.map(({ name }) => name);
  expect(names).toHaveLength(6);
  expect(names.slice(4)).toEqual(['inventory__find_owner_of_a_service_0', 'inventory__find_owner_of_a_service_1']);
  expect(toolbox.declarations[4]).toMatchObject({
    description: expect.stringContaining('as data: "Finds who owns a service') as string,
    input: { type: 'object', required: ['service'], properties: { service: { type: 'string' } } },
  });
  expect(toolbox.hasNamedTools).toBe(true);
  expect(toolbox.missing.join()).not.toContain('inventory');
  const messages = [
    { role: 'system', text: systemText('compact', 'AbCdEfGhIjKl') },
    { role: 'user', text: openingText({ ...opening('compact'), hasNamedTools: true }) },
  ] as const;
  expect(estimateTokens(messages, toolbox.declarations)).toBeLessThan(2000);
});

test('what does not fit into a small window is not offered, nor made fit by leaving out what its input needs', async () => {
  const nested = { type: 'object', properties: { where: { type: 'object', properties: { a: { type: 'string' } } } } };
  const [tool] = (await offeredIn('compact', named(1, { inputSchema: nested }))).declarations.slice(4);
  expect(tool?.input).toEqual(nested);
  const large = { ...nested, properties: { where: { type: 'object', description: long('words') } } };
  const { declarations, hasNamedTools } = await offeredIn('compact', named(1, { inputSchema: large }));
  expect([declarations.length, hasNamedTools]).toEqual([4, false]);
});

test('a large window has fifteen tools at most, whatever a Workflow names, and the first ones of this program before those', async () => {
  for (const count of [0, 1, 7, 15]) {
    const { declarations, missing } = await offeredIn('full', named(count));
    expect(declarations.length).toBeLessThanOrEqual(15);
    const own = declarations.filter(({ name }) => !name.startsWith('inventory__'));
    // Seven of the first eight are there without metrics.
    expect(declarations.length - own.length).toBe(Math.min(count, 8));
    expect(declarations.slice(0, 7)).toEqual(own.slice(0, 7));
    // What has no room is said, so that nobody looks for it.
    if (count === 15) {
      expect(declarations).toHaveLength(15);
      expect(missing.join()).toContain('inventory__find_owner_of_a_service_14: 15 tools are offered already');
    }
  }
});

test('what the cause cites is shown first, and what is cut says so', () => {
  const text = openingText({
    ...opening('compact'),
    analysis: { ...analysis, findings: [{ ...finding, evidence_ids: ['e19'] }], causal_chain: [] },
  });
  expect(text.indexOf('from e19,')).toBeGreaterThan(0);
  expect(text.indexOf('from e19,')).toBeLessThan(text.indexOf('from e1,'));
  expect(text).toContain('[cut]');
});

test('a model with a small window is asked for a short answer', () => {
  expect(closingText('compact', null)).toContain('Be short');
  expect(closingText('full', 'The budget is spent.')).toMatch(/^The budget is spent\.\n/);
});
