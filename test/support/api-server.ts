import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { cleanEnvironment, freePort, repositoryRoot, startProcess } from './processes.ts';
import type { RunningProcess } from './processes.ts';
import { waitFor } from './wait.ts';

/** A real API server with its etcd, on loopback ports of their own, RBAC on. */
export interface ApiServer {
  readonly url: string;
  readonly folder: string;
  /** Runs kubectl as an administrator and returns its output. */
  kubectl(args: readonly string[], input?: string): string;
  /** Writes a kubeconfig with this user in context `test` and returns its path. */
  kubeconfig(name: string, user: object, server?: string): string;
  /** A new token of a ServiceAccount. */
  token(namespace: string, account: string): string;
  /** The one that it got first, as programs use theirs: new ones of one address are bounded. */
  sameToken(namespace: string, account: string): string;
  /** Requests on record so far. */
  audit(): readonly AuditLine[];
  /** An outage: ends the API server, not its data. */
  stop(): Promise<void>;
  /** Ends it: the same server again, on the same port. */
  start(): Promise<void>;
  /** Starts these controllers of kube-controller-manager beside it. */
  startControllers(names: readonly string[]): Promise<void>;
  /** A client certificate of the administrators; null where openssl is not installed. */
  readonly certificate: { readonly cert: string; readonly key: string } | null;
}

export interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly namespace?: string };
  readonly responseStatus?: { readonly code: number };
}

/** Folder with kube-apiserver, etcd and kubectl, by the ecosystem's convention; null where it is not set or lacks one. */
export function findApiServer(): string | null {
  const folder = process.env['KUBEBUILDER_ASSETS'];
  return folder !== undefined && ['kube-apiserver', 'etcd', 'kubectl'].every((name) => existsSync(join(folder, name)))
    ? folder
    : null;
}

function flags(options: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

/** Whether it answers 200. A kubectl for each look would take as much of the machine as what it waits for. */
async function answers(url: string, ca: Buffer, token: string): Promise<boolean> {
  // Half a certificate is an error too.
  return new Promise<boolean>((resolve) => {
    const options = { ca, agent: false, headers: { authorization: `Bearer ${token}` }, timeout: 5000 };
    const request = get(url, options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  }).catch(() => false);
}

/** An API server that is told to end waits a minute for whoever still watches. */
const graceMs = 5000;

export async function startApiServer(cleanup: Cleanup, assets: string): Promise<ApiServer> {
  const folder = cleanup.temporaryFolder('api-server');
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${client}`;
  const etcdOptions = {
    name: 'test',
    'data-dir': join(folder, 'etcd'),
    'unsafe-no-fsync': 'true',
    'log-level': 'error',
    'listen-client-urls': etcdUrl,
    'advertise-client-urls': etcdUrl,
    'listen-peer-urls': `http://127.0.0.1:${peer}`,
    'initial-advertise-peer-urls': `http://127.0.0.1:${peer}`,
    'initial-cluster': `test=http://127.0.0.1:${peer}`,
  };
  const etcd = startProcess(join(assets, 'etcd'), flags(etcdOptions));
  cleanup.defer(() => etcd.stop());
  const adminToken = randomBytes(16).toString('hex');
  const { clientCa, certificate } = writeKeys(folder, adminToken);
  const serverOptions = {
    'etcd-servers': etcdUrl,
    'bind-address': '127.0.0.1',
    'advertise-address': '127.0.0.1',
    'secure-port': String(port),
    'cert-dir': join(folder, 'certs'),
    'token-auth-file': join(folder, 'tokens.csv'),
    ...(clientCa === null ? {} : { 'client-ca-file': clientCa }),
    'authorization-mode': 'RBAC',
    'endpoint-reconciler-type': 'none',
    'service-cluster-ip-range': '10.96.0.0/16',
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': join(folder, 'sa.pub'),
    'service-account-signing-key-file': join(folder, 'sa.key'),
    // Without a controller manager no namespace gets its default account, which this plug-in asks for.
    'disable-admission-plugins': 'ServiceAccount',
    'audit-policy-file': join(folder, 'audit-policy.yaml'),
    'audit-log-path': join(folder, 'audit.log'),
    'audit-log-mode': 'blocking',
  };
  const startServer = (): RunningProcess => {
    const started = startProcess(join(assets, 'kube-apiserver'), flags(serverOptions));
    cleanup.defer(() => started.stop(graceMs));
    return started;
  };
  let server = startServer();
  const url = `https://127.0.0.1:${port}`;
  const kubeconfig = (name: string, user: object, address = url): string => {
    const file = join(folder, `${name}.kubeconfig`);
    const ca = readFileSync(join(folder, 'certs', 'apiserver.crt')).toString('base64');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: address, 'certificate-authority-data': ca } }],
      users: [{ name, user }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: name } }],
      'current-context': 'test',
    };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  };
  const kubectl = (args: readonly string[], input = ''): string => {
    const { status, stdout, stderr } = spawnSync(
      join(assets, 'kubectl'),
      ['--kubeconfig', kubeconfig('admin', { token: adminToken }), '--cache-dir', join(folder, 'cache'), ...args],
      { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, env: cleanEnvironment({ HOME: folder }) },
    );
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const token = (namespace: string, account: string) =>
    kubectl(['create', 'token', account, '--namespace', namespace]).trim();
  const tokens = new Map<string, string>();
  const isReady = (): Promise<boolean> | boolean => {
    if (server.exitStatus() !== null || etcd.exitStatus() !== null)
      throw new Error(`the API server ended: ${server.stderr().slice(-2000)}${etcd.stderr().slice(-2000)}`);
    const certificateFile = join(folder, 'certs', 'apiserver.crt');
    return existsSync(certificateFile) && answers(`${url}/readyz`, readFileSync(certificateFile), adminToken);
  };
  const untilReady = () =>
    waitFor('the API server', isReady, {
      timeoutMs: 90_000,
      everyMs: 250,
      explain: () => server.stderr().slice(-2000),
    });
  await untilReady();
  return {
    url,
    folder,
    kubectl,
    kubeconfig,
    certificate,
    async stop() {
      await server.stop(graceMs);
    },
    async start() {
      server = startServer();
      await untilReady();
    },
    async startControllers(names) {
      const options = {
        kubeconfig: kubeconfig('controllers', { token: adminToken }),
        controllers: names.join(','),
        'bind-address': '127.0.0.1',
        'secure-port': '0',
        'leader-elect': 'false',
        'cert-dir': join(folder, 'controllers'),
        'service-account-private-key-file': join(folder, 'sa.key'),
        'concurrent-job-syncs': '2',
      };
      const controllers = startProcess(join(assets, 'kube-controller-manager'), flags(options));
      cleanup.defer(() => controllers.stop());
    },
    token,
    sameToken(namespace, account) {
      const key = `${namespace}/${account}`;
      const known = tokens.get(key) ?? token(namespace, account);
      tokens.set(key, known);
      return known;
    },
    audit: () =>
      readFileSync(join(folder, 'audit.log'), 'utf8')
        .split('\n')
        // Behind the last line feed is nothing, or a line that is being written.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as AuditLine),
  };
}

