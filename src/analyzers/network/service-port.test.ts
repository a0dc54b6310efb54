import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { podObject } from '../../../test/support/memory-cluster.ts';
import { servicePort } from './service-port.ts';

const backend = (...ports: readonly object[]) => ({
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { selector: { app: 'web' }, ports },
});
const listening = (ports: readonly object[], container: object = {}, others: readonly object[] = []) =>
  podObject('web-1', {
    meta: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'app', ports, ...container }, ...others] },
  });
const find = (ports: readonly object[], pod: object) =>
  analyze(servicePort, 'service', backend(...ports), { pods: [pod] });

describe('service-port', () => {
  test('by number, by name, by default, and of a sidecar', async () => {
    const pod = listening([{ containerPort: 8080, name: 'http' }], {}, [
      { name: 'metrics', ports: [{ containerPort: 9090, name: 'metrics' }] },
    ]);
    expect(
      await find(
        [
          { port: 80, targetPort: 8080 },
          { port: 81, targetPort: 'http' },
          { port: 8080 },
          { port: 90, targetPort: 'metrics' },
        ],
        pod,
      ),
    ).toEqual([]);
    const native = podObject('web-1', {
      meta: { labels: { app: 'web' } },
      spec: {
        containers: [{ name: 'app' }],
        initContainers: [{ name: 'proxy', restartPolicy: 'Always', ports: [{ containerPort: 1, name: 'proxy' }] }],
      },
    });
    expect(await find([{ port: 80, targetPort: 'proxy' }], native)).toEqual([]);
  });

  test('a name that no container port has', async () => {
    const [finding] = await find(
      [{ name: 'grpc', port: 5050, targetPort: 'grpc-api' }],
      listening([{ containerPort: 5050 }]),
    );
    expect(finding).toMatchObject({ category: 'service-port', decisive: true, severity: 'high' });
    expect(finding?.cause).toBe(
      'Port grpc (5050) of service web goes to targetPort "grpc-api", and no container of the pods that it selects has a port of this name: they declare 5050/TCP.',
    );
  });

  test('a number that the pods do not declare, where their probe or the port itself says which is meant', async () => {
    const own = await find([{ port: 6379, targetPort: 6380 }], listening([{ containerPort: 6379 }]));
    expect(own).toMatchObject([{ decisive: true }]);
    expect(own[0]?.cause).toContain('goes to targetPort 6380, and the pods that it selects do not declare it');
    const probed = listening([{ containerPort: 8080, name: 'http' }], {
      readinessProbe: { httpGet: { port: 'http' } },
    });
    expect(await find([{ port: 80, targetPort: 8081 }], probed)).toMatchObject([{ decisive: true }]);
  });

  test('a declared port is information: without more, one port is doubtful and one of several is not told', async () => {
    const pod = listening([{ containerPort: 8080 }]);
    expect(await find([{ port: 80, targetPort: 9000 }], pod)).toMatchObject([{ decisive: false }]);
    expect(
      await find(
        [
          { port: 80, targetPort: 8080 },
          { port: 90, targetPort: 9000 },
        ],
        pod,
      ),
    ).toEqual([]);
    expect(await find([{ port: 80, targetPort: 9000 }], listening([]))).toEqual([]);
    const probedThere = listening([{ containerPort: 8080 }], { livenessProbe: { tcpSocket: { port: 9000 } } });
    expect(await find([{ port: 80, targetPort: 9000 }], probedThere)).toEqual([]);
  });

  test('a port of its own beside a service that reaches the pods well is not told', async () => {
    const pod = listening([{ containerPort: 8080 }], { readinessProbe: { httpGet: { port: 8080 } } });
    const metrics = backend({ port: 9113 });
    const main = { metadata: { name: 'main', namespace: 'shop' }, spec: backend({ port: 8080 }).spec };
    expect(await analyze(servicePort, 'service', metrics, { pods: [pod], services: [metrics, main] })).toEqual([]);
    expect(await analyze(servicePort, 'service', metrics, { pods: [pod], services: [metrics] })).toHaveLength(1);
  });

  test('where no port of any pod has a name, several services that go by name prove nothing', async () => {
    const pods = [listening([{ containerPort: 3306 }])];
    const one = backend({ port: 3306, targetPort: 'mysql' });
    const other = { ...one, metadata: { name: 'follower', namespace: 'shop' } };
    const found = (services: readonly object[], relation: 'alert' | 'holds') =>
      analyze(servicePort, 'service', one, { pods, services }, { relation });
    expect(await found([one, other], 'holds')).toEqual([]);
    expect(await found([one], 'holds')).toHaveLength(1);
    expect(await found([one, other], 'alert')).toHaveLength(1);
  });

  test('pods of another workload that take a part of the traffic', async () => {
    const of = (name: string, set: string, containerPort: number) =>
      podObject(name, {
        meta: {
          labels: { app: 'web' },
          ownerReferences: [{ kind: 'ReplicaSet', name: set, uid: set, controller: true }],
        },
        spec: { containers: [{ name: 'app', ports: [{ containerPort }] }] },
      });
    const web = of('web-6d4cf56db6-a', 'web-6d4cf56db6', 8080);
    const find = (other: object, targetPort: number | string = 8080) =>
      analyze(servicePort, 'service', backend({ port: 80, targetPort }), { pods: [web, other] });
    const [finding] = await find(of('worker-7c9d8b6f5-b', 'worker-7c9d8b6f5', 9000));
    expect(finding).toMatchObject({ category: 'service-mixed-pods', decisive: false, severity: 'medium' });
    expect(finding?.cause).toContain(
      '1 of its 2 ready pods belongs to another workload: pod worker-7c9d8b6f5-b declares 9000/TCP, not port 8080',
    );
    expect(await find(of('web-7c9d8b6f5-b', 'web-7c9d8b6f5', 9000))).toEqual([]);
    // No hash: another workload of a longer name.
    expect(await find(of('web-canary-b', 'web-canary', 9000))).toHaveLength(1);
    expect(await find(of('worker-7c9d8b6f5-b', 'worker-7c9d8b6f5', 8080))).toEqual([]);
  });

  test('the protocol', async () => {
    const pod = listening([{ containerPort: 53, name: 'dns', protocol: 'UDP' }]);
    for (const targetPort of [53, 'dns']) {
      const [finding] = await find([{ port: 53, targetPort }], pod);
      expect(finding?.decisive).toBe(true);
      expect(finding?.cause).toContain('which the pods have as UDP, not TCP');
    }
  });
});
