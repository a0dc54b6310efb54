import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { metricTable } from '../../src/core/metrics.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { tellReady } from '../support/operator-pod.ts';
import { readPreviousValues } from '../support/previous.ts';
import { cleanEnvironment, repositoryRoot, runProcess } from '../support/processes.ts';

const assets = findApiServer();
const helm = assets === null ? null : join(assets, 'helm');
const isThere = helm !== null && spawnSync(helm, ['version']).status === 0;
if (!isThere) console.warn('skipped: no helm beside the API server (KUBEBUILDER_ASSETS)');
const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool) console.warn('skipped: no promtool');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const ofOurs = 'sources.punchingfist.io,workflows.punchingfist.io,sinks.punchingfist.io';
const chart = `${repositoryRoot}charts/punching-fist`;

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** What Helm makes of the chart. */
function template(values: object, home: string, of = chart): readonly KubernetesObject[] {
  const file = join(home, 'values.yaml');
  writeFileSync(file, JSON.stringify(values));
  const { status, stdout, stderr } = spawnSync(helm ?? '', ['template', 'fist', of, '-n', 'fist', '-f', file], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: cleanEnvironment({ HOME: home }),
  });
  if (status !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as KubernetesObject | null)
    .filter((object) => object !== null);
}

const valueSets: Readonly<Record<string, object>> = {
  defaults: {},
  postgres: { database: { type: 'postgres', existingSecret: 'pg' }, operator: { replicaCount: 3 } },
  'a database in the values': { database: { type: 'postgres', url: 'postgres://fist@db/fist' } },
  'an Alertmanager': { prometheus: { alertmanager: { enabled: true } } },
  'an Alertmanager with a token': { prometheus: { alertmanager: { enabled: true, authentication: 'bearer' } } },
  'something to try': {
    testResources: { enabled: true, pipeline: { enableSlack: true, slackChannel: '#a', slackTokenSecret: 's' } },
  },
  commands: {
    commands: {
      enabled: true,
      resources: { requests: { cpu: 1 }, limits: { memory: '1Gi' } },
      imagePullSecrets: [{ name: 'registry' }],
    },
    operator: { namespaces: ['fist', 'default'] },
    secrets: { namespaces: ['fist', 'default'], names: ['one'] },
  },
  'a model, TLS and an Ingress': {
    agent: { provider: 'anthropic', model: 'm', existingSecret: 'key', dailyBudgetDollars: 5 },
    server: {
      tlsSecret: 'tls',
      publicUrl: 'https://fist.example.com',
      ingress: { enabled: true, host: 'fist.example.com', tlsSecret: 'tls' },
    },
  },
  'without a volume, ConfigMaps read': {
    persistence: { enabled: false },
    read: { configMaps: true },
    networkPolicy: { enabled: false },
  },
  'accounts of Workflows': {
    read: {
      accounts: [
        { namespace: 'default', name: 'investigator' },
        { namespace: 'default', name: 'second' },
        { namespace: 'fist', name: 'other' },
      ],
    },
  },
  'a narrow network, nothing read': {
    read: { cluster: false },
    networkPolicy: {
      from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
    },
    security: { rbac: { userRoles: false, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] } },
    crds: { install: false },
  },
  'nothing where there is a default': {
    operator: { resources: null, priorityClassName: null, podAnnotations: null, affinity: null },
    agent: { model: null, anthropicApiKey: 'x', openaiApiKey: null, provider: 'anthropic' },
    server: { tlsSecret: null, publicUrl: null },
    persistence: { storageClass: null },
    podSecurityContext: { runAsUser: null, fsGroup: null },
    containerSecurityContext: null,
    networkPolicy: { from: null, egress: null },
  },
  'the values of earlier charts': {
    global: { image: { repository: 'ttl.sh/punching-fist-operator', tag: '2h', pullPolicy: 'Always' } },
    operator: { replicaCount: 1, resources: {} },
    server: { port: 8080, host: '0.0.0.0', staticFilePath: '/app/static' },
    agent: {
      provider: 'anthropic',
      anthropicApiKey: 'x',
      openaiApiKey: '',
      model: 'claude-3-5-sonnet-latest',
      temperature: 0.7,
      maxTokens: 4096,
    },
    persistence: { enabled: true, size: '1Gi', storageClass: '', accessMode: 'ReadWriteOnce' },
    prometheus: {
      enabled: true,
      serviceMonitor: { enabled: false, interval: '15s' },
      alertmanager: { enabled: false },
    },
    security: { serviceAccount: { create: true, name: '' }, rbac: { create: true, rules: [] } },
    'prometheus-stack': { enabled: false },
    executionMode: 'kubernetes',
    database: { type: 'sqlite', sqlitePath: '/data/punching-fist.db', url: '' },
  },
};

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly annotations: Readonly<Record<string, string>>;
    }[];
  }[];
}

