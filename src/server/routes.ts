import type { FastifyReply, FastifyRequest } from 'fastify';

/** Who may call a route: anybody, who has the API's token, or who has the token of the Source. */
export type RouteAccess = 'open' | 'token' | 'source';

export interface RouteDescription {
  readonly method: 'GET' | 'POST';
  /** `:name` stands for one segment, `*` for the rest. */
  readonly path: string;
  readonly access: RouteAccess;
  readonly summary: string;
}

/** Every route of the server. The reference is generated from it; a test compares it with what is registered. */
export const routes = [
  {
    method: 'POST',
    path: '/webhook/*',
    access: 'source',
    summary: 'Takes a notification for the Source with this path; answers 2xx only after the commit.',
  },

  { method: 'GET', path: '/health', access: 'open', summary: 'The process answers: `{status: "healthy", version}`.' },
  { method: 'GET', path: '/livez', access: 'open', summary: 'The process answers.' },
  {
    method: 'GET',
    path: '/readyz',
    access: 'open',
    summary: 'The server takes alerts: 200, else 503. `?verbose` lists the checks.',
  },
  { method: 'GET', path: '/metrics', access: 'token', summary: 'Metrics in the text format of Prometheus.' },

  {
    method: 'GET',
    path: '/api/v1/alerts',
    access: 'token',
    summary: 'Alerts; filters `status`, `severity`, `name`, `namespace`, `label=name=value` (repeated).',
  },
  {
    method: 'GET',
    path: '/api/v1/alerts/:id',
    access: 'token',
    summary: 'One alert with its transitions and its newest runs.',
  },
  {
    method: 'GET',
    path: '/api/v1/runs',
    access: 'token',
    summary: 'Runs; filters `status`, `workflow`, `namespace`, `alert`.',
  },
  {
    method: 'GET',
    path: '/api/v1/runs/:id',
    access: 'token',
    summary: 'One run with its steps, evidence and deliveries.',
  },
  {
    method: 'POST',
    path: '/api/v1/runs/:id/cancel',
    access: 'token',
    summary: 'Asks a run to stop; body `{reason}` (optional).',
  },
  { method: 'POST', path: '/api/v1/runs/:id/retry', access: 'token', summary: 'Makes a new run of a finished one.' },
  {
    method: 'GET',
    path: '/api/v1/gaps',
    access: 'token',
    summary:
      'What the newest 200 runs lacked in their investigations, how often, and the remedy; filters `workflow`, `namespace`, `since`, `until`; `limit`.',
  },
  {
    method: 'GET',
    path: '/api/v1/sources',
    access: 'token',
    summary: 'Sources with spec and status; filter `namespace`.',
  },
  {
    method: 'GET',
    path: '/api/v1/sources/*',
    access: 'token',
    summary: 'One Source, by namespace/name (or name in the namespace default).',
  },
  {
    method: 'GET',
    path: '/api/v1/workflows',
    access: 'token',
    summary: 'Workflows with spec, status and last run; filter `namespace`.',
  },
  {
    method: 'GET',
    path: '/api/v1/workflows/*',
    access: 'token',
    summary: 'One Workflow, by namespace/name (or name in the namespace default).',
  },
  { method: 'GET', path: '/api/v1/sinks', access: 'token', summary: 'Sinks with spec and status; filter `namespace`.' },
  {
    method: 'GET',
    path: '/api/v1/sinks/*',
    access: 'token',
    summary: 'One Sink, by namespace/name (or name in the namespace default).',
  },
  { method: 'GET', path: '/api/v1/deliveries', access: 'token', summary: 'Deliveries; filters `status`, `run`.' },
  { method: 'GET', path: '/api/v1/deliveries/:id', access: 'token', summary: 'One delivery with what is sent.' },
  {
    method: 'POST',
    path: '/api/v1/deliveries/:id/retry',
    access: 'token',
    summary: 'Sends a failed delivery again: same key, same payload, attempts counted anew.',
  },
  {
    method: 'POST',
    path: '/api/v1/deliveries/retry',
    access: 'token',
    summary:
      'The same for all failed deliveries of a Sink; body `{sink, namespace?, status: "failed"}`. Answers `{retried}`.',
  },
  {
    method: 'POST',
    path: '/api/v1/deliveries/:id/cancel',
    access: 'token',
    summary: 'Ends a pending delivery without sending it; body `{reason}` (optional).',
  },
  {
    method: 'GET',
    path: '/api/v1/events',
    access: 'token',
    summary: 'Notifications as they came; filters `source`, `namespace`.',
  },
  { method: 'GET', path: '/api/v1/events/:id', access: 'token', summary: 'One notification with its body.' },
  { method: 'GET', path: '/api/v1/dead-letters', access: 'token', summary: 'Input that could not be used.' },
  { method: 'GET', path: '/api/v1/dead-letters/:id', access: 'token', summary: 'One of them with its body.' },

  { method: 'GET', path: '/', access: 'token', summary: 'Name, version and links.' },
  {
    method: 'POST',
    path: '/alerts',
    access: 'token',
    summary: 'Makes an alert by hand; `source` and `Idempotency-Key` are optional.',
  },
  {
    method: 'GET',
    path: '/alerts',
    access: 'token',
    summary: 'Alerts in the shape of the first version; `limit` (at most 100), `offset`.',
  },
  { method: 'GET', path: '/alerts/:id', access: 'token', summary: 'One alert in the shape of the first version.' },
  {
    method: 'GET',
    path: '/workflows',
    access: 'token',
    summary: 'Runs in the shape of the first version; `limit` (at most 100), `offset`.',
  },
  { method: 'GET', path: '/workflows/:id', access: 'token', summary: 'One run in the shape of the first version.' },
  { method: 'GET', path: '/workflows/:id/steps', access: 'token', summary: 'Its step attempts.' },
  { method: 'GET', path: '/workflows/:id/outputs', access: 'token', summary: 'Its outputs.' },
  {
    method: 'GET',
    path: '/source-events',
    access: 'token',
    summary: 'Notifications of the Source `source_name`; `limit` (at most 100).',
  },
] as const satisfies readonly RouteDescription[];

/** `GET /api/v1/alerts`. */
export type RouteName = NameOf<(typeof routes)[number]>;

type NameOf<Route extends RouteDescription> = Route extends RouteDescription
  ? `${Route['method']} ${Route['path']}`
  : never;

/** Answers with JSON (what it returns), or sends something else itself and returns the reply. */
export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** A part of the server: the handlers of some routes. */
export type Handlers<Names extends RouteName> = Readonly<Record<Names, Handler>>;

/** The methods that a path has, for 405 with `Allow`. Empty: no such path. */
export function methodsOf(path: string): readonly string[] {
  const segments = path.split('/');
  return [...new Set(routes.filter((route) => matches(route.path.split('/'), segments)).map((route) => route.method))];
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const hasRest = pattern.at(-1) === '*';
  if (hasRest ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every(
    (part, index) => part === '*' || part === segments[index] || (part.startsWith(':') && segments[index] !== ''),
  );
}
