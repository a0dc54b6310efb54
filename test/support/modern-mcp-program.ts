import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

// A server that speaks revision 2026-07-28 and nothing older.

serveStdio(
  () => {
    const server = new McpServer({ name: 'modern', version: '1' }, { capabilities: { tools: {} } });
    const inputSchema = z.strictObject({ name: z.string() });
    const annotations = { readOnlyHint: true };
    server.registerTool('look', { description: 'Looks.', inputSchema, annotations }, async ({ name }) => ({
      content: [{ type: 'text', text: `seen ${name}` }],
    }));
    return server;
  },
  { legacy: 'reject' },
);
