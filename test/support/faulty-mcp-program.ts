import { createInterface } from 'node:readline';
import { createFaultyMcp, mcpEnd } from './faulty-mcp.ts';
import type { McpFault } from './faulty-mcp.ts';

// faulty-mcp.ts over standard input and output. It ends when its input does.

const fault = process.argv[2] as McpFault;
const answer = createFaultyMcp(fault);

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Record<string, unknown>;
  if (fault === 'endless' && message['method'] === 'tools/call') {
    // As fast as it is read, until nobody does.
    for (;;) await new Promise((resolve) => process.stdout.write('x'.repeat(65_536), resolve));
  }
  for (const sent of answer(message)) {
    if (sent === mcpEnd) {
      process.stderr.write('panic: token=hunter2-canary-value\n');
      process.exit(2);
    }
    process.stdout.write(`${typeof sent === 'string' ? sent : JSON.stringify(sent)}\n`);
  }
}
