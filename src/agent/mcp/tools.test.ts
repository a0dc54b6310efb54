import { describe, expect, test } from 'vitest';
import { mcpSecret, startFaultyMcp, writeTool } from '../../../test/support/faulty-mcp.ts';
import {
  call,
  endAfterTest,
  loggedLines,
  open,
  openUrl,
  program,
  testMcpServer,
  useMcpTools,
} from '../../../test/support/mcp-tools.ts';
import { AppError } from '../../core/errors.ts';
import type { McpPlace } from '../../core/plan.ts';
import { systemClock } from '../../lib/clock.ts';
import { createHttpClient } from '../../lib/http.ts';
import { createProgramRunner } from '../../runners/program.ts';
import type { ToolDefinition } from '../tools/define.ts';
import { pinOf } from './definition.ts';
import { withMcpTools } from './tools.ts';

// With servers of this process; those that are programs are in test/real/mcp-programs.test.ts.

useMcpTools();

testMcpServer('HTTP with single answers', async (fault) => (await openUrl(fault, 'json')).opened);
testMcpServer('HTTP with streams', async (fault) => (await openUrl(fault, 'stream')).opened);

describe('a program', () => {
  test('that may not be run here, or lacks a Secret, is left out', async () => {
    const programs = createProgramRunner({ clock: systemClock(), path: '', allowed: [] });
    const refused = await open(program('none'), { programs });
    expect(refused.missing).toEqual(['faulty__look: fist may not run its program here']);
    expect(refused.gaps()).toMatchObject([{ remedy: `fist serve --allow-mcp-command ${process.execPath}` }]);
    const at: McpPlace = { ...program('none').at, secretEnvironment: { TOKEN: 'absent' } } as McpPlace;
    const secret = (): string => {
      throw new AppError('SecretMissing', 'there is no Secret absent');
    };
    expect((await open(program('none', { at }), { secret })).missing).toEqual([
      'faulty__look: a Secret that it needs is missing',
    ]);
  });
});

describe('a server at a URL', () => {
  test('gets its headers, Secrets and session with each request, and the session back at the end', async () => {
    const server = await startFaultyMcp('none', 'stream');
    endAfterTest(() => server.stop());
    const at: McpPlace = {
      of: 'url',
      url: server.url,
      headers: { 'X-Scope': 'shop' },
      secretHeaders: { 'X-Api-Key': 'mcp/key' },
      authentication: { type: 'bearer', secretRef: 'mcp' },
    };
    const opened = await open({ ...program('none'), at });
    await call(opened, { name: 'a' });
    await opened.close();
    for (const { headers } of server.requests) {
      expect(headers).toMatchObject({
        'x-scope': 'shop',
        'x-api-key': 'mcp-key-value',
        authorization: 'Bearer mcp-token-value',
      });
    }
    const methods = server.requests.map(({ method }) => method);
    expect(methods).not.toContain('GET');
    expect(methods.at(-1)).toBe('DELETE');
    expect(server.requests.at(-1)?.headers['mcp-session-id']).toBe('session-1');
  });

  test.each([
    ['redirect', 'it could not be reached'],
    ['401', 'it refused the credentials'],
    ['500', 'it could not be reached'],
    ['html', 'it does not answer as MCP asks'],
  ] as const)('that answers with %s is left out', async (form, why) => {
    const { opened } = await openUrl('none', form);
    expect(opened.missing).toEqual([`faulty__look: ${why}`]);
    expect(loggedLines()).not.toContain(mcpSecret);
  });

  test('is not asked again where the connection broke, or the stream had no answer', async () => {
    const cut = (await openUrl('none', 'cut')).opened;
    expect(await call(cut, { name: 'a' })).toMatchObject({ status: 'error', reason: 'McpEnded' });
    const unanswered = (await openUrl('none', 'stream without an answer')).opened;
    expect(await call(unanswered, { name: 'a' })).toMatchObject({ status: 'error', reason: 'McpGarbage' });
    expect(unanswered.gaps()).toMatchObject([{ reason: 'it does not answer as MCP asks' }]);
  });

  test('that is too slow twice is asked no more', async () => {
    const { opened, server } = await openUrl('slow', 'json', { timeoutMs: 1000 });
    for (let times = 0; times < 3; times += 1)
      expect(await call(opened, { name: 'a' })).toMatchObject({ status: 'error', reason: 'McpTimeout' });
    expect(server.calls).toBe(2);
  });

  test('that the policy of destinations refuses is not reached', async () => {
    const strict = createHttpClient({ policy: { allowPrivate: false } });
    endAfterTest(() => strict.close());
    const server = await startFaultyMcp('none', 'json');
    endAfterTest(() => server.stop());
    const at: McpPlace = { of: 'url', url: server.url, headers: {}, secretHeaders: {}, authentication: null };
    const opened = await open({ ...program('none'), at }, { fetch: strict.fetch });
    expect(opened.missing).toEqual(['faulty__look: it could not be reached']);
    expect(server.requests).toEqual([]);
  });
});

test('tools that a Workflow names come behind the first ones of this program and before the others', () => {
  const named = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}` }) as ToolDefinition);
  const names = (own: number, mcp: number) => withMcpTools(named('o', own), named('m', mcp)).map(({ name }) => name);
  expect(names(10, 2)).toEqual(['o0', 'o1', 'o2', 'o3', 'o4', 'o5', 'o6', 'o7', 'm0', 'm1', 'o8', 'o9']);
  expect(names(2, 1)).toEqual(['o0', 'o1', 'm0']);
});

function problemOf(tool: ToolDefinition | undefined, input: unknown): string | null {
  const parsed = tool?.input.safeParse(input);
  return parsed?.success === false ? (parsed.error.issues[0]?.message ?? '') : null;
}

describe('an allowed tool', () => {
  test.each([
    ['that does not say that it only reads', 'write', pinOf({ ...writeTool, annotations: {} }), /does not say/],
    ['that is not there', 'absent', 'a'.repeat(64), /no such tool/],
    ['whose definition was not read by anybody', 'look', 'a'.repeat(64), /not the one that was pinned/],
  ])('%s is not offered', async (_, name, pin, why) => {
    const { opened } = await openUrl('none', 'json', { tools: [{ name, pin }] });
    expect(opened.tools).toEqual([]);
    expect(opened.missing[0]).toMatch(why);
    expect(opened.gaps()).toMatchObject([
      { what: `tool ${name} of MCP server faulty`, reason: expect.stringMatching(why) },
    ]);
  });

  test('takes only what fits its schema', async () => {
    const [tool] = (await openUrl('none', 'json')).opened.tools;
    expect(problemOf(tool, { name: 'a', bytes: 1 })).toBe(null);
    expect(problemOf(tool, { bytes: 1 })).toBe('is required');
    expect(problemOf(tool, { name: 1 })).toBe('must be string');
    expect(problemOf(tool, { name: 'a', other: 1 })).toMatch(/must NOT have additional properties: other/);
  });
});
