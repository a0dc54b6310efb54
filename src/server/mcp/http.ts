import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Server } from '@modelcontextprotocol/server';
import { whenAborted } from '../../lib/when-aborted.ts';
import type { RouteContext, RouteHttp } from '../define-route.ts';

/**
 * Serves one message with a server of its own: whichever replica is asked, nothing has to be known from an earlier one. Answers are
 * JSON. Older revisions of the protocol are served as those without sessions are.
 */
export async function answerMcp(context: RouteContext, body: unknown, http: RouteHttp): Promise<FastifyReply> {
  const { request, reply } = http;
  const assistant = await context.assistant();
  const asked = webRequest(request, goneSignal(reply));
  const answer = await answerOf(() => assistant(() => context.callApi(http)), asked, body);
  if (answer === null) return reply;
  const text = await answer.text();
  void reply.code(answer.status);
  if (text === '') return reply.send();
  return reply.type('application/json; charset=utf-8').send(text);
}

/** Null: the caller is gone. */
async function answerOf(make: () => Server, request: Request, parsedBody: unknown): Promise<Response | null> {
  const { createMcpHandler, isLegacyRequest, WebStandardStreamableHTTPServerTransport } =
    await import('@modelcontextprotocol/server');
  if (!(await isLegacyRequest(request, parsedBody)))
    return createMcpHandler(make, { legacy: 'reject', maxSubscriptions: 0 }).fetch(request, { parsedBody });
  const server = make();
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  try {
    // Of a call that nobody waits for any more this transport says nothing.
    return await Promise.race([
      transport.handleRequest(request, { parsedBody }),
      whenAborted(request.signal).then(() => null),
    ]);
  } finally {
    await server.close();
  }
}

/** Aborted where the caller goes before the answer has come. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** Headers that are decided here, and no business of the library. */
const own: ReadonlySet<string> = new Set([
  'authorization',
  'accept',
  'content-length',
  'connection',
  'transfer-encoding',
]);

/** What the library looks at: the method and the headers. Its address is nobody's, and the body was read before. */
function webRequest({ method, headers: sent }: FastifyRequest, signal: AbortSignal): Request {
  const given = Object.entries(sent).flatMap(([name, value]): [string, string][] =>
    value === undefined || own.has(name) ? [] : [[name, String(value)]],
  );
  // It wants a caller that takes both forms; here is only the one.
  const headers: [string, string][] = [...given, ['accept', 'application/json, text/event-stream']];
  return new Request('http://fist.invalid/mcp', { method, headers, signal });
}
