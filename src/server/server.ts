import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.ts';
import { jsonProblem } from '../lib/json-bounds.ts';
import { createComplaints } from '../lib/complaints.ts';
import type { Complain } from '../lib/complaints.ts';
import { createTurns } from '../lib/turns.ts';
import { addApiAdmission } from './admission.ts';
import { apiHandlers } from './api.ts';
import { challenge, checkBearer } from './auth.ts';
import { errorAnswer, retryAfterSeconds } from './errors.ts';
import { bodyOptions, createPace, receiveBody } from './receive-body.ts';
import type { Pace } from './receive-body.ts';
import { createConnections } from './connections.ts';
import type { Connections } from './connections.ts';
import { healthHandlers } from './health.ts';
import { handleInTurns, listen } from './listen.ts';
import type { ListenAddress, Listening } from './listen.ts';
import { metricsHandlers } from './metrics.ts';
import { defaultLimits } from './options.ts';
import type { ServerLimits, ServerOptions } from './options.ts';
import { createRefusals } from './refusals.ts';
import { methodsOf, routes } from './routes.ts';
import type { Handler, RouteAccess, RouteName } from './routes.ts';
import { registerWebhooks } from './webhooks.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route; without it nobody may. */
    access?: RouteAccess;
  }
  interface FastifyRequest {
    /** The body of an API request as it came. */
    bodyText: string;
  }
}

export interface Server {
  /** Throws InvalidInput where the address cannot be had. */
  listen(): Promise<ListenAddress>;
  /** Takes no new connections, finishes the answers under way, closes what is left after a while. Milliseconds. */
  close(timeoutMs?: number): Promise<void>;
  /** A request without a network, for tests. */
  readonly inject: FastifyInstance['inject'];
}

/** Requests are handled on the thread of the event loop: after so long everybody else has a turn. */
const turnMs = 10;

/** Makes the HTTP server; nothing listens yet. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const limits = { ...defaultLimits, ...options.limits };
  const complain = createComplaints(options.log, options.clock);
  const app = await createFastify(options, limits, complain);
  const connections = countConnections(app, options, limits, complain);
  const refusals = createRefusals(options.clock, complain);
  handleInTurns(app.server, createTurns(turnMs), (socket) => connections.isKnown(socket));
  const pace = createPace({ ...limits, windowMs: limits.paceWindowMs, clock: options.clock });
  app.addHook('onClose', () => pace.stop());
  addErrors(app, options, complain);
  addMeasures(app, options);
  addHostCheck(app);
  addAuthentication(app, options.token);
  addApiAdmission(app, limits, connections);
  addBodyParser(app, limits, pace);
  await registerWebhooks(app, { options, limits, connections, refusals, pace, complain, turns: createTurns(turnMs) });
  const handlers = {
    ...healthHandlers(options),
    ...metricsHandlers({ ...options, lists: options.reader.lists }),
    ...apiHandlers(options, refusals),
  } satisfies Record<Exclude<RouteName, 'POST /webhook/*'>, Handler>;
  for (const route of routes) {
    if (route.access === 'source') continue;
    app.route({
      method: route.method,
      url: route.path,
      config: { access: route.access },
      handler: handlers[`${route.method} ${route.path}` as keyof typeof handlers],
    });
  }
  await app.ready();
  let listening: Listening | undefined;
  return {
    async listen() {
      listening = await listen(app, options.host, options.port);
      app.server.on('error', (error) => {
        complain('error', 'accept', { error, next: 'ulimit -n 8192' }, 'connections could not be taken');
      });
      return listening.address;
    },
    close(timeoutMs = limits.closeTimeoutMs) {
      return close(app, listening, Math.min(timeoutMs, limits.closeTimeoutMs));
    },
    inject: app.inject.bind(app),
  };
}

/** Bounds the connections of all sockets together. */
function countConnections(
  app: FastifyInstance,
  { metrics }: ServerOptions,
  limits: ServerLimits,
  complain: Complain,
): Connections {
  const { maxConnections } = limits;
  const connections = createConnections({
    ...limits,
    refused() {
      metrics.increment('fist_http_connections_refused_total', {});
      complain(
        'warn',
        'refused',
        { maxConnections },
        'connections are refused: all that are open have requests in work',
      );
    },
    displaced() {
      metrics.increment('fist_http_connections_displaced_total', {});
      complain('warn', 'displaced', { maxConnections }, 'idle connections are closed: others need their places');
    },
  });
  app.server.prependListener('connection', (socket) => connections.add(socket));
  return connections;
}

async function createFastify(
  options: ServerOptions,
  limits: ServerLimits,
  complain: Complain,
): Promise<FastifyInstance> {
  const { fastify } = await import('fastify');
  return fastify({
    logger: false,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 500 },
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      maxHeaderSize: limits.maxHeaderBytes,
    },
    clientErrorHandler: (error, socket) => refuseMalformed(options, complain, error, socket),
    frameworkErrors: (error, _request, reply) => sendError(options, complain, error, reply),
  });
}

const malformed: Readonly<Record<string, readonly [status: string, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request did not arrive in time'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the headers are too large'],
};

