import { isClusterScopedResource } from '../analyzers/define.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import { bindPromql, logqlRefusal } from './queries/bind.ts';
import { readableResources, resourceOf } from './tools/kinds.ts';
import type { Reach } from './tools/define.ts';

/** Where requests may go: scheme, host and port must be these. */
export interface AllowedHost {
  readonly protocol: 'http:' | 'https:';
  /** Small letters; an IPv6 address in brackets. */
  readonly hostname: string;
  /** The usual one of the scheme is written out: `443`. */
  readonly port: string;
}

/** What one investigation by a model may look at. Secrets are in no scope. */
export interface Scope {
  readonly namespaces: ReadonlySet<string>;
  /** Whether all namespaces may be read, and asked for at once. What is in no namespace always may. */
  readonly isClusterWide: boolean;
  readonly hosts: readonly AllowedHost[];
  /** `server/tool` of MCP servers. */
  readonly mcpTools: ReadonlySet<string>;
}

/** Why something may not be looked at. */
export interface Refusal {
  /** A stable word. */
  readonly reason:
    | 'SecretDenied'
    | 'KindNotAllowed'
    | 'NamespaceNotAllowed'
    | 'QueryNotUnderstood'
    | 'HostNotAllowed'
    | 'McpToolNotAllowed';
  /** For the model and for people: what may be looked at instead. */
  readonly message: string;
}

/**
 * The one policy: whether a tool may look at something, null = it may. Pure. It is asked when a tool is called, and again for
 * each read that a tool makes of the cluster, whatever asked for it; which tools are offered is no protection.
 */
export function refusalOf(reach: Reach, scope: Scope): Refusal | null {
  switch (reach.of) {
    case 'cluster':
      return kindRefusal(reach.resource) ?? namespaceRefusal(reach.resource, reach.namespace, scope);
    case 'logs':
      return logqlRefusal(reach.expression, scope);
    case 'http':
      return hostRefusal(reach.url, scope);
    case 'mcp':
      return mcpRefusal(`${reach.server}/${reach.tool}`, scope);
    case 'metrics':
      return reach.expression === null ? null : metricsRefusal(reach.expression, scope);
    case 'runbooks':
    case 'incidents':
      return null;
    default:
      return { reason: 'KindNotAllowed', message: 'nothing is known of what this would look at' };
  }
}

function mcpRefusal(tool: string, { mcpTools }: Scope): Refusal | null {
  if (mcpTools.has(tool)) return null;
  return { reason: 'McpToolNotAllowed', message: `MCP tool ${tool} is not one that the Workflow allows` };
}

function metricsRefusal(expression: string, scope: Scope): Refusal | null {
  const bound = bindPromql(expression, scope);
  return 'reason' in bound ? bound : null;
}

function kindRefusal(word: string): Refusal | null {
  // In every spelling: `Secret`, `secrets.v1`, `secret/token`, `pods,secrets`.
  if (/(?:^|[^a-z0-9])secrets?(?:$|[^a-z0-9])/i.test(word))
    return { reason: 'SecretDenied', message: 'Secrets are never read' };
  if (resourceOf(word) !== null) return null;
  const next = nextOfUnknown(word, readableResources, `readable are: ${readableResources.join(', ')}`);
  return { reason: 'KindNotAllowed', message: `objects of kind ${JSON.stringify(word)} are not read; ${next}` };
}

function namespaceRefusal(word: string, namespace: string | null, scope: Scope): Refusal | null {
  const resource = resourceOf(word);
  return resource !== null && isClusterScopedResource(resource) ? null : scopeRefusal(namespace, scope);
}

/** Spellings of all namespaces at once. */
const wholeCluster: ReadonlySet<string> = new Set(['', '*', 'all', '-A', '--all-namespaces']);

/** null = all namespaces at once. */
export function namespaceOf(text: string | null | undefined): string | null {
  return text === null || text === undefined || wholeCluster.has(text.trim()) ? null : text;
}

function scopeRefusal(text: string | null, { namespaces, isClusterWide }: Scope): Refusal | null {
  const namespace = namespaceOf(text);
  if (isClusterWide || (namespace !== null && namespaces.has(namespace))) return null;
  const allowed = namespaces.size === 0 ? 'none may be read' : `name one of: ${[...namespaces].sort().join(', ')}`;
  const what = namespace === null ? 'all namespaces at once' : `namespace ${namespace}`;
  return { reason: 'NamespaceNotAllowed', message: `${what} may not be read here; ${allowed}` };
}

function hostRefusal(text: string, { hosts }: Scope): Refusal | null {
  const host = allowedHost(text);
  const isAllowed = hosts.some(
    ({ protocol, hostname, port }) => protocol === host?.protocol && hostname === host.hostname && port === host.port,
  );
  if (host !== null && isAllowed) return null;
  const allowed = hosts.length === 0 ? 'none is allowed' : `allowed are: ${hosts.map(hostText).join(', ')}`;
  const what = host === null ? 'what is no http or https address' : hostText(host);
  return { reason: 'HostNotAllowed', message: `requests to ${what} are not allowed; ${allowed}` };
}

/** What is allowed by an address, whatever path it has; null where it is none of http or https, or holds credentials. */
export function allowedHost(text: string): AllowedHost | null {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || url.hostname === '') return null;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return { protocol: url.protocol, hostname: url.hostname.replace(/\.$/, ''), port };
}

function hostText({ protocol, hostname, port }: AllowedHost): string {
  return `${protocol}//${hostname}:${port}`;
}
