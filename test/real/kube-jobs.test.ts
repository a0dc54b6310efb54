import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { KubernetesObject } from '../../src/core/cluster.ts';
import { createInformers } from '../../src/kube/watch/informer.ts';
import { createJobs } from '../../src/kube/jobs/jobs.ts';
import type { Jobs } from '../../src/kube/jobs/jobs.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startKubelet } from '../support/kubelet.ts';
import type { LogHandler } from '../support/kubelet.ts';
import { accountWith, listOf, namespaceObject } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
const cleanup = createCleanup();
afterEach(() => cleanup.run());
afterAll(() => lasting.run());

const setUp = listOf(
  namespaceObject('shop'),
  namespaceObject('strict', { 'pod-security.kubernetes.io/enforce': 'restricted' }),
  ...accountWith({ namespace: 'shop', name: 'runner' }, [
    { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch', 'create', 'delete'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['events'], verbs: ['list'] },
    { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  ]),
);

function job(name: string, namespace = 'shop', spec: object = {}) {
  const containers = [{ name: 'run', image: 'tools:1', resources: { requests: { cpu: '1' } } }];
  return {
    metadata: { name, namespace, labels: { app: 'fist', run: name } },
    spec: {
      backoffLimit: 0,
      template: { spec: { restartPolicy: 'Never', nodeName: 'n1', containers } },
      ...spec,
    },
  };
}

describe.skipIf(assets === null)('Jobs on a real API server with its controllers', () => {
  let server: ApiServer;
  let logs: LogHandler = (_log, response) => void response.end();
  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    server.kubectl(['apply', '-f', '-'], JSON.stringify(setUp));
    await server.startControllers(['job-controller', 'garbage-collector-controller', 'resourcequota-controller']);
    await startKubelet(lasting, server, 'n1', (log, response) => logs(log, response));
  });

  async function connect(kubeconfig = server.kubeconfig('runner', { token: server.token('shop', 'runner') })) {
    const transport = await connectTransport({ kubeconfig });
    cleanup.defer(() => transport.close());
    const io = { clock: systemClock(), random: Math.random };
    const informers = createInformers(transport, { ...io, log: silentLog });
    cleanup.defer(() => informers.stop());
    const informer = informers.of({ kind: kinds.job, namespaces: ['shop'], labelSelector: 'app=fist' });
    await informer.whenSynced();
    return createJobs(transport, informer, io);
  }

  const signal = () => AbortSignal.timeout(60_000);

  /** What a kubelet would write. */
  function setPhase(pod: KubernetesObject, phase: 'Running' | 'Succeeded' | 'Failed'): void {
    const state = phase === 'Running' ? { running: {} } : { terminated: { exitCode: phase === 'Failed' ? 1 : 0 } };
    const containerStatuses = [{ name: 'run', image: 'tools:1', imageID: '', ready: false, restartCount: 0, state }];
    const status = JSON.stringify({ status: { phase, containerStatuses } });
    server.kubectl(['patch', 'pod', pod.metadata.name, '-n', 'shop', '--subresource=status', '-p', status]);
  }

  /** Of the Jobs that the server has with these labels. */
  function uidsOf(labels: string): readonly string[] {
    const uids = ['-o', 'jsonpath={.items[*].metadata.uid}'];
    return server.kubectl(['get', 'jobs', '-n', 'shop', '-l', labels, ...uids]).split(' ');
  }

  async function podOf(jobs: Jobs, identity: { namespace: string; name: string; uid: string }) {
    return waitFor('the pod', async () => (await jobs.pods(identity))[0]);
  }

  test('a Job is made, adopted by who comes again, waited for, its log followed while it runs, and deleted with its pods', async () => {
    const jobs = await connect();
    const { job: made, isAdopted } = await jobs.create(job('look'), ['run']);
    expect(isAdopted).toBe(false);
    expect(await jobs.create(job('look'), ['run'])).toEqual({ job: made, isAdopted: true });
    expect(uidsOf('app=fist,run=look')).toEqual([made.uid]);
    const pod = await podOf(jobs, made);
    expect(await jobs.trouble(made)).toBeNull();
    const ended = jobs.untilEnd(made, signal());

    const asked: string[] = [];
    logs = ({ query }, response) => {
      asked.push(query.toString());
      const line = (second: number, text: string): string => `2026-01-01T00:00:0${second}.000000000Z ${text}\n`;
      response.write(line(1, 'one'));
      // The first connection breaks, as when a kubelet is restarted.
      if (asked.length === 1) setTimeout(() => response.destroy(), 200);
      else if (query.get('follow') === 'true') {
        response.write(line(2, 'two'));
        setTimeout(() => {
          setPhase(pod, 'Succeeded');
          response.end(line(3, 'three'));
        }, 300);
      } else response.end(line(2, 'two') + line(3, 'three'));
    };
    setPhase(pod, 'Running');
    const written: string[] = [];
    const write = async (bytes: Uint8Array) => void written.push(Buffer.from(bytes).toString());
    const request = { namespace: 'shop', pod: pod.metadata.name, container: 'run', mostBytes: 1e6, write };
    expect(await jobs.followLog({ ...request, signal: signal() })).toMatchObject({ kind: 'ended', bytes: 14 });
    expect(written.join('')).toBe('one\ntwo\nthree\n');
    expect(asked[0]).toBe('follow=true&timestamps=true');
    expect(asked.at(-1)).toBe('sinceTime=2026-01-01T00%3A00%3A03Z&timestamps=true');
    expect(await ended).toEqual({ kind: 'succeeded' });
    expect(await jobs.delete({ ...made, uid: 'another' })).toBe('absent');
    expect(await jobs.delete(made)).toBe('deleted');
    await waitFor('the pod to go', async () => (await jobs.pods(made)).length === 0);
    expect(await jobs.untilEnd(made, signal())).toEqual({ kind: 'gone' });
    expect(await jobs.delete(made)).toBe('absent');
  });

  test('a Job that fails says why, one that is deleted is gone, one that takes too long is ended by its deadline', async () => {
    const jobs = await connect();
    const { job: failing } = await jobs.create(job('fails'), ['run']);
    const ended = jobs.untilEnd(failing, signal());
    setPhase(await podOf(jobs, failing), 'Failed');
    expect(await ended).toMatchObject({ kind: 'failed', reason: 'BackoffLimitExceeded' });
    const { job: doomed } = await jobs.create(job('doomed'), ['run']);
    const gone = jobs.untilEnd(doomed, signal());
    await podOf(jobs, doomed);
    server.kubectl(['delete', 'job', 'doomed', '-n', 'shop', '--wait=false']);
    expect(await gone).toEqual({ kind: 'gone' });
    const { job: late } = await jobs.create(job('late', 'shop', { activeDeadlineSeconds: 1 }), ['run']);
    const pod = await podOf(jobs, late);
    setPhase(pod, 'Running');
    const isOver = jobs.untilEnd(late, signal());
    await waitFor(
      'the end of the pod',
      async () => (await jobs.pods(late))[0]?.metadata.deletionTimestamp !== undefined,
    );
    // The kubelet ends what it was told to.
    server.kubectl(['delete', 'pod', pod.metadata.name, '-n', 'shop', '--force', '--grace-period=0']);
    expect(await isOver).toMatchObject({ kind: 'failed', reason: 'DeadlineExceeded' });
  });

  test('a quota of Jobs refuses the Job, one of CPU its pod; pod security refuses the pod', async () => {
    const jobs = await connect();
    const quota = (name: string, hard: object) => ({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name, namespace: 'shop' },
      spec: { hard },
    });
    const apply = (object: object) => server.kubectl(['apply', '-f', '-'], JSON.stringify(object));
    apply(quota('cpu', { 'requests.cpu': '100m' }));
    // Admission sees a quota a little later than others do.
    const isRefused = (object: object) => () => {
      try {
        server.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(object));
        return false;
      } catch (error) {
        return String(error).includes('exceeded quota');
      }
    };
    const { spec } = job('probe').spec.template;
    const probe = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe', namespace: 'shop' }, spec };
    await waitFor('the quota', isRefused(probe));
    const { job: hungry } = await jobs.create(job('hungry'), ['run']);
    const trouble = await waitFor('trouble', () => jobs.trouble(hungry));
    expect(trouble).toMatchObject({
      reason: 'QuotaExceeded',
      message: expect.stringContaining('exceeded quota: cpu, requested: requests.cpu=1') as string,
    });
    const count = uidsOf('app=fist').length;
    apply(quota('few', { 'count/jobs.batch': String(count) }));
    await waitFor('the quota', isRefused({ apiVersion: 'batch/v1', kind: 'Job', ...job('more') }));
    await expect(jobs.create(job('more'), ['run'])).rejects.toMatchObject({
      code: 'Forbidden',
      reason: 'QuotaExceeded',
      retryable: true,
      message: expect.stringContaining('exceeded quota: few') as string,
      next: 'kubectl --context test describe resourcequotas -n shop',
    });
    server.kubectl(['delete', 'resourcequota', 'cpu', 'few', '-n', 'shop']);

    const user = { 'client-certificate-data': server.certificate?.cert, 'client-key-data': server.certificate?.key };
    const asAdmin = await connect(server.kubeconfig('certified', user));
    const { job: refused } = await asAdmin.create(job('rude', 'strict'), ['run']);
    expect(await waitFor('trouble', () => asAdmin.trouble(refused))).toMatchObject({
      reason: 'AdmissionRefused',
      message: expect.stringContaining('violates PodSecurity "restricted:latest"') as string,
    });
    server.kubectl(['delete', 'namespace', 'strict', '--wait=false']);
    await expect(asAdmin.create(job('late', 'strict'), ['run'])).rejects.toMatchObject({
      reason: 'NamespaceTerminating',
    });
  });
});
