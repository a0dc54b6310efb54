import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { AppError } from '../core/errors.ts';
import { refusedAddress } from './address-policy.ts';
import type { DestinationPolicy } from './address-policy.ts';

// Where connections may go to: what is checked is the address that is connected to, not only the name.

/** All addresses of a name. */
export type Addresses = (host: string) => Promise<readonly LookupAddress[]>;

export interface DestinationOptions {
  /** Default: private addresses are allowed, because operators run their receivers there. */
  readonly policy?: DestinationPolicy;
  /** Tests inject one. */
  readonly lookup?: Addresses;
}

export const defaultPolicy: DestinationPolicy = { allowPrivate: true };

/** What the system knows of a name. */
export const systemAddresses: Addresses = (host) => systemLookup(host, { all: true });

/** Throws `Forbidden` for a host that is a refused address itself: such a one is never looked up. `shown` names it for people. */
export function checkAddress(host: string, policy: DestinationPolicy, shown = host): void {
  const refusal = isIP(host) === 0 ? null : refusedAddress(host, policy);
  if (refusal !== null) throw new AppError('Forbidden', `requests to ${shown} are not allowed: ${refusal}`);
}

/** Resolves a name and refuses it when any of its addresses is refused: a name with two faces is an attack. */
export function checkedLookup(addresses: Addresses, policy: DestinationPolicy): LookupFunction {
  const checked = callbackify(async (host: string): Promise<[LookupAddress, ...LookupAddress[]]> => {
    const [first, ...others] = await addresses(host);
    if (first === undefined) throw new AppError('Unreachable', `${host} has no address`);
    for (const { address } of [first, ...others]) {
      const reason = refusedAddress(address, policy, host);
      if (reason !== null) throw new AppError('Forbidden', `requests to ${host} are not allowed: ${reason}`);
    }
    return [first, ...others];
  });
  return (host, lookupOptions, callback) =>
    checked(host, (error, found) => {
      if (error !== null) callback(error, '');
      else if (lookupOptions.all === true) callback(null, found);
      else callback(null, found[0].address, found[0].family);
    });
}
