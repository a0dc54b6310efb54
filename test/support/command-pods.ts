import type { KubernetesObject } from '../../src/core/cluster.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { kubeWriter } from '../../src/kube/connection/writer.ts';
import type { ApiServer } from './api-server.ts';
import type { Cleanup } from './cleanup.ts';
import { startKubelet } from './kubelet.ts';
import { waitFor } from './wait.ts';

const node = 'commands';
const container = 'cli';

/**
 * Plays the node on which the Jobs of commands run: each prints one line and ends well once `opened()` resolves. Ends with the cleanup.
 * Returns the runs whose commands were started, one for each pod.
 */
export async function playCommandPods(
  cleanup: Cleanup,
  server: ApiServer,
  { namespace, kubeconfig }: { readonly namespace: string; readonly kubeconfig: string },
  opened: () => Promise<void>,
): Promise<readonly string[]> {
  const started: string[] = [];
  const seen = new Set<string>();
  const transport = await connectTransport({ kubeconfig });
  const writer = kubeWriter(transport);
  await startKubelet(cleanup, server, node, ({ query }, response) => {
    const line = `${new Date().toISOString().replace('Z', '000000Z')} looked\n`;
    response.flushHeaders();
    if (query.get('follow') === 'true') void opened().then(() => response.end(line));
    else response.end(line);
  });

  async function setState({ metadata: { name } }: KubernetesObject, phase: 'Running' | 'Succeeded'): Promise<void> {
    const state = phase === 'Running' ? { running: {} } : { terminated: { exitCode: 0 } };
    const status = {
      phase,
      containerStatuses: [{ name: container, image: 'i', imageID: '', ready: false, restartCount: 0, state }],
    };
    await send('PATCH', `${name}/status`, { status });
  }

  const send = (method: 'POST' | 'PATCH', path: string, body: object) =>
    transport.once({
      method,
      path: `/api/v1/namespaces/${namespace}/pods/${path}`,
      body,
      maxBytes: 1e6,
      ...(method === 'PATCH' ? { contentType: 'application/merge-patch+json' } : {}),
    });

  async function play(pod: KubernetesObject): Promise<void> {
    const { name, uid = '', labels = {} } = pod.metadata;
    if (pod.spec?.['nodeName'] !== undefined || seen.has(uid)) return;
    seen.add(uid);
    started.push(labels['punchingfist.io/run'] ?? '');
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    await send('POST', `${name}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target });
    await setState(pod, 'Running');
    await opened();
    await setState(pod, 'Succeeded');
  }

  const look = async (): Promise<void> => {
    for (const pod of await writer.list(kinds.pod, namespace, { labelSelector: 'component=workflow-cli' }))
      void play(pod).catch(() => undefined);
  };
  const stopping = new AbortController();
  const looking = waitFor(
    'the end of the test',
    async () => {
      if (!stopping.signal.aborted) await look().catch(() => undefined);
      return stopping.signal.aborted;
    },
    { timeoutMs: 3_600_000, everyMs: 250 },
  );
  cleanup.defer(async () => {
    stopping.abort();
    await looking;
    await transport.close();
  });
  return started;
}
