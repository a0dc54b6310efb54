import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toolDefinitions } from '../../src/agent/tools/index.ts';
import { resourceOf } from '../../src/agent/tools/kinds.ts';
import type { ExecutedCall } from '../../src/agent/tools/define.ts';
import { connectKube } from '../../src/kube/connection/client.ts';
import { liveCluster } from '../../src/kube/live/live.ts';
import { resourceTypes } from '../../src/kube/kinds/resources.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer, AuditLine } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { accountWithEverywhere, listOf } from '../support/rights.ts';
import { callTools } from '../support/toolbox.ts';

// R9, R13: all that a real API server says that it has, asked for through the tools of a model and then past them, with the
// rights of somebody who may read what they read.

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const canary = 'canary-of-the-secret-0123456789';
const webUid = '11111111-1111-4111-8111-111111111111';

const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } },
  { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'web-1', namespace: 'shop' }, stringData: { token: canary } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    // Whoever follows owners comes to a Secret.
    metadata: {
      name: 'web-1',
      namespace: 'shop',
      labels: { app: 'web' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Secret', name: 'web-1', uid: webUid, controller: true }],
    },
    spec: {
      nodeName: 'n1',
      imagePullSecrets: [{ name: 'web-1' }],
      volumes: [{ name: 'keys', secret: { secretName: 'web-1' } }],
      containers: [
        {
          name: 'app',
          image: 'registry.example.com/web:1',
          envFrom: [{ secretRef: { name: 'web-1' } }],
          env: [
            { name: 'API_TOKEN', value: canary },
            { name: 'KEY', valueFrom: { secretKeyRef: { name: 'web-1', key: 'token' } } },
          ],
          volumeMounts: [{ name: 'keys', mountPath: '/keys' }],
        },
      ],
    },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'web-1', namespace: 'shop' },
    spec: {
      tls: [{ hosts: ['web.example.com'], secretName: 'web-1' }],
      defaultBackend: { service: { name: 'web-1', port: { number: 80 } } },
    },
  },
];

/** The rights that reading takes, for all namespaces: nothing else keeps anything from this account. */
const readerRights = accountWithEverywhere({ namespace: 'shop', name: 'reader' }, [
  ...Object.entries(resourceTypes).map(([name, { group }]) => ({
    apiGroups: [group],
    resources: [name],
    verbs: ['get', 'list'],
  })),
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list'] },
]);

/** What discovery says of a resource or a subresource. */
interface Discovered {
  readonly name: string;
  readonly singularName: string;
  readonly kind: string;
  readonly shortNames?: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly group: string;
  readonly version: string;
}

/** Written here once more, so that the program cannot move the line by itself. */
const mayBeRead = new Set(
  `pods events nodes namespaces services persistentvolumeclaims persistentvolumes configmaps resourcequotas limitranges
   endpointslices.discovery.k8s.io deployments.apps replicasets.apps statefulsets.apps daemonsets.apps jobs.batch cronjobs.batch
   horizontalpodautoscalers.autoscaling poddisruptionbudgets.policy storageclasses.storage.k8s.io
   networkpolicies.networking.k8s.io ingresses.networking.k8s.io`.split(/\s+/),
);
const idOf = ({ name, group }: Pick<Discovered, 'name' | 'group'>): string =>
  group === '' ? name : `${name}.${group}`;

/** Anybody may ask what he himself may; nothing is stored. */
const aboutOneself = /^selfsubject(?:access|rules)?reviews/;

function discover(server: ApiServer): readonly Discovered[] {
  const read = (path: string) => JSON.parse(server.kubectl(['get', '--raw', path])) as Record<string, unknown>;
  const groups = (read('/apis')['groups'] as readonly { versions: readonly { groupVersion: string }[] }[]).flatMap(
    ({ versions }) => versions.map(({ groupVersion }) => groupVersion),
  );
  return ['v1', ...groups].flatMap((groupVersion) => {
    const [version = '', group = ''] = groupVersion.split('/').reverse();
    const list = read(group === '' ? '/api/v1' : `/apis/${groupVersion}`)['resources'] as readonly Discovered[];
    return list.map((resource) => ({ ...resource, group, version }));
  });
}

/** How people and programs may call it. */
function spellingsOf({ name, singularName, kind, shortNames = [], group, version }: Discovered): readonly string[] {
  const [plural = '', subresource] = name.split('/');
  const of = (word: string): string => (subresource === undefined ? word : `${word}/${subresource}`);
  const words = [plural, singularName, kind, kind.toUpperCase(), ...shortNames].filter((word) => word !== '').map(of);
  return [
    ...words,
    ...words.map((word) => `${word}.${group === '' ? 'core' : group}`),
    `${of(plural)}.${version}.${group}`,
    `${group === '' ? version : `${group}/${version}`}/${of(kind)}`,
    `pods,${of(plural)}`,
    ` ${of(plural)}`,
  ];
}

