import { z } from 'zod';
import { lazily } from '../api/fields.ts';
import { defineRoute } from '../define-route.ts';
import { refuseForeignPage } from './pages.ts';
import { answerMcp } from './http.ts';

/** A list of messages, as one old revision had it, would be many requests in one. */
const message = z.looseObject({
  jsonrpc: z.literal('2.0').describe('`2.0`.'),
  id: z.union([z.string(), z.int()]).optional().describe('Of a request; its answer has the same.'),
  method: z.string().min(1).max(200).describe('`tools/list`, `tools/call`, ...'),
  params: z.looseObject({}).optional().describe('What the method takes.'),
});

export const callAssistant = defineRoute({
  name: 'callAssistant',
  method: 'POST',
  path: '/mcp',
  access: 'token',
  needs: 'identity',
  summary: 'The tools of this server for assistants: Model Context Protocol, streamable HTTP without sessions.',
  description:
    'Takes one JSON-RPC message of any revision of the protocol and answers it as JSON; there are no streams and no batches. assistants.md of the guide says what the tools are. Errors of a tool are answers (`isError`); these are of requests that are none. Pages of other sites are refused by `Origin` and `Host`.',
  body: message,
  errors: ['Forbidden'],
  otherAnswers: {
    202: 'A notification was taken; the body is empty.',
    400: 'The message does not fit its headers, or the revision of the protocol that it names.',
    404: 'The revision that it names has no such method.',
  },
  example: { body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } },
  admits: refuseForeignPage,
  answer: lazily(() =>
    z
      .looseObject({
        jsonrpc: z.literal('2.0').describe('`2.0`.'),
        id: z.union([z.string(), z.int()]).nullable().describe('Of the request.'),
        result: z.unknown().optional().describe('What the method gave.'),
        error: z.unknown().optional().describe('Why it gave nothing.'),
      })
      .meta({ id: 'McpAnswer', description: 'An answer of JSON-RPC.' }),
  ),
  handler: (context, { body }, http) => answerMcp(context, body, http),
});