const openssl = process.env['OPENSSL'] ?? 'openssl';

function writeKeys(
  folder: string,
  adminToken: string,
): { readonly clientCa: string | null; readonly certificate: ApiServer['certificate'] } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  writeFileSync(join(folder, 'sa.pub'), publicKey);
  writeFileSync(join(folder, 'sa.key'), privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'tokens.csv'), `${adminToken},admin,admin,"system:masters"\n`, { mode: 0o600 });
  writeFileSync(
    join(folder, 'audit-policy.yaml'),
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n',
  );
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const steps = [
    ['req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test-ca'],
    ['req', ...key, '-keyout', 'admin.key', '-out', 'admin.csr', '-subj', '/O=system:masters/CN=certified'],
    [
      'x509',
      '-req',
      '-in',
      'admin.csr',
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-out',
      'admin.crt',
    ],
  ];
  if (!steps.every((step) => spawnSync(openssl, step, { cwd: folder }).status === 0))
    return { clientCa: null, certificate: null };
  const read = (name: string): string => readFileSync(join(folder, name)).toString('base64');
  return { clientCa: join(folder, 'ca.crt'), certificate: { cert: read('admin.crt'), key: read('admin.key') } };
}

/** Our CRDs, once the server serves them. */
export async function applyCrds(server: ApiServer): Promise<void> {
  server.kubectl(['apply', '--server-side', '-f', `${repositoryRoot}deploy/crds/phase1-crds.yaml`]);
  await untilCrdsServed(server);
}

/** Waits until objects of our CRDs can be made, whoever makes the CRDs. */
export async function untilCrdsServed(server: ApiServer): Promise<void> {
  await waitFor(
    'the CRDs to be served',
    () => {
      try {
        const { resources } = JSON.parse(server.kubectl(['get', '--raw', '/apis/punchingfist.io/v1alpha1'])) as {
          readonly resources: readonly { readonly name: string }[];
        };
        return ['sources', 'workflows', 'sinks'].every((plural) => resources.some(({ name }) => name === plural));
      } catch {
        return false;
      }
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
}
