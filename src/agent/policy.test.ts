import { describe, expect, it, test } from 'vitest';
import { allowedHost, namespaceOf, refusalOf } from './policy.ts';
import type { Scope } from './policy.ts';
import type { Reach } from './tools/define.ts';
import { readableResources, resourceOf } from './tools/kinds.ts';

const scope = (parts: Partial<Scope> = {}): Scope => ({
  namespaces: new Set(['shop']),
  isClusterWide: false,
  hosts: [],
  mcpTools: new Set(),
  ...parts,
});
const objects = (resource: string, namespace: string | null = 'shop'): Reach => ({
  of: 'cluster',
  resource,
  namespace,
});
const reasonOf = (reach: Reach, parts: Partial<Scope> = {}): string | null =>
  refusalOf(reach, scope(parts))?.reason ?? null;

describe('kinds of objects (R9)', () => {
  it('lets through what the cluster port reads, in the spellings of kubectl', () => {
    for (const resource of readableResources) expect(reasonOf(objects(resource)), resource).toBeNull();
    const spellings = {
      po: 'pods',
      Pod: 'pods',
      'deployments.apps': 'deployments',
      'deployment.v1.apps': 'deployments',
    };
    for (const [word, resource] of Object.entries(spellings)) expect(resourceOf(word), word).toBe(resource);
    for (const word of [
      'cm',
      'pvc',
      'hpa',
      'ingresses.networking.k8s.io',
      'ev',
      'events',
      'endpointslices',
      'PodDisruptionBudget',
    ])
      expect(reasonOf(objects(word)), word).toBeNull();
  });

  it('never lets Secrets through, in any spelling and whatever the scope', () => {
    const words = [
      'secret',
      'secrets',
      'Secret',
      'SECRETS',
      ' secrets',
      'secrets.v1',
      'secrets.v1.',
      'secrets.core',
      'secret/token',
      'secret/shop/token',
      'pods,secrets',
      'pods,secret',
      'secrets,pods',
      'all,secrets',
      'v1/secrets',
      'core/v1/Secret',
      'secrets/status',
    ];
    for (const word of words) expect(reasonOf(objects(word), { isClusterWide: true }), word).toBe('SecretDenied');
  });

  it('lets nothing else through', () => {
    const words = [
      'all',
      '*',
      '',
      'pods/log',
      'pods/exec',
      'pods/portforward',
      'nodes/proxy',
      'services/proxy',
      'pods,nodes',
      'serviceaccounts',
      'serviceaccounts/token',
      'tokenreviews',
      'roles',
      'clusterroles',
      'customresourcedefinitions',
      'services.serving.knative.dev',
      'pods.metrics.k8s.io',
      'customresource',
      'constructor',
      '__proto__',
      'toString',
      'sealedsecrets',
      'externalsecrets',
      'ſecrets',
      'certificatesigningrequests',
    ];
    for (const word of words) expect(reasonOf(objects(word), { isClusterWide: true }), word).toBe('KindNotAllowed');
  });
});

describe('namespaces (R10)', () => {
  const ways = [null, '', '*', 'all', '-A', '--all-namespaces', ' all '];

  it('takes what is missing, empty, `*`, `all` and `-A` for the whole cluster, which the step has to allow', () => {
    for (const way of ways) {
      expect(namespaceOf(way), String(way)).toBeNull();
      expect(reasonOf(objects('pods', way)), String(way)).toBe('NamespaceNotAllowed');
      expect(reasonOf(objects('pods', way), { isClusterWide: true }), String(way)).toBeNull();
    }
    // A namespace may be called `all`; it is taken for the cluster all the same.
    expect(reasonOf(objects('pods', 'all'), { namespaces: new Set(['all']) })).toBe('NamespaceNotAllowed');
  });

  it('binds expressions of metrics and logs, whatever they are (queries/bind.test.ts)', () => {
    const logs = (expression: string): Reach => ({ of: 'logs', expression });
    const metrics = (expression: string | null): Reach => ({ of: 'metrics', expression });
    expect(reasonOf(logs('{namespace="shop"}'))).toBeNull();
    expect(reasonOf(logs('{job="x"}'))).toBe('NamespaceNotAllowed');
    expect(reasonOf(logs('{job="x"}'), { isClusterWide: true })).toBeNull();
    expect(reasonOf(metrics(null))).toBeNull();
    expect(reasonOf(metrics('up'))).toBeNull();
    expect(reasonOf(metrics('up{namespace="web"}'))).toBe('NamespaceNotAllowed');
    expect(reasonOf(metrics('up # all'))).toBe('QueryNotUnderstood');
    expect(reasonOf(metrics('up # all'), { isClusterWide: true })).toBeNull();
  });

  it('lets through those of the scope, and what is in no namespace', () => {
    expect(reasonOf(objects('pods', 'shop'))).toBeNull();
    expect(reasonOf(objects('pods', 'kube-system'))).toBe('NamespaceNotAllowed');
    expect(refusalOf(objects('pods', 'kube-system'), scope())?.message).toContain('name one of: shop');
    expect(reasonOf(objects('events', null))).toBe('NamespaceNotAllowed');
    for (const resource of ['nodes', 'persistentvolumes', 'storageclasses', 'namespaces', 'no', 'pv'])
      expect(reasonOf(objects(resource, null)), resource).toBeNull();
    expect(refusalOf(objects('pods', null), scope({ namespaces: new Set() }))?.message).toContain('none may be read');
  });
});

test('hosts: scheme, host and port must be those that are allowed (R12)', () => {
  const hosts = ['https://status.example.com', 'http://10.0.0.1:8080/health'].map((text) => {
    const host = allowedHost(text);
    if (host === null) throw new Error(text);
    return host;
  });
  const reason = (url: string): string | null => reasonOf({ of: 'http', url }, { hosts });
  for (const url of [
    'https://status.example.com/a?b',
    'https://STATUS.example.com:443/',
    'https://status.example.com./x',
    'http://10.0.0.1:8080/',
    'http://0xa.0.0.1:8080/',
  ])
    expect(reason(url), url).toBeNull();
  const refused = [
    'http://status.example.com/',
    'https://status.example.com:8443/',
    'https://status.example.com.evil.com/',
    'https://evil.com/status.example.com',
    'https://status.example.com@evil.com/',
    'https://user:x@status.example.com/',
    'http://10.0.0.1/',
    'http://169.254.169.254/',
    'ftp://status.example.com/',
    'file:///etc/passwd',
    'status.example.com',
    '',
    'javascript:alert(1)',
    'https://',
    '//status.example.com',
  ];
  for (const url of refused) expect(reason(url), url).toBe('HostNotAllowed');
  expect(reasonOf({ of: 'http', url: 'https://status.example.com/' })).toBe('HostNotAllowed');
});

test('MCP tools: by server and name, no part of one', () => {
  const mcpTools = new Set(['kube/pods_list']);
  expect(reasonOf({ of: 'mcp', server: 'kube', tool: 'pods_list' }, { mcpTools })).toBeNull();
  for (const [server = '', tool = ''] of [
    ['kube', 'pods_delete'],
    ['other', 'pods_list'],
    ['', ''],
    ['kube', 'pods_list/x'],
    ['kube/pods_list', ''],
  ])
    expect(reasonOf({ of: 'mcp', server, tool }, { mcpTools })).toBe('McpToolNotAllowed');
});

test('what is of no known kind is refused', () => {
  expect(reasonOf({ of: 'shell' } as unknown as Reach, { isClusterWide: true })).toBe('KindNotAllowed');
});
