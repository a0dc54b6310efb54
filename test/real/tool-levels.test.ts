import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderChart } from '../../scripts/install-yaml.ts';
import { checkInstallation } from '../../src/app/install/check-installation.ts';
import { firing, startTestApp } from '../support/app.ts';
import type { RunDetail, TestApp } from '../support/app.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer, AuditLine } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { cleanEnvironment } from '../support/processes.ts';
import { waitFor } from '../support/wait.ts';

// How Workflows look at a cluster, with the rights of the chart and no others: not at all, as the account of all, as one of their own.

const assets = findApiServer();
const isThere = assets !== null && spawnSync(join(assets, 'helm'), ['version']).status === 0;
if (!isThere) console.warn('skipped: no API server with helm (KUBEBUILDER_ASSETS)');

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const release = 'punching-fist';
const account = (namespace: string, name: string) => ({ namespace, name });
const userOf = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`;
/** What the chart lists; `ghost` is never made. */
const listed = [account('shop', 'investigator'), account('shop', 'poor'), account('shop', 'ghost')];
/** The operator has it as a flag, and no role. */
const withoutRole = account('shop', 'roleless');

const workflow = (namespace: string, name: string, clusterAccess?: object) => ({
  apiVersion: 'punchingfist.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name, namespace },
  spec: {
    ...(clusterAccess === undefined ? {} : { clusterAccess }),
    steps: [{ name: 'look', type: 'agent', goal: 'Find the cause.' }],
  },
});
const source = (name: string) => ({
  apiVersion: 'punchingfist.io/v1alpha1',
  kind: 'Source',
  metadata: { name, namespace: 'shop' },
  spec: { type: 'webhook', config: { path: name }, triggerWorkflow: name },
});
const custom = (serviceAccount: string) => ({ level: 'custom', serviceAccount });
const pod = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-1', namespace },
  spec: { nodeName: 'node-1', containers: [{ name: 'web', image: 'web' }], automountServiceAccountToken: false },
});

/** An Event of now about `web-1`. */
function warning(namespace: string): object {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'web-1.backoff', namespace },
    involvedObject: { kind: 'Pod', namespace, name: 'web-1' },
    type: 'Warning',
    reason: 'BackOff',
    message: 'Back-off',
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Report {
  readonly summary: string;
  readonly gaps: readonly { readonly what: string; readonly kind: string; readonly reason: string; remedy: string }[];
}

describe.skipIf(!isThere)('levels of looking at a cluster', () => {
  let server: ApiServer;
  let app: TestApp;
  let kubeconfig: string;

  const apply = (...items: readonly object[]) =>
    void server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const readyOf = (namespace: string, name: string): Condition | undefined => {
    const text = server.kubectl(['get', 'workflow', name, '-n', namespace, '-o', 'json']);
    const { status } = JSON.parse(text) as { readonly status?: { readonly conditions?: readonly Condition[] } };
    return status?.conditions?.find(({ type }) => type === 'Ready');
  };
  const untilReason = async (namespace: string, name: string, reason: string, timeoutMs = 20_000) => {
    await waitFor(`Workflow ${name}: ${reason}`, () => readyOf(namespace, name)?.reason === reason, {
      timeoutMs,
      explain: () => JSON.stringify(readyOf(namespace, name)),
    });
    return readyOf(namespace, name);
  };
  /** The run of an alert about a pod, and who asked the API server for what meanwhile, but for reviews and our own kinds. */
  async function investigate(path: string, namespace: string) {
    const before = server.audit().length;
    const alertname = `Down-${path}-${namespace}`;
    await app.notify(path, [firing({ alertname, namespace, pod: 'web-1' })]);
    const run = await app.endedRun(alertname);
    return { run, report: reportOf(run), asked: server.audit().slice(before).filter(isLook) };
  }

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    await applyCrds(server);
    const namespaces = [release, 'shop', 'bank'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    }));
    const rendered = renderChart(['--set-json', `read.accounts=${JSON.stringify(listed)}`]);
    const rights = rendered.filter(({ kind }) => /^ServiceAccount$|Role(Binding)?$|^StatefulSet$/.test(kind));
    const made = ['investigator', 'poor', 'roleless', 'unlisted'].map((name) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: 'shop' },
    }));
    apply(...namespaces);
    apply(...rights, ...made, pod('shop'), pod('bank'));
    // Nothing adds `view` up here, where no controller manager runs.
    const { rules } = JSON.parse(server.kubectl(['get', 'clusterrole', 'system:aggregate-to-view', '-o', 'json'])) as {
      readonly rules: readonly object[];
    };
    server.kubectl(['patch', 'clusterrole', 'view', '--type=merge', '-p', JSON.stringify({ rules })]);
    for (const namespace of ['shop', 'bank'])
      server.kubectl(
        `create rolebinding investigator -n ${namespace} --clusterrole=view --serviceaccount=shop:investigator`.split(
          ' ',
        ),
      );
    const ways: Readonly<Record<string, object | undefined>> = {
      none: { level: 'none' },
      usual: undefined,
      own: custom('investigator'),
    };
    for (const [name, access] of Object.entries(ways)) apply(workflow('shop', name, access), source(name));
    kubeconfig = server.kubeconfig('operator', { token: server.token(release, release) });
    app = await startTestApp(cleanup, {
      files: {},
      resources: null,
      operator: {
        kubeconfig,
        context: null,
        namespaces: null,
        leaseNamespace: release,
        leaseName: release,
        readAs: account(release, `${release}-read`),
        allowAccounts: [...listed, withoutRole, account(release, release)],
        investigateFrom: [release],
        jobs: null,
        clusterName: null,
      },
    });
    for (const name of Object.keys(ways)) await untilReason('shop', name, 'Accepted');
  });

  test('none: nothing is asked of the API server, and the report says whose decision that is (R13)', async () => {
    const { run, report, asked } = await investigate('none', 'shop');
    expect(run.status).toBe('succeeded');
    expect(asked).toEqual([]);
    expect(report.summary).toContain('clusterAccess.level of the Workflow is none');
    expect(report.gaps).toMatchObject([
      { what: 'the cluster', kind: 'forbidden', remedy: 'set clusterAccess.level of the Workflow to read' },
    ]);
  });

  test('read: the account of all investigations asks, and nobody else', async () => {
    const { asked } = await investigate('usual', 'shop');
    expect(lookers(asked)).toEqual([userOf(release, `${release}-read`)]);
  });

  test('custom: the account of the Workflow asks, with a short token that is made once (R13)', async () => {
    const { run, report, asked } = await investigate('own', 'shop');
    expect(run.status).toBe('succeeded');
    expect(lookers(asked)).toEqual([userOf('shop', 'investigator')]);
    expect(asked.filter((line) => line.responseStatus?.code === 200).map(resourceOf)).toContain('pods');
    // It is bound in the namespace alone, and the API server says so.
    expect(asked.filter((line) => line.responseStatus?.code === 403).map(resourceOf)).toContain('nodes');
    expect(report.gaps.map(({ remedy }) => remedy).join()).toContain(`bound to ${userOf('shop', 'investigator')}`);
    const tokens = tokensOf(server.audit());
    expect(tokens.filter(({ requestURI }) => requestURI.includes('/investigator/'))).toHaveLength(1);
    expect(lookers(tokens)).toEqual([userOf(release, release)]);
  });

  test('custom: the wall of the namespace stays, although the account is bound in the other one', async () => {
    const { report, asked } = await investigate('own', 'bank');
    expect(asked.filter(({ objectRef }) => objectRef?.namespace === 'bank')).toEqual([]);
    expect(report.gaps.map(({ reason }) => reason).join()).toContain('may not look at namespace bank');
  });

  test('an account that is not listed, is elsewhere, or is of the release is refused, and no token of it is asked for', async () => {
    const before = server.audit().length;
    apply(
      workflow('shop', 'unlisted', custom('unlisted')),
      workflow('bank', 'elsewhere', custom('investigator')),
      workflow(release, 'reader', custom(`${release}-read`)),
      workflow(release, 'operator', custom(release)),
    );
    const told = await untilReason('shop', 'unlisted', 'AccountNotAllowed');
    expect(told?.message).toContain('list it in read.accounts of the chart (--allow-account shop/unlisted');
    await untilReason('bank', 'elsewhere', 'AccountNotAllowed');
    await untilReason(release, 'reader', 'AccountNotAllowed');
    // Listed by mistake, and by no role.
    await untilReason(release, 'operator', 'AccountNotAllowed');
    expect(tokensOf(server.audit().slice(before))).toEqual([]);
  });

  test.each([
    ['shop', 'unlisted', false],
    ['bank', 'investigator', false],
    [release, release, false],
    ['shop', 'investigator', true],
    [release, `${release}-read`, true],
  ])('the API server itself gives the operator a token of %s/%s: %s', (namespace, name, isGiven) => {
    const args = ['--kubeconfig', kubeconfig, 'create', 'token', name, '-n', namespace, '--duration', '10m'];
    const { status, stderr } = spawnSync(join(assets ?? '', 'kubectl'), args, {
      encoding: 'utf8',
      env: cleanEnvironment({ HOME: server.folder }),
    });
    if (isGiven) expect(status).toBe(0);
    else expect(stderr).toMatch(/orbidden/);
  });

  test('fist check goes through the levels, and asks as each account', async () => {
    server.kubectl(['create', 'serviceaccount', 'installer', '-n', release]);
    server.kubectl(
      `create clusterrolebinding installer --clusterrole=cluster-admin --serviceaccount=${release}:installer`.split(
        ' ',
      ),
    );
    const installer = server.kubeconfig('installer', { token: server.token(release, 'installer') });
    const before = server.audit().length;
    const findings = await checkInstallation({ kubeconfig: installer }, release, false);
    const told = findings.map(({ result, text, next }) => `${result} ${text}${next === undefined ? '' : `; ${next}`}`);
    const account = 'level custom, shop/';
    expect(told).toContain('ok level none needs no rights: nothing is asked of the cluster');
    expect(told).toContain('ok punching-fist-read may read what investigations look at');
    expect(told).toContain('ok punching-fist-read may not read Secrets');
    expect(told).toContainEqual(
      expect.stringMatching(
        /^ok level custom, shop\/investigator: investigations look as .*, which may not read nodes/,
      ),
    );
    expect(told).toContain(
      `failed ${account}poor: ServiceAccount shop/poor may not get and list pods, get and list events; kubectl create rolebinding poor-view -n shop --clusterrole=view --serviceaccount=shop:poor`,
    );
    expect(told).toContain(
      `failed ${account}ghost: there is no such account; kubectl create serviceaccount ghost -n shop`,
    );
    const reviews = server
      .audit()
      .slice(before)
      .filter(({ requestURI }) => requestURI.includes('selfsubjectaccess'));
    expect(new Set(reviews.map(({ user }) => user.username))).toEqual(
      new Set([
        userOf(release, release),
        userOf(release, `${release}-read`),
        userOf('shop', 'investigator'),
        userOf('shop', 'poor'),
      ]),
    );
  });

  test('what keeps an account from looking is said, and looked at again', async () => {
    apply(
      workflow('shop', 'poor', custom('poor')),
      workflow('shop', 'ghost', custom('ghost')),
      workflow('shop', 'roleless', custom('roleless')),
      source('poor'),
    );
    const poor = await untilReason('shop', 'poor', 'PermissionMissing');
    const command = 'kubectl create rolebinding poor-view -n shop --clusterrole=view --serviceaccount=shop:poor';
    expect(poor).toMatchObject({
      status: 'False',
      message: `ServiceAccount shop/poor may not get and list pods, get and list events; ${command}`,
    });
    const ghost = await untilReason('shop', 'ghost', 'AccountNotFound');
    expect(ghost?.message).toContain('kubectl create serviceaccount ghost -n shop');
    const roleless = await untilReason('shop', 'roleless', 'TokenRefused');
    expect(roleless?.message).toContain(
      `a Role in namespace shop with the rule {apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["roleless"], verbs: ["create"]}, bound to ${userOf(release, release)}`,
    );
    const before = server.audit().length;
    server.kubectl(command.split(' ').slice(1));
    await untilReason('shop', 'poor', 'Accepted', 60_000);
    // Three accounts that cannot be used are asked about a few times a minute, and no more.
    expect(server.audit().slice(before).filter(isOfAccounts).length).toBeLessThan(150);
    const { asked } = await investigate('poor', 'shop');
    expect(lookers(asked)).toEqual([userOf('shop', 'poor')]);
  });

  test('Sources that watch see their namespace alone, although the account may see all', async () => {
    const events = (name: string, config: object) => ({
      ...source(name),
      spec: {
        type: 'kubernetes',
        config: { resource: 'events', event: 'Warning', ...config },
        triggerWorkflow: 'none',
      },
    });
    const before = server.audit().length;
    apply(...['bank', 'shop'].map(warning), events('all-events', {}), events('bank-events', { namespace: 'bank' }));
    const seen = async (name: string) =>
      (await app.list<{ source: string; labels: Record<string, string> }>('/api/v1/alerts'))
        .filter((alert) => alert.source === name)
        .map(({ labels }) => `${labels['namespace']} ${labels['pod']}`);
    await waitFor('the alert', async () => (await seen('all-events')).length > 0);
    expect(await seen('all-events')).toEqual(['shop web-1']);
    const condition = await waitFor('the refusal', async () => {
      const { status } = await app.get<{ status: { conditions: readonly Condition[] } }>(
        '/api/v1/sources/shop/bank-events',
      );
      return status.conditions.find(({ type }) => type === 'Degraded');
    });
    expect(condition?.message).toContain('a Source in namespace shop may not watch namespace bank');
    const asked = server
      .audit()
      .slice(before)
      .filter(({ user, objectRef }) => user.username.endsWith('-read') && objectRef?.resource === 'events');
    expect(new Set(asked.map(({ objectRef }) => objectRef?.namespace))).toEqual(new Set(['shop']));
  });

  test('no token is stored or told (R14)', () => {
    expect(readFileSync(app.database).includes('eyJhbGciOi')).toBe(false);
    const told = server.kubectl(['get', 'workflows,events', '-A', '-o', 'json']);
    expect(told).not.toContain('eyJhbGciOi');
  });
});

function reportOf(run: RunDetail): Report {
  return run.steps.at(-1)?.result as unknown as Report;
}

const resourceOf = ({ objectRef }: AuditLine): string => objectRef?.resource ?? '';

/** What an investigation asks for. Every few minutes the API server lists the Services for itself. */
function isLook({ user, requestURI, objectRef }: AuditLine): boolean {
  if (user.username === 'system:apiserver') return false;
  const resource = objectRef?.resource ?? '';
  const isOwn = /punchingfist\.io|coordination\.k8s\.io|events\.k8s\.io|watch=|\/secrets/.test(requestURI);
  return resource !== '' && !isOwn && !/review|serviceaccounts|customresource/.test(resource);
}

function lookers(asked: readonly AuditLine[]): readonly string[] {
  return [...new Set(asked.map(({ user }) => user.username))].filter((name) => name !== 'admin');
}

function tokensOf(lines: readonly AuditLine[]): readonly AuditLine[] {
  return lines.filter(
    ({ objectRef, user }) => objectRef?.subresource === 'token' && user.username.includes(`:${release}`),
  );
}

function isOfAccounts({ requestURI, objectRef }: AuditLine): boolean {
  return objectRef?.subresource === 'token' || requestURI.includes('selfsubject');
}
