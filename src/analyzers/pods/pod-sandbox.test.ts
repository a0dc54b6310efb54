import { describe, expect, test } from 'vitest';
import { analyze } from '../../../test/support/analyze.ts';
import { eventObject, podObject } from '../../../test/support/memory-cluster.ts';
import { podSandbox } from './pod-sandbox.ts';

/** A pod of a daemon set on a node, ready or not. */
const agent = (name: string, node: string, container: string, isReady: boolean) =>
  podObject(name, {
    meta: {
      namespace: 'kube-system',
      ownerReferences: [{ kind: 'DaemonSet', name: 'agents', uid: 'd1', controller: true }],
    },
    spec: { nodeName: node, containers: [{ name: container }] },
    ...(isReady ? {} : { state: { ready: false } }),
  });

const about = { kind: 'Pod', name: 'web-1' };
const creating = podObject('web-1', {
  status: { phase: 'Pending' },
  state: { state: { waiting: { reason: 'ContainerCreating' } } },
});
const setup =
  'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "4c1e": plugin';

describe('pod-sandbox', () => {
  test.each([
    [
      `${setup} type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container`,
      'no-pod-address',
    ],
    [
      `${setup} type="bridge" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.254`,
      'no-pod-address',
    ],
    [
      `${setup} type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure "range is full"`,
      'no-pod-address',
    ],
    [
      `${setup} type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`,
      'network-plugin',
    ],
    [
      `${setup} type="cilium-cni" failed (add): unable to connect to Cilium agent: dial unix /var/run/cilium/cilium.sock: connect: connection refused`,
      'network-plugin',
    ],
    [
      `${setup} type="multus" name="multus" failed (add): Multus: [shop/web-1]: error loading k8s delegates: cannot find a network-attachment-definition (macvlan) in namespace (shop)`,
      'network-plugin',
    ],
    [
      'Failed to create pod sandbox: rpc error: code = Unknown desc = [failed to set up sandbox container "3fe3" network for pod "web-1": networkPlugin cni failed to set up pod "web-1_shop" network: netplugin failed with no error message]',
      'network-plugin',
    ],
    [
      `${setup} type="loopback" failed (add): failed to find plugin "loopback" in path [/opt/cni/bin]`,
      'network-plugin-missing',
    ],
    [
      `${setup} type="flannel" failed (add): open /run/flannel/subnet.env: no such file or directory`,
      'network-plugin-missing',
    ],
    [
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_web-1: cni config uninitialized',
      'network-plugin-missing',
    ],
    [
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "gvisor" is configured',
      'sandbox-error',
    ],
    [
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox image "registry.k8s.io/pause:3.9": failed to pull image: dial tcp: i/o timeout',
      'sandbox-error',
    ],
    [
      'Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = context deadline exceeded',
      'sandbox-error',
    ],
    ['moon in the wrong phase', 'sandbox-error'],
  ])('%s', async (message, category) => {
    const events = [eventObject(about, 'FailedCreatePodSandBox', message)];
    const [finding] = await analyze(podSandbox, 'pod', creating, { events });
    expect(finding).toMatchObject({ category, decisive: true, facts: { node: 'n1' } });
    expect(finding?.cause).toMatch(/^Pod web-1 cannot start: its sandbox cannot be created on node n1: .+\("/);
  });

  test('a network plugin that is not set up points at the node', async () => {
    const message =
      'network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized';
    const events = [eventObject(about, 'NetworkNotReady', message)];
    const [finding] = await analyze(podSandbox, 'pod', creating, { events });
    expect(finding).toMatchObject({ category: 'network-plugin-missing', pointers: [{ kind: 'node', name: 'n1' }] });
  });

  test('a pod whose containers were started has its sandbox', async () => {
    const events = [eventObject(about, 'FailedCreatePodSandBox', 'x')];
    expect(await analyze(podSandbox, 'pod', podObject('web-1'), { events })).toEqual([]);
    expect(await analyze(podSandbox, 'pod', creating)).toEqual([]);
  });

  const pointed = async (message: string, pods: readonly object[]) => {
    const events = [eventObject(about, 'FailedCreatePodSandBox', message)];
    const [finding] = await analyze(podSandbox, 'pod', creating, { events, pods });
    const names = (finding?.pointers ?? []).filter(({ kind }) => kind === 'pod').map(({ name }) => name);
    return { names, cause: finding?.cause ?? '' };
  };

  test('the pods of the plugin on the node of the pod, where they are not ready', async () => {
    const pods = [
      agent('calico-node-aaaaa', 'n1', 'calico-node', false),
      agent('calico-node-bbbbb', 'n2', 'calico-node', false),
      agent('cilium-ccccc', 'n1', 'cilium-agent', false),
      agent('exporter-ddddd', 'n1', 'exporter', false),
    ];
    const stat = `${setup} type="calico" failed (add): stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running`;
    const { names, cause } = await pointed(stat, pods);
    expect(names).toEqual(['calico-node-aaaaa']);
    expect(cause).toContain(' Pod kube-system/calico-node-aaaaa of the network of node n1 is not ready.');
    const nameless = `${setup} type="bridge" failed (add): netplugin failed with no error message`;
    expect((await pointed(nameless, pods)).names).toEqual(['calico-node-aaaaa', 'cilium-ccccc']);
  });

  test('the proxy of the node, where the plugin calls the API server through it', async () => {
    const call = `${setup} type="multus" name="multus" failed (add): Get "https://10.43.0.1:443/api/v1/namespaces/shop": dial tcp 10.43.0.1:443: i/o timeout`;
    const pods = [agent('kube-proxy-x', 'n1', 'kube-proxy', false), agent('kube-multus-y', 'n1', 'kube-multus', true)];
    expect((await pointed(call, pods)).names).toEqual(['kube-proxy-x']);
  });

  test('a plugin that is on other nodes only', async () => {
    const message = `${setup} type="antrea" failed (add): dial unix /var/run/antrea/cni.sock: connect: no such file or directory`;
    const events = [eventObject(about, 'FailedCreatePodSandBox', message)];
    const pods = [
      agent('antrea-agent-aaaaa', 'n2', 'antrea-agent', true),
      agent('cilium-ccccc', 'n1', 'cilium-agent', false),
    ];
    const [finding] = await analyze(podSandbox, 'pod', creating, { events, pods });
    expect(finding?.pointers).toEqual([{ kind: 'daemonset', namespace: 'kube-system', name: 'agents' }]);
    expect(finding?.evidence.at(-1)?.excerpt).toBe('kube-system/antrea-agent-aaaaa on n2: ready');
    expect(finding?.cause).toContain('No pod of DaemonSet kube-system/agents is on node n1, though on others.');
  });

  test('what is ready is at no fault', async () => {
    const message = `${setup} type="flannel" failed (add): open /run/flannel/subnet.env: no such file or directory`;
    const { names, cause } = await pointed(message, [agent('kube-flannel-x', 'n1', 'kube-flannel', true)]);
    expect(names).toEqual([]);
    expect(cause).not.toContain('is not ready');
  });
});
