import { existsSync, readFileSync, writeFileSync } from 'node:fs';
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
import { waitFor } from '../support/wait.ts';

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
  /** Whoever authorizes in an API server reads changed roles a little later than others do. */
  const untilMay = (account: string, words: readonly string[], may = true) =>
    waitFor(`${account} ${may ? 'to be allowed' : 'not to be allowed'} to ${words.join(' ')}`, () => {
      try {
        server.kubectl(['auth', 'can-i', ...words, `--as=system:serviceaccount:${account}`, '-n', 'punching-fist']);
        return may;
      } catch {
        return !may;
      }
    });
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

  test('an upgrade takes away what only an earlier version had, and nothing of others', async () => {
    const { metadata } = get('clusterrole', 'punching-fist-read') as { readonly metadata: { readonly labels: object } };
    const role = (name: string, labels: object) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name, labels },
      rules: [],
    });
    const items = [
      role('punching-fist-earlier', metadata.labels),
      role('of-others', { ...metadata.labels, 'app.kubernetes.io/managed-by': 'others' }),
    ];
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    expect((await fist('install')).out).not.toContain('deleted');
    const { out } = await fist('upgrade');
    expect(out.match(/^.* deleted$/gm)).toEqual(['ClusterRole punching-fist-earlier deleted']);
    expect((await fist('upgrade')).out).not.toContain('deleted');
    server.kubectl(['delete', 'clusterrole', 'of-others']);
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

  test('check says whether the operator runs and leads, and what keeps it', async () => {
    const crosses = async () => (await fist('check', '--installed')).out.match(/^✗ .*$/gm);
    expect((await crosses())?.[0]).toBe('✗ StatefulSet punching-fist: 0 of 1 replicas are ready');
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data-punching-fist-0', labels: { 'app.kubernetes.io/name': 'punching-fist' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      status: { phase: 'Pending' },
    };
    server.kubectl(['apply', '-n', 'punching-fist', '-f', '-'], JSON.stringify(claim));
    expect((await crosses())?.[0]).toBe(
      '✗ StatefulSet punching-fist: 0 of 1 replicas are ready; its volume claim data-punching-fist-0 is not bound',
    );
    server.kubectl(['delete', 'pvc', 'data-punching-fist-0', '-n', 'punching-fist', '--wait=false']);
    const ready = JSON.stringify({ status: { replicas: 1, readyReplicas: 1, availableReplicas: 1 } });
    const set = ['sts', 'punching-fist', '-n', 'punching-fist'];
    server.kubectl(['patch', ...set, '--subresource=status', '--type=merge', '-p', ready]);
    expect((await crosses())?.[0]).toBe('✗ nobody holds the Lease punching-fist');
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'punching-fist' },
      spec: { holderIdentity: 'punching-fist-0_1f2e3d4c' },
    };
    server.kubectl(['apply', '-n', 'punching-fist', '-f', '-'], JSON.stringify(lease));
  });

  test('check finds what it may and what it must not, and names what is missing', async () => {
    const well = await fist('check', '--installed');
    expect(well.out).toContain('✔ punching-fist-read may read what investigations look at\n');
    expect(well.out).toContain('✔ punching-fist-read may not enter pods (exec, attach, portforward)\n');
    expect(well.out).toContain('- punching-fist may not run commands of Workflows as Jobs\n');
    expect(well.out).toContain('✔ StatefulSet punching-fist: 1 of 1 replicas are ready\n');
    expect(well.out).toContain('✔ punching-fist-0 leads: it writes statuses and Events\n');
    expect(well.out).toContain('CustomResourceDefinition workflows.punchingfist.io is served');
    expect(well.out).not.toContain('✗');
    expect(well.code).toBe(0);

    const { rules } = get('clusterrole', 'punching-fist-read') as {
      readonly rules: readonly { readonly resources: readonly string[] }[];
    };
    const without = rules.filter(({ resources }) => !resources.includes('pods/log'));
    const edit = (rule: readonly object[]) =>
      server.kubectl([
        'patch',
        'clusterrole',
        'punching-fist-read',
        '--type=merge',
        '-p',
        JSON.stringify({ rules: rule }),
      ]);
    edit([...without, { apiGroups: [''], resources: ['pods/exec'], verbs: ['create'] }]);
    await untilMay('punching-fist:punching-fist-read', ['create', 'pods', '--subresource=exec']);
    const lacking = await fist('check', '--installed');
    expect(lacking.code).toBe(1);
    expect(lacking.out.match(/^✗.*$/gm)).toEqual([
      '✗ punching-fist-read may not get pods/log, to read what investigations look at',
      '✗ punching-fist-read may create pods/exec, and must not enter pods (exec, attach, portforward)',
      '✗ punching-fist-read may create pods/exec, and must not enter pods (exec, attach, portforward) in namespace punching-fist',
      expect.stringMatching(/^✗ 3 of \d+ checks failed$/),
    ]);
    expect(lacking.out).toContain(
      'allow it: ClusterRole punching-fist-read with the rule {apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}, bound to system:serviceaccount:punching-fist:punching-fist-read\n',
    );
    edit(rules);

    const definition = ['crd', 'sinks.punchingfist.io', '--type=json', '-p'];
    const patch = (op: string, value?: string) =>
      server.kubectl(['patch', ...definition, JSON.stringify([{ op, path: '/spec/names/shortNames/0', value }])]);
    patch('replace', 'other');
    expect((await fist('check', '--installed')).out).toContain(
      '✗ CustomResourceDefinition sinks.punchingfist.io is not as version',
    );
    patch('replace', 'fsink');
    expect((await fist('check', '--installed')).code).toBe(0);
  });

  test('check says what it can where it may not look at all, and that nobody reads where that is so', async () => {
    const set = ['sts', 'punching-fist', '-n', 'punching-fist'];
    const ready = (replicas: number) =>
      JSON.stringify({ status: { replicas, readyReplicas: replicas, availableReplicas: replicas } });
    const tell = (replicas: number) =>
      server.kubectl(['patch', ...set, '--subresource=status', '--type=merge', '-p', ready(replicas)]);
    server.kubectl(['create', 'serviceaccount', 'looker', '-n', 'default']);
    const lookAt = async (role: string, resources: string): Promise<void> => {
      server.kubectl(['create', 'clusterrole', role, '--verb=get,list,create', `--resource=${resources}`]);
      server.kubectl([
        'create',
        'clusterrolebinding',
        role,
        `--clusterrole=${role}`,
        '--serviceaccount=default:looker',
      ]);
      await untilMay('default:looker', ['get', resources.split(',')[0] ?? '']);
    };
    await lookAt('looker', 'clusterrolebindings,serviceaccounts,subjectaccessreviews,customresourcedefinitions');
    const looker = server.kubeconfig('looker', { token: server.token('default', 'looker') });
    const look = () => runFist(['check', '--installed', '--kubeconfig', looker], {});
    const little = await look();
    expect(little.out).toContain('✔ punching-fist-read may read what investigations look at\n');
    expect(little.out).toContain('- whether the operator runs cannot be said: ');
    expect(little.out).toContain('- level custom: which accounts Workflows may name cannot be said, ');
    expect(little.code).toBe(0);

    await lookAt('looker-workloads', 'statefulsets,deployments');
    const more = await look();
    expect(more.out).toContain('✔ StatefulSet punching-fist: 1 of 1 replicas are ready\n');
    expect(more.out).toContain('- which replica leads cannot be said: ');
    expect(more.code).toBe(0);
    tell(0);
    expect((await look()).out.match(/^✗.*$/gm)?.[0]).toBe('✗ StatefulSet punching-fist: 0 of 1 replicas are ready');
    tell(1);

    const { spec } = get(...set) as {
      readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { args: string[] }[] } } };
    };
    const place = spec.template.spec.containers[0]?.args.findIndex((arg) => arg.startsWith('--read-as=')) ?? -1;
    const args = (value: string) => {
      const path = `/spec/template/spec/containers/0/args/${place}`;
      const patch = JSON.stringify([{ op: 'replace', path, value: `--read-as=${value}` }]);
      server.kubectl(['patch', ...set, '--type=json', '-p', patch]);
    };
    args('none');
    server.kubectl(['delete', 'serviceaccount', 'punching-fist-read', '-n', 'punching-fist']);
    const closed = await fist('check', '--installed');
    expect(closed.out).toContain('✔ level read is closed (--read-as=none): no account reads for all Workflows\n');
    expect(closed.out).not.toContain('punching-fist-read');
    expect(closed.code).toBe(0);
    args('punching-fist/punching-fist-read');
    const open = await fist('check', '--installed');
    expect(open.out).toContain('✗ there is no ServiceAccount punching-fist-read');
    expect(open.code).toBe(1);
    expect((await fist('install')).out).toContain('ServiceAccount punching-fist/punching-fist-read created\n');
  });

  test('check says that it is not known whether an account reads, where one may not look and nothing shows one', async () => {
    const namespace = ['-n', 'punching-fist'];
    server.kubectl(['create', 'serviceaccount', 'stranger', '-n', 'default']);
    const resources = 'clusterrolebindings,serviceaccounts,subjectaccessreviews,customresourcedefinitions';
    server.kubectl(['create', 'clusterrole', 'stranger', '--verb=get,list,create', `--resource=${resources}`]);
    const bound = ['--clusterrole=stranger', '--serviceaccount=default:stranger'];
    server.kubectl(['create', 'clusterrolebinding', 'stranger', ...bound]);
    const stranger = server.kubeconfig('stranger', { token: server.token('default', 'stranger') });
    const look = () => runFist(['check', '--installed', '--kubeconfig', stranger], {});

    server.kubectl(['delete', 'clusterrolebinding', 'punching-fist-read']);
    await untilMay('punching-fist:punching-fist-read', ['list', 'pods'], false);
    const lacking = await look();
    expect(lacking.out).toContain('✗ punching-fist-read may not ');
    expect(lacking.code).toBe(1);

    const { rules } = get('role', 'punching-fist', ...namespace) as { readonly rules: readonly object[] };
    const closed = JSON.stringify({ rules: rules.filter((rule) => !('resourceNames' in rule)) });
    server.kubectl(['patch', 'role', 'punching-fist', ...namespace, '--type=merge', '-p', closed]);
    server.kubectl(['delete', 'serviceaccount', 'punching-fist-read', ...namespace]);
    const unknown = await look();
    expect(unknown.out).toContain('- level read: whether an account reads for all Workflows cannot be said: ');
    expect(unknown.out).toContain('check as somebody who may get statefulsets and deployments of punching-fist\n');
    expect(unknown.out).toContain('✔ punching-fist may say which replica leads\n');
    expect(unknown.out).not.toContain('✗');
    expect(unknown.code).toBe(0);
    expect((await fist('install')).out).toContain('ServiceAccount punching-fist/punching-fist-read created\n');
  });

  test('check --pre says whether one may install', async () => {
    const homeless = await fist('check', '--pre');
    expect(homeless.out).toContain("✗ there is no StorageClass: the database's volume would never be there\n");
    expect(homeless.code).toBe(1);
    const storage = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', provisioner: 'example.com/disk' };
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ ...storage, metadata: { name: 'fast', annotations } }));
    expect((await fist('check', '--pre')).code).toBe(0);
    server.kubectl(['create', 'serviceaccount', 'reader', '-n', 'default']);
    const reader = server.kubeconfig('reader', { token: server.token('default', 'reader') });
    const refused = await runFist(['check', '--pre', '--kubeconfig', reader], {});
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('✗ you may not get, create, patch statefulsets\n');
    expect(refused.out).toContain('✗ you lack rights that the installation is given: ');
  });

  test('objects are applied once lint and the server agree, shown with the columns of the CRDs, and deleted', async () => {
    server.kubectl(['create', 'namespace', 'shop']);
    const folder = lasting.temporaryFolder('objects');
    const file = join(folder, 'all.yaml');
    writeFileSync(file, objects('triage'));
    const broken = join(folder, 'broken.yaml');
    writeFileSync(broken, objects('triag'));
    const refused = await fist('apply', '-f', broken, '-n', 'shop');
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('error: there is no Workflow shop/triag');
    expect(server.kubectl(['get', 'fist', '-n', 'shop', '-o', 'name'])).toBe('');

    const dry = await fist('apply', '-f', file, '-n', 'shop', '--dry-run');
    expect(dry.out).toContain('source/shop/am created (dry run)\n');
    expect(server.kubectl(['get', 'fist', '-n', 'shop', '-o', 'name'])).toBe('');
    expect((await fist('apply', '-f', file, '-n', 'shop')).out).toBe(
      'sink/shop/out created\nworkflow/shop/triage created\nsource/shop/am created\n',
    );
    expect((await fist('apply', '-f', file, '-n', 'shop')).out).toBe(
      'sink/shop/out unchanged\nworkflow/shop/triage unchanged\nsource/shop/am unchanged\n',
    );
    writeFileSync(broken, objects('triage').replace('team: shop', 'team: web'));
    expect((await fist('apply', '-f', broken, '-n', 'shop', '--dry-run')).out).toContain(
      'source/shop/am configured (dry run)\n',
    );
    // What it refers to is in the cluster, not in the file.
    const alone = join(folder, 'alone.yaml');
    writeFileSync(alone, objects('triage').split('---\n')[0] ?? '');
    expect((await fist('apply', '-f', alone, '-n', 'shop')).out).toBe('source/shop/am unchanged\n');

    const waited = await fist('apply', '-f', file, '-n', 'shop', '--wait', '--timeout', '1s');
    expect(waited.code).toBe(4);
    expect(waited.err).toContain('Sink shop/out: no operator has looked at it');
    status('sink', 'out', { type: 'Ready', status: 'True', reason: 'Accepted' });
    const off = { type: 'CommandsResolved', status: 'False', reason: 'CommandsOff' };
    status('workflow', 'triage', { type: 'Ready', status: 'True', reason: 'Accepted' }, off);
    status(
      'source',
      'am',
      { type: 'Ready', status: 'False', reason: 'PathConflict' },
      { type: 'Stalled', status: 'True', reason: 'PathConflict' },
    );
    const told = await fist('apply', '-f', file, '-n', 'shop', '--wait');
    expect(told.code).toBe(1);
    expect(told.out).toContain(
      'sink/shop/out ready\nworkflow/shop/triage ready, but CommandsOff, as it is\nsource/shop/am not ready: PathConflict, as it is\n',
    );

    const listed = await fist('get', 'sources', '-n', 'shop');
    expect(listed.out).toMatch(/^NAMESPACE +NAME +TYPE +.*READY +REASON/);
    expect(listed.out).toMatch(/^shop +am +webhook +.*False +PathConflict/m);
    expect((await fist('get', 'source/shop/am', '-o', 'json')).out).not.toContain('managedFields');
    expect((await fist('describe', 'sink/shop/out')).out).toContain('reason: Accepted\n');
    expect(await fist('get', 'sinks', '-n', 'shop', '-o', 'name')).toMatchObject({ out: 'sink/shop/out\n' });
    expect((await fist('get', 'alerts')).err).toContain('alerts are of a server, no cluster has them');
    expect((await fist('get', 'source', 'absent')).err).toContain('there is no Source default/absent in the cluster');

    expect((await fist('delete', 'source/shop/am', '--dry-run')).out).toBe('source/shop/am deleted (dry run)\n');
    expect((await fist('delete', 'source/shop/am')).out).toBe('source/shop/am deleted\n');
    const rest = await fist('delete', '-f', file, '-n', 'shop');
    expect(rest.out).toBe('workflow/shop/triage deleted\nsink/shop/out deleted\n');
    expect(rest.err).toContain('there is no Source shop/am in the cluster');
    expect(rest.code).toBe(1);
  });

  function status(kind: string, name: string, ...given: readonly Readonly<Record<string, string>>[]): void {
    const { metadata } = get(kind, name, '-n', 'shop') as { readonly metadata: { readonly generation: number } };
    const conditions = given.map((condition) => ({
      ...condition,
      message: 'as it is',
      lastTransitionTime: '2026-11-30T00:00:00Z',
      observedGeneration: metadata.generation,
    }));
    const patch = JSON.stringify({ status: { observedGeneration: metadata.generation, conditions } });
    server.kubectl(['patch', kind, name, '-n', 'shop', '--subresource=status', '--type=merge', '-p', patch]);
  }

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

/** A Source that triggers this Workflow, Workflow triage, and a Sink, none of which names a namespace. */
const objects = (workflow: string) => `apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: {name: am, labels: {team: shop}}
spec:
  type: webhook
  config: {path: am, authentication: {type: bearer, secretRef: am}}
  triggerWorkflow: ${workflow}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: {name: triage}
spec:
  steps: [{name: look, type: agent, goal: look}]
  sinks: [out]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: {name: out}
spec: {type: stdout, config: {}}
`;

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
