import { describe, expect, test } from 'vitest';
import { analyze } from '../../test/support/analyze.ts';
import { eventObject, podObject } from '../../test/support/memory-cluster.ts';
import { podSandbox } from './pod-sandbox.ts';

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
});
