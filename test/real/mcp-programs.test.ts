import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { pinOf } from '../../src/agent/mcp/definition.ts';
import { listMcp } from '../../src/agent/mcp/open.ts';
import { openMcpTools } from '../../src/agent/mcp/tools.ts';
import { mcpLimits } from '../../src/agent/mcp/traffic.ts';
import type { McpPlace } from '../../src/core/plan.ts';
import type { ProcessIdentity } from '../../src/core/run.ts';
import { isAlive } from '../../src/runners/process-identity.ts';
import { call, loggedLines, open, program, stepWorld, testMcpServer, useMcpTools } from '../support/mcp-tools.ts';

// MCP servers that are programs, each started as a process; those at a URL are in src/agent/mcp/tools.test.ts.

useMcpTools();

testMcpServer('a program', (fault) => open(program(fault)));

describe('a program', () => {
  test('may write other things between its messages', async () => {
    expect(await call(await open(program('noise')), { name: 'a' })).toMatchObject({ text: 'seen a' });
  });

  test('of an older revision that ends at a question that it does not know is started again', async () => {
    const seen: ProcessIdentity[] = [];
    const onProcess = async (process: ProcessIdentity): Promise<void> => void seen.push(process);
    const opened = await open(program('ends at what it does not know'), { onProcess });
    expect(await call(opened, { name: 'a' })).toMatchObject({ text: 'seen a' });
    expect(seen).toHaveLength(2);
    expect(new Set(seen.map(({ marker }) => marker)).size).toBe(1);
  });

  test.each([
    ['garbage', 'it does not answer as MCP asks'],
    ['die early', 'the connection to it ended'],
  ] as const)('with "%s" at its beginning is left out', async (fault, why) => {
    const opened = await open(program(fault));
    expect(opened.missing).toEqual([`faulty__look: ${why}`]);
    expect(loggedLines()).toMatch(/mcp-failed/);
    expect(loggedLines()).not.toContain('hunter2');
  });

  test('that answers nothing is left out when its time is over', async () => {
    const opened = await open(program('silent', { timeoutMs: 1000 }));
    expect(opened.missing).toEqual(['faulty__look: it did not answer in time']);
  });

  test.each([
    ['die', {}, 'McpEnded'],
    ['flood', {}, 'McpFlooded'],
    ['endless', { messageBytes: 100_000, bytes: 1_000_000 }, 'McpFlooded'],
  ] as const)('that does "%s" in a call is asked no more', async (fault, limits, reason) => {
    const opened = await open(program(fault), { limits: { ...mcpLimits, ...limits } });
    const first = await call(opened, { name: 'a' });
    expect(first).toMatchObject({ status: 'error' });
    expect(await call(opened, { name: 'b' })).toMatchObject({ status: 'error', reason });
    expect(opened.gaps()).toMatchObject([{ what: 'the tools of MCP server faulty', kind: 'unavailable' }]);
    expect(JSON.stringify([first, loggedLines()])).not.toContain('hunter2');
  });

  test('that answers with objects in objects is not parsed', async () => {
    const opened = await open(program('deep'), { limits: { ...mcpLimits, garbage: 0 } });
    expect(await call(opened, { name: 'a' })).toMatchObject({ status: 'error', reason: 'McpGarbage' });
  });

  test('is ended with the step, whatever it does', async () => {
    const controller = new AbortController();
    const seen: ProcessIdentity[] = [];
    const onProcess = async (process: ProcessIdentity): Promise<void> => void seen.push(process);
    const opened = await open(program('slow'), { onProcess });
    const answer = call(opened, { name: 'a' }, controller.signal);
    controller.abort(new Error('the step is over'));
    await expect(answer).rejects.toThrow('the step is over');
    await opened.close();
    expect(await Promise.all(seen.map(isAlive))).toEqual([false]);
    const aborted = openMcpTools([program('silent')], stepWorld({ signal: controller.signal }));
    await expect(aborted).rejects.toThrow('the step is over');
  });
});

test('a server of the newest revision alone is spoken to in it', async () => {
  const file = fileURLToPath(new URL('../support/modern-mcp-program.ts', import.meta.url));
  const at: McpPlace = { of: 'program', command: [process.execPath, file], environment: {}, secretEnvironment: {} };
  const definitions = await listMcp({ at, timeoutMs: 20_000 }, stepWorld());
  expect(definitions).toMatchObject([{ name: 'look', description: 'Looks.', annotations: { readOnlyHint: true } }]);
  const tools = definitions.map((definition) => ({ name: definition.name, pin: pinOf(definition) }));
  const opened = await open(program('none', { at, tools }));
  expect(await call(opened, { name: 'a' })).toMatchObject({ status: 'ok', text: 'seen a' });
});
