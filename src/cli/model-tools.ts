import { listMcpTools } from '../app/mcp-tools.ts';
import type { OfferedTool } from '../app/mcp-tools.ts';
import { cutText } from '../lib/cut.ts';
import { parseDuration } from '../lib/duration.ts';
import { plain } from '../lib/printable.ts';
import { styled } from '../lib/styled.ts';
import { answerIsNo } from './failure.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';

interface ModelToolsFlags {
  readonly env?: readonly string[];
  readonly timeout: string;
  readonly output: string;
}

const mostDescription = 400;

/** `fist model tools`: what an MCP server offers, with the lines for a Workflow. Exit 1 where none of it would be used. */
export async function modelTools(
  terminal: Terminal,
  flags: ModelToolsFlags,
  ...words: readonly string[]
): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const target = { words, variables: flags.env ?? [], timeoutMs: parseDuration(flags.timeout) };
  const tools = await listMcpTools(target, terminal.env);
  if (format === 'json') await printObject(terminal, 'json', { tools });
  else for (const tool of tools) terminal.out(linesOf(terminal, tool));
  const usable = tools.filter(({ pin }) => pin !== null);
  if (format === 'text' && usable.length > 0)
    tell(
      terminal,
      'read what they do, then put the lines of those that you want under tools of the server in spec.runtime.mcpServers',
    );
  if (format === 'text' && tools.length === 0) terminal.out('It offers no tools.\n');
  return usable.length > 0 ? 0 : answerIsNo;
}

function linesOf(terminal: Terminal, { name, description, pin, refusal }: OfferedTool): string {
  const isUsable = pin !== null;
  const mark = isUsable ? '✔' : '✗';
  const shown = terminal.colour ? styled(isUsable ? 'green' : 'red', mark) : mark;
  const said = cutText(plain(description), mostDescription);
  const last = isUsable ? `- {name: ${JSON.stringify(plain(name))}, pin: ${pin}}` : `not used: ${refusal}`;
  return `${shown} ${plain(name)}${said === '' ? '' : `: ${said}`}\n  ${last}\n`;
}
