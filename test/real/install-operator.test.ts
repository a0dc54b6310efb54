import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { installObjects, renderChart } from '../../scripts/install-yaml.ts';
import { placeManifest } from '../../src/app/install/manifests.ts';
import type { Manifest } from '../../src/app/install/manifests.ts';
import { readVersion } from '../../src/lib/version.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { repositoryRoot } from '../support/processes.ts';
import { runFist } from '../support/program.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');
const hasHelm = assets !== null && existsSync(join(assets, 'helm'));
if (!hasHelm) console.warn('skipped: helm not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
afterAll(() => lasting.run());

const committed = () =>
  parseAllDocuments(readFileSync(join(repositoryRoot, 'deploy/install.yaml'), 'utf8')).map(
    (document) => document.toJS() as Manifest,
  );

describe.skipIf(!hasHelm)('deploy/install.yaml', () => {
  test('is what the chart renders with its defaults; if not: node scripts/install-yaml.ts', () => {
    expect(committed()).toEqual(installObjects(renderChart()));
  });

  test('in another namespace, with another image, is what the chart renders there', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const place = { namespace: 'watch', image: `registry.example/fist@${digest}` };
    const image = ['--set', 'global.image.repository=registry.example/fist', '--set', `global.image.digest=${digest}`];
    const rendered = installObjects(renderChart(['--namespace', place.namespace, ...image]));
    expect(committed().map((manifest) => placeManifest(manifest, place))).toEqual(rendered);
    expect(JSON.stringify(rendered)).toContain('--read-as=watch/punching-fist-read');
  });
});

