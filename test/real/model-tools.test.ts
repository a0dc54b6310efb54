import { afterEach, expect, test } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { faultyMcpCommand, lookTool, mcpSecret, startFaultyMcp } from '../support/faulty-mcp.ts';
import { pinOf } from '../../src/agent/mcp/definition.ts';
import { runProgram } from '../../src/cli/program.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

async function run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let [out, err] = ['', ''];
  const code = await runProgram(['model', 'tools', ...words], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
    env,
    folder: cleanup.temporaryFolder('model-tools'),
  });
  return { code, out, err };
}

const shown = `✔ look: Looks something up.
  - {name: "look", pin: ${pinOf(lookTool)}}
✗ write: Looks something up, or so it says.
  not used: its server does not say that it only reads
`;

test('the tools of an address, with the lines for a Workflow; its token is in the environment', async () => {
  const server = await startFaultyMcp('none', 'json');
  cleanup.defer(() => server.stop());
  const answer = await run([server.url], { FIST_MCP_TOKEN: 'token-of-mcp' });
  expect(answer).toMatchObject({ code: 0, out: shown });
  expect(answer.err).toContain('spec.runtime.mcpServers');
  expect(server.requests.map(({ headers }) => headers.authorization)).toContain('Bearer token-of-mcp');
  // It lists, and calls nothing.
  expect(server.calls).toBe(0);
  const json = await run([server.url, '-o', 'json']);
  expect(JSON.parse(json.out)).toMatchObject({
    tools: [
      { name: 'look', pin: pinOf(lookTool), refusal: null },
      { name: 'write', pin: null, refusal: 'its server does not say that it only reads' },
    ],
  });
});

test('the tools of a program, which gets the variables that are named', async () => {
  expect(await run(['--', ...faultyMcpCommand('none')])).toMatchObject({ code: 0, out: shown });
  const missing = await run(['--env', 'NO_SUCH_VARIABLE', '--', ...faultyMcpCommand('none')]);
  expect(missing).toMatchObject({ code: 2, out: '' });
  expect(missing.err).toContain('NO_SUCH_VARIABLE is not set here');
});

test('a server that cannot be asked says why, without what it said of secrets', async () => {
  const server = await startFaultyMcp('none', '401');
  cleanup.defer(() => server.stop());
  const denied = await run([server.url]);
  expect(denied).toMatchObject({ code: 3, out: '' });
  expect(denied.err).toContain('it refused the credentials');
  expect(denied.err).toContain('next: a token in FIST_MCP_TOKEN');
  expect(denied.err).not.toContain(mcpSecret);
  const away = await run(['http://127.0.0.1:1/mcp']);
  expect(away).toMatchObject({ code: 3, err: expect.stringContaining('it could not be reached') as string });
  const relative = await run(['inventory-mcp']);
  expect(relative).toMatchObject({ code: 2, err: expect.stringContaining('no absolute path') as string });
  const both = await run(['--env', 'A', 'http://127.0.0.1:1/mcp'], { A: 'x' });
  expect(both).toMatchObject({ code: 2, err: expect.stringContaining('belong to a program') as string });
});

test('a server without tools is no error of its own, and nothing can be used', async () => {
  expect(await run(['--', ...faultyMcpCommand('no tools')])).toMatchObject({ code: 1, out: 'It offers no tools.\n' });
});
