import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { AppError } from '../core/errors.ts';
import type { Complain } from '../lib/complaints.ts';
import { errorAnswer, retryAfterSeconds } from './errors.ts';
import type { ErrorAnswer } from './errors.ts';
import { closeAfter } from './gate.ts';
import type { ServerOptions } from './options.ts';
import { methodsOf } from './routes.ts';

interface SocketRefusal extends ErrorAnswer {
  /** As the first line of the answer has it. */
  readonly title: string;
}

const malformed: SocketRefusal = {
  status: 400,
  title: 'Bad Request',
  body: { code: 'InvalidInput', message: 'this is not a valid HTTP request' },
};

const socketRefusals: Readonly<Record<string, SocketRefusal>> = {
  // Node cannot know whether the sender was slow or this process stood still, and Alertmanager drops what it is told 408.
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 503,
    title: 'Service Unavailable',
    body: { code: 'Timeout', message: 'the request did not arrive in time', next: 'send it again' },
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: 'Request Header Fields Too Large',
    body: { code: 'InvalidInput', message: 'the headers are too large' },
  },
};

/** What is not HTTP, or does not come in time: one answer, then the connection ends. */
export function refuseMalformed(
  { metrics }: ServerOptions,
  complain: Complain,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const { status, title, body } = socketRefusals[error.code ?? ''] ?? malformed;
  metrics.increment('fist_http_malformed_total', { reason: String(status) });
  const fields = { status, from: socket.remoteAddress, why: body.message };
  complain('warn', `malformed ${status}`, fields, 'connections are refused that send no valid request in time');
  if (socket.writable) {
    const text = JSON.stringify(body);
    const headers = [
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      ...(status === 503 ? [`Retry-After: ${retryAfterSeconds()}`] : []),
      'Connection: close',
    ];
    socket.write(`HTTP/1.1 ${status} ${title}\r\n${headers.join('\r\n')}\r\n\r\n${text}`);
  }
  socket.destroySoon();
}

/** Answers what handlers throw, and what no route takes. */
export function addErrors(app: FastifyInstance, options: ServerOptions, complain: Complain): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => sendError(options, complain, error, reply));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = methodsOf(path);
    closeAfter(request, reply);
    if (allowed.length === 0)
      throw new AppError('NotFound', 'there is no such route', {
        next: 'GET /openapi.json names all routes',
      });
    return reply
      .code(405)
      .header('allow', allowed.join(', '))
      .send({
        code: 'InvalidInput',
        message: `this route takes ${allowed.join(' or ')}, not ${request.method.slice(0, 20)}`,
      });
  });
}

/** Answers what was thrown; what is our fault is told in the log. */
export function sendError({ log }: ServerOptions, complain: Complain, error: unknown, reply: FastifyReply): void {
  const { status, body } = errorAnswer(error);
  const fields = { error, route: reply.request.routeOptions.url };
  // What a rule of a Source refuses is told with the Source.
  if (status === 503 && body.code !== 'RateLimited')
    complain('error', `api ${body.code}`, fields, 'a request could not be answered');
  else if (status === 500) log.error(fields, 'a request failed');
  if (status === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', retryAfterSeconds());
  void reply.code(status).send(body);
}