const rules = parse(readFileSync(`${chart}/files/rules.yaml`, 'utf8')) as Rules;

describe.skipIf(!isThere)('the chart', () => {
  let home: string;
  let server: ApiServer;

  beforeAll(async () => {
    home = cleanup.temporaryFolder('helm');
    server = await startApiServer(cleanup, assets ?? '');
    server.kubectl(['create', 'namespace', 'fist']);
    await applyCrds(server);
  });

  test.each(Object.entries(valueSets))('%s: every object is one that an API server takes', (_name, values) => {
    // Those of Prometheus' operator are not served here.
    const objects = template(values, home).filter(({ apiVersion }) => apiVersion !== 'monitoring.coreos.com/v1');
    expect(objects.length).toBeGreaterThan(8);
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    const apply = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '-f', '-'];
    const answer = server.kubectl(apply, JSON.stringify(list));
    expect(answer.trim().split('\n')).toHaveLength(objects.length);
  });

  test.each<[string, object, string]>([
    [
      'replicas on one SQLite file',
      { operator: { replicaCount: 2 } },
      'more than one replica needs database.type postgres',
    ],
    ['PostgreSQL without a URL', { database: { type: 'postgres' } }, 'database.existingSecret'],
    ['an unknown field', { operator: { replicas: 2 } }, "additional properties 'replicas' not allowed"],
    ['a wrong type', { server: { port: 'http' } }, 'got string, want integer'],
    ['a provider that is none', { agent: { provider: 'mock' } }, 'value must be one of'],
    [
      'the stack of Prometheus within',
      { 'prometheus-stack': { enabled: true } },
      'install kube-prometheus-stack by itself',
    ],
    [
      'the account of investigations as one of Workflows',
      { read: { accounts: [{ namespace: 'fist', name: 'fist-punching-fist-read' }] } },
      'fist/fist-punching-fist-read is an account of this release',
    ],
    [
      'the account of the operator as one of Workflows',
      {
        read: { accounts: [{ namespace: 'fist', name: 'mine' }] },
        security: { serviceAccount: { create: false, name: 'mine' } },
      },
      'fist/mine is an account of this release',
    ],
    [
      'the account of the operator as one of Workflows, with roles of your own',
      {
        read: { accounts: [{ namespace: 'fist', name: 'fist-punching-fist' }] },
        security: { rbac: { create: false } },
      },
      'fist/fist-punching-fist is an account of this release',
    ],
    [
      'an account with its namespace in its name',
      { read: { accounts: [{ namespace: 'shop', name: 'bank/investigator' }] } },
      'does not match pattern',
    ],
    [
      'Slack without a channel',
      { testResources: { enabled: true, pipeline: { enableSlack: true } } },
      'slackChannel is needed',
    ],
  ])('%s is refused, and why', (_name, values, message) => {
    expect(() => template(values, home)).toThrow(message);
  });

  test('its pod has no rights on its node, and no account but its own', () => {
    const workload = template({}, home).find(({ kind }) => kind === 'StatefulSet');
    const { spec } = (workload as unknown as { spec: { template: { spec: Record<string, unknown> } } }).spec.template;
    expect(spec).toMatchObject({ securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } });
    expect((spec['containers'] as readonly object[])[0]).toMatchObject({
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    });
  });

  const annotationsOf = (values: object): Readonly<Record<string, string>> => {
    const workload = template(values, home).find(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment');
    const { spec } = workload as unknown as {
      readonly spec: { readonly template: { readonly metadata: { readonly annotations?: Record<string, string> } } };
    };
    return spec.template.metadata.annotations ?? {};
  };

  test('a key that is changed in the values starts the pod anew, and nobody reads it from there', () => {
    const withKey = (anthropicApiKey: string) => annotationsOf({ agent: { provider: 'anthropic', anthropicApiKey } });
    expect(annotationsOf({})).toEqual({});
    expect(withKey('one')).toEqual({ 'checksum/secrets': expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(withKey('one')).toEqual(withKey('one'));
    expect(withKey('two')).not.toEqual(withKey('one'));
    const database = (url: string) => annotationsOf({ database: { type: 'postgres', url } });
    expect(database('postgres://a/one')).not.toEqual(database('postgres://a/two'));
    // What somebody else keeps, somebody else changes.
    expect(annotationsOf({ agent: { provider: 'anthropic', existingSecret: 'key' } })).toEqual({});
  });

  test('a narrow network lets the pod of helm test in, and PostgreSQL be reached', () => {
    const values = {
      ...valueSets['postgres'],
      networkPolicy: { from: [{ namespaceSelector: {} }], egress: [{ to: [] }] },
    };
    const objects = template(values, home);
    const policy = objects.find(({ kind }) => kind === 'NetworkPolicy') as unknown as {
      readonly spec: {
        readonly ingress: readonly { readonly from: readonly object[] }[];
        readonly egress: readonly { readonly ports?: readonly { readonly port: number }[] }[];
      };
    };
    const labels = objects.find(({ metadata }) => metadata.name === 'fist-punching-fist-test')?.metadata as unknown as {
      readonly labels: Readonly<Record<string, string>>;
    };
    const { ['app.kubernetes.io/name']: name, ['app.kubernetes.io/instance']: instance } = labels.labels;
    expect(policy.spec.ingress[0]?.from).toContainEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': instance } },
    });
    expect(policy.spec.egress.flatMap(({ ports = [] }) => ports.map(({ port }) => port))).toContain(5432);
  });

  test('alerts lead to where their guide is read', () => {
    const rulesWith = (runbookUrl?: string) =>
      template({ prometheus: { rules: { enabled: true, ...(runbookUrl === undefined ? {} : { runbookUrl }) } } }, home)
        .filter(({ kind }) => kind === 'PrometheusRule')
        .flatMap((object) => (object as unknown as { readonly spec: Rules }).spec.groups[0]?.rules ?? []);
    expect(rulesWith()).toEqual(rules.groups[0]?.rules);
    expect(rulesWith('https://wiki/fist').map(({ annotations }) => annotations['runbook_url'])).toContain(
      'https://wiki/fist#fistabsent',
    );
  });

  test('where nothing is read, the operator looks with no rights, and not with its own', () => {
    const args = (set: string): string =>
      JSON.stringify(template(valueSets[set] ?? {}, home).find(({ kind }) => kind === 'StatefulSet'));
    expect(args('a narrow network, nothing read')).toContain('"--read-as=none"');
    expect(args('defaults')).toContain('"--read-as=fist/fist-punching-fist-read"');
  });

  test('tokens may be made of the accounts that are listed, by their names, where they are', () => {
    const objects = template(valueSets['accounts of Workflows'] ?? {}, home);
    const rules = objects
      .filter(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-accounts'))
      .map(({ metadata, rules: all }) => [metadata.namespace, all]);
    const token = { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] };
    expect(rules).toEqual([
      ['default', [{ ...token, resourceNames: ['investigator', 'second'] }]],
      ['fist', [{ ...token, resourceNames: ['other'] }]],
    ]);
    const everywhere = JSON.stringify(objects.filter(({ kind }) => kind === 'ClusterRole'));
    expect(everywhere).not.toMatch(/serviceaccounts|impersonate/);
    const args = JSON.stringify(objects.find(({ kind }) => kind === 'StatefulSet'));
    expect(args).toContain('"--allow-account=default/investigator","--allow-account=default/second"');
  });

  test.each(Object.entries(valueSets))(
    'helm upgrade --reuse-values, which knows the defaults of the version before: %s',
    (_name, set) => {
      const reused = join(cleanup.temporaryFolder('reused'), 'chart');
      cpSync(chart, reused, { recursive: true });
      writeFileSync(join(reused, 'values.yaml'), readPreviousValues());
      const kinds = (objects: readonly KubernetesObject[]): readonly string[] =>
        objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      expect(kinds(template(set, home, reused))).toEqual(kinds(template(set, home)));
    },
  );

  test('the notes name the scheme that the server listens with', () => {
    const notes = (tlsSecret: string): string => {
      const values = join(home, 'notes.yaml');
      writeFileSync(values, JSON.stringify({ server: { tlsSecret }, prometheus: { alertmanager: { enabled: true } } }));
      const args = ['install', 'fist', chart, '-n', 'fist', '-f', values, '--dry-run=client'];
      return spawnSync(helm ?? '', args, { encoding: 'utf8', env: cleanEnvironment({ HOME: home }) }).stdout;
    };
    expect(notes('tls')).toContain('sends to https://fist-punching-fist.fist:8080/webhook/@fist/alertmanager');
    expect(notes('')).toContain('sends to http://fist-punching-fist.fist:8080/webhook/@fist/alertmanager');
  });

  test('an installation is the same when it is upgraded and rolled back: its token and its objects stay', async () => {
    server.kubectl(['create', 'serviceaccount', 'helm', '-n', 'fist']);
    const config = server.kubeconfig('helm', { token: server.token('fist', 'helm') });
    server.kubectl([
      'create',
      'clusterrolebinding',
      'helm',
      '--clusterrole=cluster-admin',
      '--serviceaccount=fist:helm',
    ]);
    const run = async (...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await runProcess(helm ?? '', [...args, '-n', 'fist', '--kubeconfig', config], {
        environment: cleanEnvironment({ HOME: home }),
        timeoutMs: 60_000,
      });
      if (code !== 0) throw new Error(stderr);
    };
    const token = () =>
      server.kubectl(['get', 'secret', 'punching-fist-token', '-n', 'fist', '-o', 'jsonpath={.data.token}']);
    server.kubectl(['delete', '-f', `${repositoryRoot}deploy/crds/phase1-crds.yaml`]);
    const withObjects = ['--set', 'prometheus.alertmanager.enabled=true', '--set', 'testResources.enabled=true'];
    const objects = () => server.kubectl(['get', ofOurs, '-n', 'fist', '-o', 'name']).trim().split('\n');
    await Promise.all([
      run('install', 'punching-fist', chart, ...withObjects, '--wait'),
      tellReady(server, 'fist', 'punching-fist'),
    ]);
    const before = token();
    expect(Buffer.from(before, 'base64').toString()).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(objects()).toHaveLength(6);
    await run('upgrade', 'punching-fist', chart, ...withObjects);
    expect(token()).toBe(before);
    expect(objects()).toHaveLength(6);
    await run('rollback', 'punching-fist', '1');
    expect(token()).toBe(before);
    expect(objects()).toHaveLength(6);
    await run('upgrade', 'punching-fist', chart, ...withObjects);
    await run('uninstall', 'punching-fist');
    // Helm would take all objects with them.
    expect(server.kubectl(['get', 'crd', '-o', 'name']).trim().split('\n')).toHaveLength(3);
  });
});

