import { BlockList, isIP } from 'node:net';
import type { AllowedDestinations } from './destinations.ts';

/** Which addresses a request may go to. */
export interface DestinationPolicy {
  /** False: addresses that only a closed network uses are refused too: loopback, private, shared, unique-local. */
  readonly allowPrivate: boolean;
  /** Of those addresses these are not. Absent: none is excepted. */
  readonly allowed?: AllowedDestinations;
}

type Network = readonly [address: string, prefix: number];

/** IPv4 that no receiver can have (IANA's special-purpose registry): this network, link-local, protocol assignments, multicast, broadcast. */
const never4: readonly Network[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
  // Metadata services outside of link-local: Alibaba, Azure.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
];

/** What stands within a closed network. 240.0.0.0/4 is reserved, and clouds give it to pods; 198.18.0.0/15 is for benchmarks. */
const private4: readonly Network[] = [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['240.0.0.0', 4],
];

/**
 * IPv6 that no receiver can have: unspecified and IPv4-compatible, discard, local NAT64, what IETF protocols use (Teredo,
 * ORCHID, benchmarks), documentation, 6to4, segment routing, link-local, multicast, and metadata services (AWS, Google).
 */
const never6: readonly Network[] = [
  ['100::', 64],
  ['100:0:0:1::', 64],
  ['64:ff9b:1::', 48],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fe80::', 10],
  ['ff00::', 8],
  ['fd00:ec2::', 32],
  ['fd20:ce::254', 128],
];

const private6: readonly Network[] = [
  ['::1', 128],
  ['fc00::', 7],
  ['fec0::', 10],
];

/** Prefixes of 96 bits behind which an IPv4 address stands: NAT64 (RFC 6052) and translation (RFC 7915). Node itself knows the mapped form. */
const embedding = ['64:ff9b::', '::ffff:0:'] as const;

const embedded = (networks: readonly Network[]): readonly Network[] =>
  embedding.flatMap((prefix) => networks.map(([address, bits]): Network => [`${prefix}${address}`, 96 + bits]));

const never = blockList(never4, [...never6, ...embedded(never4)]);
const closed = blockList(private4, [...private6, ...embedded(private4)]);
const loopback = new BlockList();
loopback.addAddress('::1', 'ipv6');
/** IPv4-compatible addresses, without `::1`. */
const compatible = new BlockList();
compatible.addSubnet('::', 96, 'ipv6');

function blockList(networks4: readonly Network[], networks6: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks4) list.addSubnet(address, prefix, 'ipv4');
  for (const [address, prefix] of networks6) list.addSubnet(address, prefix, 'ipv6');
  return list;
}

/**
 * Why a request to `host` must not go to this IP address, or null. An IPv4 address that an IPv6 address embeds (mapped, NAT64)
 * is judged as itself.
 */
export function refusedAddress(address: string, policy: DestinationPolicy, host = address): string | null {
  const version = isIP(address);
  if (version === 0) return `${address} is not an IP address`;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const isCompatible = version === 6 && compatible.check(address, family) && !loopback.check(address, family);
  if (isCompatible || never.check(address, family))
    return `${address} is a link-local, metadata, multicast, reserved or unspecified address`;
  if (policy.allowPrivate || !closed.check(address, family) || policy.allowed?.has(host, address) === true) return null;
  return `${address} is a private address`;
}

/** The host of a URL, an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** {@link isLoopback} in CEL. */
export function celIsLoopback(host: string): string {
  return `(${host} in ['localhost', '::1'] || ${host}.matches('^127([.][0-9]{1,3}){3}$'))`;
}

/** Whether this host of a URL, or address, is the machine itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