/** What is not HTTP, or does not come in time: one answer, then the connection ends. */
function refuseMalformed(
  { metrics }: ServerOptions,
  complain: Complain,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, message] = malformed[error.code ?? ''] ?? ['400 Bad Request', 'this is not a valid HTTP request'];
  metrics.increment('fist_http_malformed_total', { reason: status.slice(0, 3) });
  const fields = { status: Number(status.slice(0, 3)), from: socket.remoteAddress, why: message };
  complain('warn', `malformed ${status}`, fields, 'connections are refused that send no valid request');
  const body = JSON.stringify({ code: 'InvalidInput', message });
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}

function addErrors(app: FastifyInstance, options: ServerOptions, complain: Complain): void {
  app.setErrorHandler((error: FastifyError, _request, reply) => sendError(options, complain, error, reply));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = methodsOf(path);
    closeAfter(request, reply);
    if (allowed.length === 0)
      throw new AppError('NotFound', 'there is no such route', {
        next: 'GET / names the parts of the API',
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

function sendError({ log }: ServerOptions, complain: Complain, error: unknown, reply: FastifyReply): void {
  const { status, body } = errorAnswer(error);
  const fields = { error, route: reply.request.routeOptions.url };
  if (status === 503) complain('error', `api ${body.code}`, fields, 'a request could not be answered');
  else if (status >= 500) log.error(fields, 'a request failed');
  if (status === 503) void reply.header('retry-after', retryAfterSeconds());
  void reply.code(status).send(body);
}

const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Route templates and known words only: what a caller chooses never becomes a label. */
function addMeasures(app: FastifyInstance, { metrics }: ServerOptions): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const method = knownMethods.has(request.method) ? request.method : 'OTHER';
    metrics.increment('fist_http_requests_total', { method, route, status: String(reply.statusCode) });
    metrics.observe('fist_http_request_duration_seconds', { route }, reply.elapsedTime / 1000);
    done();
  });
}

/** RFC 9112 section 3.2: Node takes the first of several; a proxy in front may have looked at another one. */
function addHostCheck(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (countHosts(request.raw.rawHeaders) <= 1) return done();
    void reply.code(400).header('connection', 'close').send({
      code: 'InvalidInput',
      message: 'the request has more than one Host header',
      field: 'host',
    });
  });
}

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

/** Closed by default: a route without `access` lets nobody in. Runs before the body is read. */
function addAuthentication(app: FastifyInstance, token: string): void {
  app.addHook('onRequest', (request, reply, done) => {
    const { access } = request.routeOptions.config;
    // Nobody reads its body, and Node would take chunks of a byte without end.
    if (request.method === 'GET') closeAfter(request, reply);
    if (request.is404 || access === 'open' || access === 'source') return done();
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const verdict = checkBearer(request.raw, token);
    if (access === 'token' && verdict === 'ok') return done();
    unauthenticated(request, reply, verdict === 'absent' ? 'absent' : 'wrong');
  });
}

/** What is not read of a request shall not hold its connection. */
function closeAfter({ headers }: FastifyRequest, reply: FastifyReply): void {
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (hasBody) void reply.header('connection', 'close');
}

function unauthenticated(request: FastifyRequest, reply: FastifyReply, verdict: 'absent' | 'wrong'): void {
  closeAfter(request, reply);
  void reply
    .code(401)
    .header('www-authenticate', challenge(verdict))
    .send({
      code: 'Unauthenticated',
      message: verdict === 'absent' ? 'a bearer token is required' : 'the bearer token is not the one of this server',
      next: 'the token is the FIST_TOKEN that the server was started with, else in the file DATABASE-token beside the database (PostgreSQL: data/punching-fist-token); send it as Authorization: Bearer TOKEN',
    });
}

/** Of a body of the API: an alert with the most labels has a fortieth of it. */
const bodyBounds = { values: 20_000, depth: 64 };

/** JSON only; an empty body is no body. */
function addBodyParser(app: FastifyInstance, { maxBodyBytes }: ServerLimits, pace: Pace): void {
  app.removeAllContentTypeParsers();
  app.decorateRequest('bodyText', '');
  app.addContentTypeParser('application/json', (request, stream, done) => {
    // Nobody takes it: there is no such route.
    if (request.place === null) return done(null, undefined);
    receiveBody(stream, bodyOptions(request, maxBodyBytes, pace), (error, body) => {
      if (error !== null) return done(error);
      if (body === undefined || body === null || body.length === 0) return done(null, undefined);
      const problem = jsonProblem(body, bodyBounds);
      if (problem !== null) return done(new AppError('InvalidInput', `the body ${problem}`));
      request.bodyText = body.toString('utf8');
      try {
        done(null, JSON.parse(request.bodyText));
      } catch (cause) {
        done(new AppError('InvalidInput', 'the body is not JSON', { cause }));
      }
    });
  });
}

const idleCheckMs = 25;

async function close(app: FastifyInstance, listening: Listening | undefined, timeoutMs: number): Promise<void> {
  // A connection whose last answer goes out while we close is kept alive by Node; it has to be looked for.
  const idle = setInterval(() => app.server.closeIdleConnections(), idleCheckMs);
  const timer = setTimeout(() => app.server.closeAllConnections(), timeoutMs);
  try {
    await Promise.all([app.close(), listening?.close()]);
  } finally {
    clearInterval(idle);
    clearTimeout(timer);
  }
}
