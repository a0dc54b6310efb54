import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { catalogOptions } from '../../test/support/resources.ts';
import { buildCatalog } from './catalog.ts';
import type { CatalogOptions } from './catalog.ts';
import { compileWorkflow } from './compile.ts';

const pin = 'a'.repeat(64);
const tools = `tools: [{name: query, pin: ${pin}}]`;
const options = catalogOptions({
  secrets: { get: (_, { name }) => (name === 'absent' ? null : 'value') },
  mcpCommands: ['/bin/allowed'],
});

function specOf(servers: string, step = 'type: agent, goal: why'): unknown {
  return parse(`{runtime: {mcpServers: ${servers}}, steps: [{name: look, ${step}}]}`);
}

function compiled(servers: string) {
  return compileWorkflow('shop', 'triage', specOf(servers));
}

describe('MCP servers of a Workflow', () => {
  test('stand in the plan as they are written', () => {
    const { accepted, issues } = compiled(`[
      {name: prometheus, url: 'http://mcp.monitoring:8080/mcp', headers: {X-Scope: shop}, secretHeaders: {X-Key: keys/mcp},
       authentication: {type: bearer, secretRef: mcp}, ${tools}, timeout: 10s},
      {name: k8s, command: [/bin/allowed, --read-only], environment: {HOME: /tmp}, secretEnvironment: {TOKEN: k8s}, ${tools}}]`);
    expect(issues).toEqual([]);
    expect(accepted?.runtime.mcpServers).toEqual([
      {
        name: 'prometheus',
        at: {
          of: 'url',
          url: 'http://mcp.monitoring:8080/mcp',
          headers: { 'X-Scope': 'shop' },
          secretHeaders: { 'X-Key': 'keys/mcp' },
          authentication: { type: 'bearer', secretRef: 'mcp' },
        },
        tools: [{ name: 'query', pin }],
        timeoutMs: 10_000,
      },
      {
        name: 'k8s',
        at: {
          of: 'program',
          command: ['/bin/allowed', '--read-only'],
          environment: { HOME: '/tmp' },
          secretEnvironment: { TOKEN: 'k8s' },
        },
        tools: [{ name: 'query', pin }],
        timeoutMs: 30_000,
      },
    ]);
  });

  test('are not in the plan of a Workflow that has none: its hash is what it was', () => {
    const { accepted } = compileWorkflow('shop', 'triage', parse('{steps: [{name: look, type: agent, goal: why}]}'));
    expect(accepted?.runtime).not.toHaveProperty('mcpServers');
  });

  test.each([
    [`[{name: a, ${tools}}]`, 'needs exactly one of url and command'],
    [`[{name: a, url: 'http://a', command: [/b], ${tools}}]`, 'needs exactly one of url and command'],
    [`[{name: a, command: [npx, -y, server], ${tools}}]`, 'must begin with an absolute path'],
    [`[{name: a, url: 'http://u:p@a/', ${tools}}]`, 'without credentials'],
    [`[{name: a, url: 'file:///etc/passwd', ${tools}}]`, 'http or https'],
    [`[{name: a, command: [/b], headers: {A: b}, ${tools}}]`, 'belong to url'],
    [`[{name: a, url: 'http://a', environment: {A: b}, ${tools}}]`, 'belong to command'],
    [`[{name: a, url: 'http://a', headers: {Mcp-Session-Id: b}, ${tools}}]`, 'is set by fist itself'],
    [`[{name: a, url: 'http://a', headers: {Host: b}, ${tools}}]`, 'is set by fist itself'],
    [`[{name: a, command: [/b], environment: {LD_PRELOAD: b}, ${tools}}]`, 'is set by fist itself'],
    [`[{name: a, command: [/b], environment: {FIST_ATTEMPT_MARKER: b}, ${tools}}]`, 'is set by fist itself'],
    [`[{name: a, url: 'http://a'}]`, 'tools is required'],
    [`[{name: a, url: 'http://a', tools: []}]`, 'tools'],
    [`[{name: a, url: 'http://a', tools: [{name: query}]}]`, 'pin is required'],
    [`[{name: a, url: 'http://a', tools: [{name: query, pin: abc}]}]`, 'as fist model tools prints them'],
    [`[{name: a, url: 'http://a', tools: [{name: q, pin: ${pin}}, {name: q, pin: ${pin}}]}]`, 'has a tool twice'],
    [`[{name: A, url: 'http://a', ${tools}}]`, 'small letters'],
    [`[{name: a, url: 'http://a', ${tools}}, {name: a, url: 'http://b', ${tools}}]`, 'has a name twice'],
    [`[{name: a, url: 'http://a', ${tools}, timeout: 10m}]`, 'from 1s to 5m'],
    [`[{name: a, url: 'http://a', ${tools}, shell: true}]`, 'shell'],
  ])('%s: %s', (servers, message) => {
    const { accepted, issues } = compiled(servers);
    expect(accepted).toBe(null);
    expect(JSON.stringify(issues)).toContain(message);
  });

  test('have fifteen tools in all at most', () => {
    const many = (count: number): string =>
      Array.from({ length: count }, (_, index) => `{name: t${index}, pin: ${pin}}`).join(', ');
    const two = (count: number) =>
      compiled(
        `[{name: a, url: 'http://a', tools: [${many(8)}]}, {name: b, url: 'http://b', tools: [${many(count)}]}]`,
      );
    expect(two(7).issues).toEqual([]);
    expect(JSON.stringify(two(8).issues)).toContain('has more than 15 tools in all');
  });
});

describe('what keeps MCP servers from being used', () => {
  const conditionsOf = (servers: string, changes: Partial<CatalogOptions> = {}, step?: string) => {
    const spec = specOf(servers, step);
    const object = {
      kind: 'Workflow',
      namespace: 'shop',
      name: 'triage',
      spec,
      origin: 'a.yaml:1',
      createdAt: null,
    } as const;
    const found = buildCatalog([object], { ...options, ...changes }).workflow('shop', 'triage');
    return (found?.conditions ?? []).map(
      ({ type, status, reason, message }) => `${type}=${status} ${reason} ${message}`,
    );
  };

  test('is a condition, and the Workflow runs all the same', () => {
    expect(conditionsOf(`[{name: a, command: [/bin/other], secretEnvironment: {T: absent}, ${tools}}]`)).toEqual([
      expect.stringMatching(/^Ready=True Accepted/),
      'McpServersResolved=False SecretMissing MCP server a needs key token of Secret absent, which is not there; its tools are not offered; a file absent/token below --secrets-dir (and 1 more)',
    ]);
    expect(conditionsOf(`[{name: a, command: [/bin/other], ${tools}}]`)[1]).toMatch(
      /^McpServersResolved=False ExecNotAllowed .*; start it with: fist serve --allow-mcp-command \/bin\/other$/,
    );
    const keyless = `[{name: a, url: 'http://a', authentication: {type: bearer, secretKeyRef: {name: absent}}, ${tools}}]`;
    expect(conditionsOf(keyless)[1]).toMatch(/SecretMissing/);
  });

  test('is nothing where all is there, or no step asks', () => {
    const fine = `[{name: a, command: [/bin/allowed], secretEnvironment: {T: there}, ${tools}}]`;
    expect(conditionsOf(fine)).toHaveLength(1);
    const other = `[{name: a, command: [/bin/other], ${tools}}]`;
    expect(conditionsOf(other, { mcpCommands: 'all' })).toHaveLength(1);
    expect(conditionsOf(other, {}, 'type: cli, command: echo')).toHaveLength(1);
  });
});
