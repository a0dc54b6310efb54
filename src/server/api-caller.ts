import { AppError } from '../core/errors.ts';
import type { ApiCaller } from '../lib/api-call.ts';
import type { Route, RouteContext, RouteHttp } from './define-route.ts';
import { longestParam } from './options.ts';
import type { RawQuery } from './parameters.ts';
import { matchesPath } from './paths.ts';
import { authorize } from './rights.ts';

/**
 * Asks routes from within, as the caller of `http` could over the network: with the reading, the bounds and the errors of
 * each. Only those that want the token of the API, which the caller has shown, and answer JSON that ends.
 */
export function createApiCaller(routes: readonly Route[], context: RouteContext, http: RouteHttp): ApiCaller {
  async function call(method: 'GET' | 'POST', target: string, body?: unknown): Promise<unknown> {
    const [path = '', search = ''] = target.split('?', 2);
    const route = routeOf(routes, method, path);
    if (route?.run == null) throw new AppError('NotFound', 'there is no such route');
    const raw = { params: paramsOf(route.path, path), query: queryOf(search), headers: {}, body, within: null };
    const { apiCaller } = http.request;
    const { identities, reader } = context;
    if (apiCaller === null || identities === null) return route.run(context, raw, http);
    const granted = await authorize({ identities, reader }, apiCaller, route, raw);
    return route.run(context, { ...raw, ...granted }, http);
  }
  return { get: (path) => call('GET', path), post: (path, body) => call('POST', path, body) };
}

/** As in the router a segment that is given wins over one that a caller chooses. */
function routeOf(routes: readonly Route[], method: string, path: string): Route | undefined {
  return routes
    .filter((route) => route.method === method && isAskable(route) && matchesPath(route.path, path))
    .toSorted((one, other) => one.path.split(':').length - other.path.split(':').length)[0];
}

function isAskable({ access, isStream, contentType, run }: Route): boolean {
  return access === 'token' && !isStream && contentType === 'application/json' && run !== null;
}

function paramsOf(routePath: string, path: string): Readonly<Record<string, string>> {
  const segments = path.split('/');
  return Object.fromEntries(
    routePath.split('/').flatMap((part, index) => {
      if (!part.startsWith(':')) return [];
      const value = decodeURIComponent(segments[index] ?? '');
      if (value.length > longestParam) throw new AppError('InvalidInput', 'the path is too long');
      return [[part.slice(1), value]];
    }),
  );
}

function queryOf(search: string): RawQuery {
  const parameters = new URLSearchParams(search);
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => {
      const values = parameters.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}
