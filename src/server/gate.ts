import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { toAppError } from '../core/errors.ts';
import type { Identities } from '../core/identity.ts';
import { challenge, checkBearer } from '../sources/authentication/bearer.ts';
import { bearerOf } from '../sources/authentication/define.ts';
import type { RouteAccess } from './define-route.ts';
import type { ServerReader } from './options.ts';
import type { RawQuery } from './parameters.ts';
import { authorize, identify } from './rights.ts';
import type { AskedOf, RightsWorld } from './rights.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route; without it nobody may. */
    access?: RouteAccess;
    /** The route, for what callers need whom a cluster knows. */
    asked?: AskedOf;
    /** Its answers have no end. */
    isStream?: boolean;
  }
}

/** RFC 9112 section 3.2: Node takes the first of several; a proxy in front may have looked at another one. */
export function addHostCheck(app: FastifyInstance): void {
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

/** Who may call the API. */
export interface ApiCallers {
  /** Who has it may do everything. */
  readonly token: string;
  /** Others, by tokens of a cluster; null = nobody. */
  readonly identities: Identities | null;
  readonly reader: ServerReader;
}

/** Closed by default: a route without `access` lets nobody in. Runs before the body is read. */
export function addAuthentication(app: FastifyInstance, { token, identities, reader }: ApiCallers): void {
  app.decorateRequest('apiCaller', null);
  app.decorateRequest('apiWithin', null);
  app.addHook('onRequest', (request, reply, done) => {
    const { access, asked } = request.routeOptions.config;
    // Nobody reads its body, and Node would take chunks of a byte without end.
    if (request.method === 'GET') closeAfter(request, reply);
    if (request.is404 || access === 'open' || access === 'source') return done();
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const verdict = checkBearer(request.raw.rawHeaders, [token]);
    if (access === 'token' && verdict === 'ok') return done();
    const given = bearerOf(request.raw.rawHeaders);
    if (identities === null || given === null || access !== 'token' || asked === undefined)
      return unauthenticated(request, reply, verdict === 'absent' ? 'absent' : 'wrong');
    const goOn = (): void => done();
    const refuse = (error: Error): void => {
      closeAfter(request, reply);
      if (toAppError(error).code === 'Unauthenticated') reply.header('www-authenticate', challenge('wrong'));
      done(error);
    };
    letIn({ identities, reader }, given, asked, request).then(goOn, refuse);
  });
}

async function letIn(world: RightsWorld, token: string, asked: AskedOf, request: FastifyRequest): Promise<void> {
  const caller = await identify(world, { token, from: request.ip });
  const { params, query } = request;
  const granted = await authorize(world, caller, asked, { params, query: query as RawQuery });
  request.apiCaller = caller;
  request.apiWithin = granted.within;
  request.params = granted.params;
}

/** What is not read of a request shall not hold its connection. */
export function closeAfter({ headers }: FastifyRequest, reply: FastifyReply): void {
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