describe('what is watched', () => {
  test('each alert says what to do, in the guide', () => {
    const guide = readFileSync(`${repositoryRoot}docs/guide/own-alerts.md`, 'utf8');
    const sections = [...guide.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    const all = rules.groups.flatMap((one) => one.rules);
    expect(sections).toEqual(all.map(({ alert }) => alert));
    const { expr = '' } = all.find(({ alert }) => alert === 'FistRefusesSenders') ?? {};
    const reasons = (/reason=~"([^"]+)"/.exec(expr)?.[1] ?? '').replaceAll('.*', '...').split('|');
    expect(reasons.length).toBeGreaterThan(5);
    expect(reasons.filter((reason) => !guide.includes(`\`${reason}\``))).toEqual([]);
  });

  const dashboard = readFileSync(`${chart}/files/dashboard.json`, 'utf8');

  test('rules and graphs name metrics that there are', () => {
    const texts = [...rules.groups.flatMap((one) => one.rules.map(({ expr }) => expr)), dashboard];
    const named = texts.flatMap((text) => text.match(/\bfist_[a-z_]+/g) ?? []);
    const known = new Set(Object.keys(metricTable).flatMap((name) => [name, `${name}_bucket`]));
    expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  test.skipIf(!promtool)('each rule fires when it should, and not before', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', `${chart}/files/rules.test.yaml`], {
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).toContain('SUCCESS');
    expect(status).toBe(0);
    const tested = readFileSync(`${chart}/files/rules.test.yaml`, 'utf8');
    for (const { alert } of rules.groups.flatMap((one) => one.rules)) expect(tested).toContain(`alertname: ${alert}`);
  });
});
