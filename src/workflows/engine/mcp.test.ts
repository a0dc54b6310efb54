import { afterEach, expect, test } from 'vitest';
import { createEngineWorld, planOf, step } from '../../../test/support/engine.ts';
import { emptyWorld } from '../../../test/support/toolbox.ts';
import { faultyMcpCommand, lookTool } from '../../../test/support/faulty-mcp.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { pinOf } from '../../agent/mcp/definition.ts';
import { openMcpTools } from '../../agent/mcp/tools.ts';
import type { McpTools } from '../../agent/mcp/tools.ts';
import type { McpServer, Plan } from '../../core/plan.ts';
import { systemClock } from '../../lib/clock.ts';
import { createHttpClient } from '../../lib/http.ts';
import { killLeftover } from '../../runners/process-group.ts';
import { isAlive } from '../../runners/process-identity.ts';
import { createProgramRunner } from '../../runners/program.ts';
import { openSqliteStore } from '../../store/sqlite/store.ts';
import { succeeded } from '../steps/define.ts';
import type { EngineOptions } from './work.ts';
import { releaseDeadLeases } from '../driver.ts';

const clock = systemClock();
const never = new AbortController().signal;
const http = createHttpClient();
const opened: McpTools[] = [];
afterEach(async () => {
  for (const tools of opened.splice(0)) await tools.close();
});

const openMcp: EngineOptions['openMcp'] = async (namespace, servers, io) => {
  expect(namespace).toBe('default');
  const tools = await openMcpTools(servers, {
    ...io,
    fetch: http.fetch,
    programs: createProgramRunner({ clock, path: '/usr/bin:/bin', allowed: 'all' }),
    secret: () => 'value',
  });
  opened.push(tools);
  return tools;
};

function serverOf(name: string): McpServer {
  const at = { of: 'program', command: faultyMcpCommand('none'), environment: {}, secretEnvironment: {} } as const;
  return { name, at, tools: [{ name: 'look', pin: pinOf(lookTool) }], timeoutMs: 20_000 };
}

const plan: Plan = planOf([step('one')], {
  runtime: { image: '', environment: {}, llmConfig: null, mcpServers: [serverOf('a'), serverOf('b')] },
});

test('3.1.11 programs of MCP servers that a dead worker left are killed before their step is repeated', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const first = createEngineWorld({
    store,
    clock,
    openMcp,
    deeds: {
      one: async (io) => {
        await io.openMcp();
        return new Promise(() => undefined);
      },
    },
  });
  const id = await first.addRun(plan);
  void first.engine.advance(id, never);
  const open = await waitFor('its tools', () => opened[0]);
  expect(open.tools.map(({ name }) => name)).toEqual(['a__look', 'b__look']);
  const [row] = await store.read.runs.steps(id);
  const process = row?.process ?? null;
  if (process === null) throw new Error('the process was not written');
  expect(await isAlive(process)).toBe(true);
  await releaseDeadLeases(store, clock);
  const second = createEngineWorld({
    store,
    clock,
    killLeftover: (leftover) => killLeftover(clock, leftover),
    deeds: { one: () => succeeded({}) },
  });
  await second.engine.advance(id, never);
  expect(await second.journal(id)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
  // Of both: the journal has one process, and their marker is the same.
  const [one, other] = open.tools;
  const io = { ...emptyWorld, signal: never };
  for (const tool of [one, other]) {
    expect(await tool?.run(io, { name: 'x' })).toMatchObject({ status: 'error', reason: 'McpEnded' });
  }
  await store.close();
});
