import type { FastifyRequest } from 'fastify';
import type { Catalog, CatalogSource } from '../core/catalog.ts';
import { unavailable, unknownPath, wrongMethod } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { askCluster, authenticate, isProved } from './source-authentication.ts';
import type { WebhookContext } from './webhook-context.ts';

/** The chain of decisions that need no body. It waits for nobody, but where a cluster has to say who calls. */
export function decide(context: WebhookContext, request: FastifyRequest): Decision {
  const known = currentCatalog(context);
  if ('status' in known) return known;
  const found = findSource(known, (request.params as { '*': string })['*']);
  if (found === undefined || !takesRequests(context, found.source)) return unknownPath();
  const { source, subpath } = found;
  if (source.path === null) return unusable();
  request.webhookSource = source;
  request.webhookSubpath = subpath;
  if (request.method !== 'POST' && request.method !== 'PUT') return wrongMethod(request.method);
  return authenticate(context, source, request) ?? decideCaller(context, source, request);
}

/** A refusal, or null: come in. */
export type Decision = Refusal | null | Promise<Refusal | null>;

/** Lets the caller in, where the cluster has nothing against it. */
export function decideCaller(context: WebhookContext, source: CatalogSource, request: FastifyRequest): Decision {
  if (source.authentication?.cluster == null) return admit(context, source, request);
  return askCluster(context, source, request).then((refused) => refused ?? admit(context, source, request));
}

function takesRequests({ types }: WebhookContext, { type }: CatalogSource): boolean {
  const definition = types.get(type);
  return definition !== undefined && (definition.receive !== null || definition.converse !== null);
}

/** What is known of all Sources; a refusal where the server takes nothing now. */
export function currentCatalog({ options }: WebhookContext): Catalog | Refusal {
  const current = options.state();
  if (current !== 'ready')
    return unavailable(current === 'starting' ? 'Starting' : 'Draining', 'Draining', `the server is ${current}`);
  return (
    options.catalog.current() ?? unavailable('NotSynchronised', 'Draining', 'the server has not read its Sources yet')
  );
}

/** What is left to decide of a caller who is let in, before the body is read. */
function admit(context: WebhookContext, source: CatalogSource, request: FastifyRequest): Refusal | null {
  const { rates } = context;
  const refusal =
    contentType(source, request) ?? vanished(source) ?? rates.refusal(source) ?? load(context, source, request);
  if (refusal === null) rates.take(source);
  return refusal;
}

/** `/api/v2/alerts` has three. */
const mostSubpathSegments = 4;

/** The Source of a path, or of the path in front of what it takes behind its own. */
function findSource(
  catalog: Catalog,
  path: string,
): { readonly source: CatalogSource; readonly subpath: string } | undefined {
  const exact = catalog.sourceByPath(path);
  if (exact !== undefined) return { source: exact, subpath: '' };
  let end = path.length;
  for (let segment = 0; segment < mostSubpathSegments; segment += 1) {
    end = path.lastIndexOf('/', end - 1);
    if (end <= 0) return undefined;
    const subpath = path.slice(end);
    const source = catalog.sourceByPath(path.slice(0, end));
    if (source?.path === null || source?.subpaths.includes(subpath) === true) return { source, subpath };
  }
  return undefined;
}

/** Any type without parameters, or with UTF-8 for the only one. */
const mediaTypePattern = /^([\w.+-]+\/[\w.+-]+) *(?:; *charset="?utf-?8"? *)?$/i;

/** The media type of a body, without its parameters and in lower case; null where it is none that we read. */
export function mediaTypeOf(type: string | undefined): string | null {
  if (type === undefined || type === 'application/json') return type ?? null;
  return mediaTypePattern.exec(type)?.[1]?.toLowerCase() ?? null;
}

function contentType({ mediaTypes }: CatalogSource, { headers }: FastifyRequest): Refusal | null {
  const type = mediaTypeOf(headers['content-type']);
  if (type === null || !mediaTypes.includes(type)) {
    const known = mediaTypes.join(' or ');
    return unsupported('content-type', `the content type must be ${known}, and the charset UTF-8`);
  }
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity' || isGzip(encoding)) return null;
  return unsupported('content-encoding', 'the content encoding must be gzip, or none');
}

export function isGzip(encoding: string | undefined): boolean {
  return encoding === 'gzip' || encoding === 'x-gzip';
}

function unsupported(field: string, message: string): Refusal {
  return { status: 415, reason: 'UnsupportedMediaType', body: { code: 'InvalidInput', message, field } };
}

/** What was served here until its spec was broken, and will be again: senders are to keep their alerts until then. */
function unusable(): Refusal {
  return unavailable('SourceNotUsable', 'InvalidResource', 'the Source of this path cannot be used as it is declared');
}

/** By mistake or not: after a minute its path is unknown. */
function vanished({ leaving }: CatalogSource): Refusal | null {
  if (leaving !== true) return null;
  return unavailable(
    'SourceVanished',
    'InvalidResource',
    'the Source of this path vanished from the resources just now',
  );
}

/** Takes a place for the request, which {@link WebhookContext.admission} gets back when the answer is out. */
function load(context: WebhookContext, source: CatalogSource, request: FastifyRequest): Refusal | null {
  const refused = context.options.intake.refusal?.() ?? null;
  if (refused !== null) return unavailable(refused.reason ?? refused.code, refused.code, refused.message, refused.next);
  const { socket } = request.raw;
  if (!context.connections.begin(socket, isProved(source)))
    return full('this connection has too many notifications in work');
  const place = context.admission.enter(`${source.namespace}/${source.name}`);
  if (place === null) {
    context.connections.end(socket);
    return full('the server has as many notifications in work as it can hold, or as one Source may have');
  }
  request.place = place;
  return null;
}

function full(message: string): Refusal {
  return unavailable('Overloaded', 'StoreUnavailable', message);
}