describe.skipIf(assets === null)('an installation on a real API server', () => {
  let server: ApiServer;
  let admin: string;
  const fist = (...words: string[]) => runFist([...words, '--kubeconfig', admin], {});
  const get = (...words: string[]): { readonly [field: string]: unknown } =>
    JSON.parse(server.kubectl(['get', ...words, '-o', 'json'])) as { readonly [field: string]: unknown };
  const versions = () =>
    server.kubectl([
      'get',
      'crd,ns,sa,secret,clusterrole,clusterrolebinding,role,rolebinding,netpol,svc,sts',
      '--all-namespaces',
      '-o',
      'jsonpath={range .items[*]}{.kind} {.metadata.namespace}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
    ]);
  const token = () => (get('secret', 'punching-fist-token', '-n', 'punching-fist')['data'] as { token: string }).token;

  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    admin = server.kubeconfig('installer', { token: adminToken(server) });
  });

  test('is made, is not changed by the same again, and keeps its token at an upgrade', async () => {
    expect(await fist('upgrade')).toMatchObject({ code: 1, out: '' });
    const first = await fist('install');
    expect(first.err).toContain('kubectl --context test rollout status statefulset/punching-fist -n punching-fist');
    expect(first.code).toBe(0);
    const lines = first.out.trimEnd().split('\n');
    expect(lines.every((line) => line.endsWith(' created'))).toBe(true);
    expect(lines[0]).toBe('Namespace punching-fist created');
    expect(lines.slice(1, 4).every((line) => line.startsWith('CustomResourceDefinition '))).toBe(true);
    expect(lines).toHaveLength(committed().length + 5);

    const made = token();
    expect(Buffer.from(made, 'base64').toString()).toMatch(/^[\w-]{43}$/);
    expect(first.out + first.err).not.toContain(Buffer.from(made, 'base64').toString());

    const before = versions();
    const again = await fist('install');
    expect(again.out.replaceAll(/ (unchanged|kept)$/gm, '')).toBe(first.out.replaceAll(/ created$/gm, ''));
    expect(versions()).toBe(before);

    const upgraded = await fist('upgrade', '--image', 'registry.example/punching-fist:9');
    expect(upgraded.out).toContain('StatefulSet punching-fist/punching-fist configured\n');
    expect(upgraded.out).toContain('Secret punching-fist/punching-fist-token kept\n');
    expect(JSON.stringify(get('sts', 'punching-fist', '-n', 'punching-fist'))).toContain(
      'registry.example/punching-fist:9',
    );
    expect(token()).toBe(made);
  });

  test('what others set is not taken over unless that is asked for', async () => {
    server.kubectl([
      'patch',
      'sts',
      'punching-fist',
      '-n',
      'punching-fist',
      '--type=merge',
      '-p',
      '{"spec":{"replicas":0}}',
    ]);
    const refused = await fist('upgrade');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('.spec.replicas');
    expect(refused.err).toContain('--force-conflicts');
    expect((await fist('upgrade', '--force-conflicts')).code).toBe(0);
    // The image of the cluster's own registry stays, with the tag of this version.
    expect(JSON.stringify(get('sts', 'punching-fist', '-n', 'punching-fist'))).toContain(
      `"image":"registry.example/punching-fist:${readVersion()}"`,
    );
    expect(get('sts', 'punching-fist', '-n', 'punching-fist')['spec']).toMatchObject({ replicas: 1 });
  });

  test('a second one elsewhere, or one of Helm, is refused before anything is written', async () => {
    const before = versions();
    const elsewhere = await fist('install', '--namespace', 'other');
    expect(elsewhere).toMatchObject({ code: 1, out: '' });
    expect(elsewhere.err).toContain('is of an installation in namespace punching-fist');
    const binding = ['clusterrolebinding', 'punching-fist-operator', '--overwrite'];
    server.kubectl(['label', ...binding, 'app.kubernetes.io/managed-by=Helm']);
    for (const command of ['install', 'upgrade', 'uninstall'])
      expect((await fist(command)).err).toContain('Helm has installed it');
    server.kubectl(['label', ...binding, 'app.kubernetes.io/managed-by=fist']);
    expect(versions().replace(/ClusterRoleBinding \/punching-fist-operator \d+/, '')).toBe(
      before.replace(/ClusterRoleBinding \/punching-fist-operator \d+/, ''),
    );
  });

  test('who may not install is told what to allow', async () => {
    server.kubectl(['create', 'serviceaccount', 'nobody', '-n', 'default']);
    const nobody = server.kubeconfig('nobody', { token: server.token('default', 'nobody') });
    const refused = await runFist(['install', '--kubeconfig', nobody], {});
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('resources: ["clusterrolebindings"]');
    server.kubectl(['create', 'clusterrole', 'some', '--verb=get,create,patch', `--resource=${someResources}`]);
    server.kubectl(['create', 'clusterrolebinding', 'some', '--clusterrole=some', '--serviceaccount=default:nobody']);
    server.kubectl(['delete', 'clusterrole', 'punching-fist-read']);
    const grants = await runFist(['install', '--kubeconfig', nobody], {});
    expect(grants.code).toBe(3);
    expect(grants.err).toContain('ClusterRole punching-fist-read grants rights that you do not have yourself');
    expect((await fist('install')).out).toContain('ClusterRole punching-fist-read created');
  });

  test('goes, and leaves CRDs, objects, volume claim and token; with --all --yes also those', async () => {
    server.kubectl(['apply', '-f', '-'], JSON.stringify(sink));
    server.kubectl(['apply', '-f', '-'], JSON.stringify(claim));
    const planned = await fist('uninstall', '--dry-run');
    expect(planned.out).toContain('would be deleted: StatefulSet punching-fist/punching-fist\n');
    const kept = token();
    const gone = await fist('uninstall');
    expect(gone.code).toBe(0);
    expect(gone.out).toBe(planned.out.replaceAll(/^would be deleted: (.*)$/gm, '$1 deleted'));
    expect(gone.err).toContain('kept: PersistentVolumeClaim punching-fist/data-punching-fist-0');
    expect(get('sink', 'out', '-n', 'default')['kind']).toBe('Sink');
    expect(token()).toBe(kept);
    expect(server.kubectl(['get', 'sts,sa,role,svc,netpol', '-n', 'punching-fist', '-o', 'name'])).toBe('');
    expect(server.kubectl(['get', 'clusterrole,clusterrolebinding', '-o', 'name'])).not.toContain('fist');

    expect((await fist('install')).out).toContain('Secret punching-fist/punching-fist-token kept');
    const asked = await fist('uninstall', '--all');
    expect(asked.code).toBe(2);
    expect(asked.out).toContain('would be lost: 1 sinks.punchingfist.io of all namespaces\n');
    expect(get('sink', 'out', '-n', 'default')['kind']).toBe('Sink');
    expect((await fist('uninstall', '--all', '--yes')).code).toBe(0);
    expect(server.kubectl(['get', 'secret,pvc', '-n', 'punching-fist', '-o', 'name'])).toBe(
      'persistentvolumeclaim/data-punching-fist-0\n',
    );
    expect(get('ns', 'punching-fist')['kind']).toBe('Namespace');
  });
});

const someResources = [
  'namespaces,secrets,serviceaccounts,services',
  'statefulsets.apps,networkpolicies.networking.k8s.io,customresourcedefinitions.apiextensions.k8s.io',
  'clusterroles.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io',
].join(',');

const sink = {
  apiVersion: 'punchingfist.io/v1alpha1',
  kind: 'Sink',
  metadata: { name: 'out', namespace: 'default' },
  spec: { type: 'stdout', config: {} },
};

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    name: 'data-punching-fist-0',
    namespace: 'punching-fist',
    labels: { 'app.kubernetes.io/name': 'punching-fist', 'app.kubernetes.io/instance': 'punching-fist' },
  },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

/** The first of the file of static tokens: an administrator. */
function adminToken(server: ApiServer): string {
  return readFileSync(join(server.folder, 'tokens.csv'), 'utf8').split(',')[0] ?? '';
}
