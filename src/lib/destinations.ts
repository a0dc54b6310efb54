import { BlockList, isIP } from 'node:net';
import { AppError } from '../core/errors.ts';

/** Private places that requests may go to although others are denied. */
export interface AllowedDestinations {
  /** `host` is what the URL names, `address` what it leads to. */
  has(host: string, address: string): boolean;
}

const hostPattern = /^(?:\*\.)?[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*$/;

/**
 * Of names (`alertmanager.monitoring.svc`, or `*.monitoring.svc` for all below it), addresses and networks (`10.96.0.0/12`).
 * A name that the URL has must be written the same way here. Throws InvalidInput.
 */
export function parseDestinations(texts: readonly string[]): AllowedDestinations {
  const names = new Set<string>();
  const networks = new BlockList();
  for (const text of texts) {
    const [address = '', prefix, ...others] = text.split('/');
    const version = isIP(address);
    const bits = version === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : Number(/^\d{1,3}$/.exec(prefix)?.[0] ?? Number.NaN);
    const name = withoutDot(text.toLowerCase());
    if (version !== 0 && others.length === 0 && length <= bits)
      networks.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
    else if (hostPattern.test(name) && !/^[\d.]+$/.test(name)) names.add(name);
    else
      throw new AppError('InvalidInput', `${text} is no host, address or network`, {
        field: '--allow-destination',
        next: '--allow-destination alertmanager.monitoring.svc, or *.monitoring.svc, or 10.96.0.0/12',
      });
  }
  return {
    has: (host, address) =>
      isNamed(names, withoutDot(host.toLowerCase())) || networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6'),
  };
}

function isNamed(names: ReadonlySet<string>, host: string): boolean {
  if (names.has(host)) return true;
  const labels = host.split('.');
  return labels.some((_, index) => index > 0 && names.has(`*.${labels.slice(index).join('.')}`));
}

/** `shop.svc.` is the same place as `shop.svc`. */
function withoutDot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