describe.skipIf(assets === null)('the tools of a model on a real API server', () => {
  const cleanup = createCleanup();
  let server: ApiServer;
  let all: readonly Discovered[];
  let token: string;

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    server.kubectl(['apply', '-f', '-'], JSON.stringify(listOf(...readerRights)));
    all = discover(server);
    token = server.token('shop', 'reader');
  });
  afterAll(() => cleanup.run());

  /** The widest scope that a Workflow can give: all namespaces, also at once. */
  const openTools = async () => {
    const client = await connectKube({ kubeconfig: server.kubeconfig('reader', { token }) });
    cleanup.defer(() => client.close());
    return callTools(toolDefinitions, liveCluster(client), { allowed: { isClusterWide: true } });
  };
  const own = (lines: readonly AuditLine[]): readonly AuditLine[] =>
    lines.filter(({ userAgent }) => userAgent === 'fist');

  const readingTools = toolDefinitions.filter(({ input }) => 'resource' in input.shape && !('pod' in input.shape));

  test('discovery says as much as it should', () => {
    const names = new Set(all.map(idOf));
    for (const id of mayBeRead) expect(names, id).toContain(id);
    for (const name of ['secrets', 'pods/exec', 'pods/attach', 'pods/portforward', 'pods/proxy', 'nodes/proxy'])
      expect(names, name).toContain(name);
    for (const name of ['services/proxy', 'serviceaccounts/token', 'pods/eviction', 'pods/ephemeralcontainers'])
      expect(names, name).toContain(name);
    expect(names.size).toBeGreaterThan(100);
    expect(readingTools.map(({ name }) => name)).toEqual([
      'kubernetes_describe',
      'kubernetes_list',
      'kubernetes_events',
      'kubernetes_graph',
      'analyze',
      'kubernetes_get',
    ]);
  });

  test('refuse every kind that is not listed, in every spelling, and ask the server nothing for it (R9, R13)', async () => {
    const { call } = await openTools();
    const before = own(server.audit()).length;
    const answers: (readonly [string, ExecutedCall])[] = [];
    const words = new Set(['all', '*', 'secret/web-1', 'Secret,pods', 'secrets.v1.', 'secrets.core']);
    for (const resource of all) {
      if (mayBeRead.has(idOf(resource))) continue;
      for (const word of spellingsOf(resource)) words.add(word);
    }
    const isTaken = (word: string): boolean => resourceOf(word) !== null;
    // `events` is also a resource of a second group; the word means what may be read.
    expect(new Set([...words].filter(isTaken).map((word) => word.trim().toLowerCase()))).toEqual(
      new Set(['event', 'events', 'ev']),
    );
    const refused = [...words].filter((word) => !isTaken(word));
    expect(refused.length).toBeGreaterThan(800);
    for (const word of refused)
      for (const { name } of readingTools)
        answers.push([`${name} ${word}`, await call(name, { resource: word, namespace: 'shop', name: 'web-1' })]);
    for (const [what, { status, reason, text }] of answers) {
      expect([what, status], what).toEqual([what, expect.stringMatching(/^(?:denied|error)$/)]);
      // Some tools take no name; then the input is refused before the policy is asked.
      expect([what, reason], what).toEqual([
        what,
        expect.stringMatching(/^(?:KindNotAllowed|SecretDenied|InvalidInput)$/),
      ]);
      expect(text).not.toContain(canary);
    }
    const denied = answers.filter(([, { status }]) => status === 'denied').length;
    expect(denied).toBeGreaterThan(refused.length * 4);
    expect(own(server.audit())).toHaveLength(before);
  });

  test('read what is listed, with get and list alone, and never a Secret that it leads to', async () => {
    const { call } = await openTools();
    const wanted = all.filter((resource) => mayBeRead.has(idOf(resource)));
    for (const resource of wanted)
      for (const word of [resource.name, resource.singularName, resource.kind, ...(resource.shortNames ?? [])]) {
        if (word === '') continue;
        const place = resource.namespaced ? { namespace: 'shop' } : {};
        const list = await call('kubernetes_list', { resource: word, ...place });
        expect([word, list.status]).toEqual([word, expect.stringMatching(/^(?:ok|no_data)$/)]);
        for (const name of [
          'kubernetes_get',
          'kubernetes_describe',
          'kubernetes_graph',
          'kubernetes_events',
          'analyze',
        ]) {
          const answer = await call(name, {
            resource: word,
            ...place,
            name: resource.kind === 'Node' ? 'n1' : 'web-1',
          });
          expect([name, word, answer.status === 'denied' && answer.reason !== 'Repeated']).toEqual([name, word, false]);
          expect(answer.text).not.toContain(canary);
        }
      }
    for (const name of ['kubernetes_logs', 'kubernetes_changes'])
      await call(name, name === 'kubernetes_logs' ? { pod: 'web-1', namespace: 'shop' } : { namespace: 'shop' });
    // Nobody serves it here.
    for (const input of [{ namespace: 'shop' }, { of: 'nodes' }])
      expect(await call('kubernetes_top', input)).toMatchObject({ status: 'no_data' });
    const shown = await call('kubernetes_get', { resource: 'po', namespace: 'shop', name: 'web-1' });
    expect(shown.text).toMatch(/name: API_TOKEN\s+value: ['"]?(?:\[REDACTED\]|\*\*\*)/);

    const lines = own(server.audit());
    expect(lines.length).toBeGreaterThan(40);
    expect([...new Set(lines.map(({ verb }) => verb))].sort()).toEqual(['get', 'list']);
    const asked = new Set(
      lines.map(({ objectRef }) => [objectRef?.resource ?? '', objectRef?.subresource ?? ''].filter(Boolean).join('/')),
    );
    const plain = new Set([...mayBeRead].map((id) => id.split('.')[0] ?? ''));
    for (const resource of asked) expect(plain.has(resource) || resource === 'pods/log', resource).toBe(true);
    expect(lines.filter(({ requestURI }) => /secret|exec|attach|portforward|proxy|token/i.test(requestURI))).toEqual(
      [],
    );
    expect(lines.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
  });

  test('names that are paths, flags or templates reach nothing', async () => {
    const { call } = await openTools();
    const before = own(server.audit()).length;
    const names = [
      'web-1/exec',
      'web-1/log',
      '../secrets/web-1',
      'web-1?watch=true',
      '--kubeconfig=/etc/passwd',
      '-o=jsonpath={.data}',
      '{{ .token }}',
      'web-1;id',
      'web-1\nsecrets',
      '*',
      '',
    ];
    for (const name of names) {
      for (const tool of ['kubernetes_get', 'kubernetes_describe', 'kubernetes_graph', 'analyze'])
        expect(await call(tool, { resource: 'pods', namespace: 'shop', name }), name).toMatchObject({
          reason: 'InvalidInput',
        });
      expect(await call('kubernetes_logs', { pod: name, namespace: 'shop' }), name).toMatchObject({
        reason: 'InvalidInput',
      });
    }
    for (const namespace of ['shop/secrets', '../..', 'shop?x', '--all'])
      expect(await call('kubernetes_list', { resource: 'pods', namespace }), namespace).toMatchObject({
        reason: 'InvalidInput',
      });
    expect(own(server.audit())).toHaveLength(before);
  });

  test('past the tools, the API server refuses the same account all that is not listed, and every write', async () => {
    const send = createSender(server, token);
    const problems: string[] = [];
    let asked = 0;
    const expectStatus = async (method: string, path: string, statuses: readonly number[]): Promise<void> => {
      const status = await send(method, path);
      asked += 1;
      if (!statuses.includes(status)) problems.push(`${method} ${path}: ${status}`);
    };
    for (const resource of all) {
      if (aboutOneself.test(resource.name)) continue;
      const [plural = '', subresource] = resource.name.split('/');
      const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
      const place = resource.namespaced ? '/namespaces/shop' : '';
      const one = `${root}${place}/${plural}/web-1${subresource === undefined ? '' : `/${subresource}`}`;
      const isListed = mayBeRead.has(idOf(resource));
      const mayGet = isListed || idOf(resource) === 'pods/log';
      // What it may read is read, and is absent or has another trouble; nothing else is.
      await expectStatus('GET', one, mayGet ? [200, 400, 404, 500, 502] : [403]);
      if (subresource === undefined) {
        await expectStatus('GET', `${root}${place}/${plural}`, isListed ? [200] : [403]);
        await expectStatus('GET', `${root}/${plural}?watch=true`, [403]);
        await expectStatus('POST', `${root}${place}/${plural}`, [403, 405]);
        await expectStatus('DELETE', `${root}${place}/${plural}`, [403, 405]);
      } else await expectStatus('POST', one, [403, 405]);
      for (const method of ['PUT', 'PATCH', 'DELETE']) await expectStatus(method, one, [403, 405]);
    }
    for (const path of ['/metrics', '/logs/', '/debug/pprof/', '/configz']) await expectStatus('GET', path, [403, 404]);
    expect(problems).toEqual([]);
    expect(asked).toBeGreaterThan(600);
    // None of it was this program.
    expect(own(server.audit()).filter(({ verb }) => verb !== 'get' && verb !== 'list')).toEqual([]);
    expect(
      server
        .audit()
        .filter(
          ({ user, responseStatus, verb }) =>
            user.username === 'system:serviceaccount:shop:reader' &&
            verb !== 'get' &&
            verb !== 'list' &&
            (responseStatus?.code ?? 0) < 400,
        ),
    ).toEqual([]);
  });
});

/** Requests as this account, of whatever method; answers the status. */
function createSender(server: ApiServer, token: string): (method: string, path: string) => Promise<number> {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 4,
    ca: readFileSync(join(server.folder, 'certs', 'apiserver.crt')),
  });
  return (method, path) =>
    new Promise((resolve, reject) => {
      const body = method === 'GET' || method === 'DELETE' ? '' : '{}';
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const headers = {
        authorization: `Bearer ${token}`,
        'user-agent': 'probe',
        'content-type': type,
        'content-length': String(body.length),
      };
      const sent = request(`${server.url}${path}`, { method, agent, headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(body);
    });
}
