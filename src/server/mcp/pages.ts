import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../core/errors.ts';
import { hostOf, isLoopback } from '../../lib/address-policy.ts';
import type { RouteContext } from '../define-route.ts';

/**
 * Refuses pages of other sites in a browser: by `Origin`, which every browser sends with a POST, and on loopback by `Host`, because the
 * name of a page may be made to point here (DNS rebinding). The protocol wants it of its servers (transports, security). Throws Forbidden.
 */
export function refuseForeignPage(
  { host, publicUrl }: Pick<RouteContext, 'host' | 'publicUrl'>,
  { headers }: Pick<FastifyRequest, 'headers'>,
): void {
  const own = publicUrl === null ? null : new URL(publicUrl);
  const { origin } = headers;
  if (origin !== undefined && origin !== own?.origin)
    throw new AppError('Forbidden', 'this route takes no requests of pages of other sites', {
      field: 'origin',
      next: 'connect the assistant itself; a page of this server is told by --public-url',
    });
  if (!isLoopback(host)) return;
  const url = URL.parse(`http://${headers.host ?? ''}`);
  const asked = url === null ? '' : hostOf(url);
  // No name leads to an address.
  if (isLoopback(asked) || isIP(asked) !== 0 || asked === own?.hostname) return;
  throw new AppError('Forbidden', 'this server is asked by a name that is not its own', {
    field: 'host',
    next: 'use http://127.0.0.1 and its port, or start it with --public-url',
  });
}
