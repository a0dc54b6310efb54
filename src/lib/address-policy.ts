import { BlockList, isIP } from 'node:net';

/** Which addresses a request may go to. */
export interface DestinationPolicy {
  /** False: loopback, private, carrier-grade and unique-local addresses are refused too. */
  readonly allowPrivate: boolean;
}

/**
 * Addresses that no receiver can have: link-local with the metadata services of clouds (169.254.169.254,
 * fd00:ec2::/32 and fd20:ce::254 over IPv6, 100.100.100.200, 192.0.0.192, 168.63.129.16), unspecified, multicast, broadcast, and the IPv6 forms
 * that embed link-local IPv4 (NAT64, translated, compatible, 6to4).
 */
const never = blockList([
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['100.100.100.200', 32, 'ipv4'],
  ['192.0.0.192', 32, 'ipv4'],
  ['168.63.129.16', 32, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['255.255.255.255', 32, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::', 32, 'ipv6'],
  ['fd20:ce::254', 128, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
  ['64:ff9b::a9fe:0', 112, 'ipv6'],
  ['64:ff9b:1::', 48, 'ipv6'],
  ['::a9fe:0', 112, 'ipv6'],
  ['::ffff:0:a9fe:0', 112, 'ipv6'],
  ['2002:a9fe::', 32, 'ipv6'],
]);

const privateNetworks = blockList([
  ['127.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
]);

type Network = readonly [address: string, prefix: number, family: 'ipv4' | 'ipv6'];

function blockList(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix, family] of networks) list.addSubnet(address, prefix, family);
  return list;
}

/** Why a request must not go to this IP address, or null. IPv4-mapped IPv6 is judged as the IPv4 address it is. */
export function refusedAddress(address: string, policy: DestinationPolicy): string | null {
  const version = isIP(address);
  if (version === 0) return `${address} is not an IP address`;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (never.check(address, family)) return `${address} is a link-local, metadata, multicast or unspecified address`;
  if (!policy.allowPrivate && privateNetworks.check(address, family)) return `${address} is a private address`;
  return null;
}
