import type { Server as TlsServer } from 'node:https';
import type { FastifyInstance } from 'fastify';
import { createComplaints } from '../lib/complaints.ts';
import type { Complain } from '../lib/complaints.ts';
import { eventLoopTurns, finishInTurns } from '../lib/turns.ts';
import { addApiAdmission } from './admission.ts';
import { createApiCaller } from './api-caller.ts';
import { createConnections } from './connections.ts';
import type { Connections } from './connections.ts';
import type { RouteContext } from './define-route.ts';
import { addErrors, refuseMalformed, sendError } from './error-answers.ts';
import { addAuthentication, addHostCheck } from './gate.ts';
import { addBodyParser } from './json-body.ts';
import { handleInTurns, listen } from './listen.ts';
import type { ListenAddress, Listening } from './listen.ts';
import { loadAssistant } from './mcp/server.ts';
import { addMeasures, countAtScrapes } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { defaultLimits, longestParam } from './options.ts';
import type { ServerLimits, ServerOptions } from './options.ts';
import { createPace } from './receive-body.ts';
import { createRates } from './rates.ts';
import { createRefusals } from './refusals.ts';
import { routes } from './routes.ts';
import { createFeed } from './stream/feed.ts';
import { reloadCertificates, tlsOptions, withTlsSockets } from './tls.ts';
import { registerWebhooks } from './webhooks.ts';

export interface Server {
  /** Throws InvalidInput where the address cannot be had. */
  listen(): Promise<ListenAddress>;
  /** Takes no new connections, finishes the answers under way, closes what is left after a while. Milliseconds. */
  close(timeoutMs?: number): Promise<void>;
  /** A request without a network, for tests. */
  readonly inject: FastifyInstance['inject'];
}

/** Makes the HTTP server; nothing listens yet. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const limits = { ...defaultLimits, ...options.limits };
  const complain = createComplaints(options.log, options.clock);
  const app = await createFastify(options, limits, complain);
  const connections = countConnections(app, options, limits, complain);
  const refusals = createRefusals(options.clock, options.metrics, complain);
  const rates = createRates(options.clock);
  if (options.tls !== null) {
    const stop = reloadCertificates(app.server as unknown as TlsServer, options.tls, options);
    app.addHook('onClose', stop);
  }
  handleInTurns(app.server, eventLoopTurns, (socket) => connections.isKnown(socket));
  const pace = createPace({ ...limits, windowMs: limits.paceWindowMs, clock: options.clock });
  app.addHook('onClose', () => pace.stop());
  addErrors(app, options, complain);
  addMeasures(app, options);
  addHostCheck(app);
  addAuthentication(app, options);
  addApiAdmission(app, limits, connections);
  addBodyParser(app, limits, pace);
  await registerWebhooks(app, { options, limits, connections, refusals, rates, pace, complain, turns: eventLoopTurns });
  countAtScrapes(options);
  const feed = createFeed({
    ...limits,
    changes: options.reader.lists,
    clock: options.clock,
    complain,
    isOpen: () => options.state() === 'ready',
    counted: (clients) => options.metrics.set('fist_stream_clients', {}, clients),
  });
  const context: RouteContext = {
    ...options,
    refusals,
    rates,
    feed,
    openApi: openApiText(options),
    assistant: assistantOf(options),
    callApi: (http) => createApiCaller(routes, context, http),
  };
  addRoutes(app, context);
  await app.ready();
  let listening: Listening | undefined;
  return {
    async listen() {
      listening = await listen(app, options.host, options.port, { isSecure: options.tls !== null });
      app.server.on('error', (error) => {
        complain('error', 'accept', { error, next: 'ulimit -n 8192' }, 'connections could not be taken');
      });
      return listening.address;
    },
    close(timeoutMs = limits.closeTimeoutMs) {
      feed.stop();
      return close(app, listening, Math.min(timeoutMs, limits.closeTimeoutMs));
    },
    inject: app.inject.bind(app),
  };
}

/** Most servers are never asked by an assistant: then the library of the protocol is not loaded. */
function assistantOf({ allowMcpStart, state, clock, metrics, log }: ServerOptions): RouteContext['assistant'] {
  let loaded: ReturnType<RouteContext['assistant']> | undefined;
  return () =>
    (loaded ??= loadAssistant({
      allowStart: allowMcpStart,
      clock,
      mayWait: () => state() === 'ready',
      count: (tool, outcome) => metrics.increment('fist_mcp_calls_total', { tool, outcome }),
      log,
    }));
}

/** The OpenAPI document, made when it is first asked for. */
function openApiText(options: ServerOptions): () => Promise<string> {
  let made: Promise<string> | undefined;
  return () => (made ??= finishInTurns(openApiDocument(routes, options)).then((document) => JSON.stringify(document)));
}

/** Registers the routes that have a handler. */
function addRoutes(app: FastifyInstance, context: RouteContext): void {
  for (const { method, path, access, needs, isStream, admits, serve } of routes) {
    if (serve === null) continue;
    app.route({
      method,
      url: path,
      config: { access, isStream, asked: { path, needs } },
      // After the token is checked, and before the body is read.
      ...(admits === null ? {} : { onRequest: async (request) => admits(context, request) }),
      handler: (request, reply) => serve(context, request, reply),
    });
  }
}

/** Bounds the connections of all sockets together. */
function countConnections(
  app: FastifyInstance,
  { metrics, tls }: ServerOptions,
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
  return tls === null ? connections : withTlsSockets(app.server as unknown as TlsServer, connections);
}

async function createFastify(
  options: ServerOptions,
  limits: ServerLimits,
  complain: Complain,
): Promise<FastifyInstance> {
  const { fastify } = await import('fastify');
  const http = {
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: limits.checkIntervalMs,
    maxHeaderSize: limits.maxHeaderBytes,
  };
  const https = options.tls === null ? null : { ...http, ...tlsOptions(options.tls) };
  // One server either way: what differs is the socket under its requests.
  return fastify({
    logger: false,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: longestParam },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    http,
    ...(https === null ? {} : ({ https } as object)),
    clientErrorHandler: (error, socket) => refuseMalformed(options, complain, error, socket),
    frameworkErrors: (error, _request, reply) => sendError(options, complain, error, reply),
  });
}

/** Bodies are checked by schemas of zod. Where Fastify has none to compile it does not load its compilers, a hundred files. */
function noSchemas(): never {
  throw new Error('no route has a schema of Fastify');
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
