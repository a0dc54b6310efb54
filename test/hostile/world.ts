import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChaosDatabase, ChaosDatabases } from '../chaos/database.ts';
import type { Cleanup } from '../support/cleanup.ts';
import { repositoryRoot } from '../support/processes.ts';
import { startReceiver } from '../support/receiver.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { waitFor } from '../support/wait.ts';
import type { EndedRun, HostileInput, HostileWorld } from './define.ts';

const hostileToken = 'the-token-of-hostile-senders';
const apiToken = 'the-token-of-the-hostile-tests';
export const honestPath = 'honest';
export const honestToken = 'the-token-of-the-honest-sender';

export interface World {
  readonly hostile: HostileWorld;
  readonly database: ChaosDatabase;
}

/** The real server with everything that an alert can reach: all kinds of steps, a dump, sinks, and what inputs add. */
export async function startWorld(
  cleanup: Cleanup,
  databases: ChaosDatabases,
  inputs: readonly HostileInput[],
  isLong: boolean,
): Promise<World> {
  const folder = cleanup.temporaryFolder('hostile');
  const receiver = await startReceiver();
  cleanup.defer(() => receiver.stop());
  const resources = join(folder, 'resources');
  const dump = join(folder, 'dump');
  mkdirSync(resources);
  cpSync(join(repositoryRoot, 'examples/oom-crash-loop/dump'), dump, { recursive: true });
  if (isLong) writeLargeDump(dump);
  const documents = [ownResources, ...inputs.flatMap((input) => input.resources ?? [])].join('\n---\n');
  writeFileSync(join(resources, 'resources.yaml'), documents.replaceAll('@RECEIVER@', receiver.url));
  const database = await databases.create(cleanup, folder);
  const process = spawnServer({
    resources,
    database: database.url,
    flags: ['--allow-exec', '--dump', dump],
    program: ['--import', './test/hostile/stretches.ts', 'src/main.ts'],
    environment: { FIST_TOKEN: apiToken },
  });
  cleanup.defer(() => process.kill());
  const server = await whenReady(process, database.url, { token: apiToken });
  return { database, hostile: { server, receiver, resources, dump, isLong, ...actions(server) } };
}

/** A namespace whose lists have tens of megabytes; every investigation reads its events for the time of the dump. */
function writeLargeDump(dump: string): void {
  mkdirSync(join(dump, 'large'));
  const list = (count: number, item: (at: number) => object) =>
    JSON.stringify({ kind: 'List', items: Array.from({ length: count }, (_, at) => item(at)) }, null, 4);
  const metadata = (at: number) => ({
    name: `item-${at}`,
    namespace: 'large',
    creationTimestamp: '2026-01-01T00:00:00Z',
  });
  const message = 'Back-off restarting failed container: "{[,]}" and more words. '.repeat(10);
  const event = (at: number) => ({ metadata: metadata(at), message, lastTimestamp: '2026-01-01T00:00:00Z', count: at });
  const pod = (at: number) => ({
    metadata: { ...metadata(at), annotations: { message } },
    status: { phase: 'Running' },
  });
  writeFileSync(join(dump, 'large', 'events.json'), list(50_000, event));
  writeFileSync(join(dump, 'large', 'pods.json'), list(10_000, pod));
}

/** The Source of the honest sender, and one hostile Source whose Workflow has every kind of step. */
const ownResources = `
apiVersion: v1
kind: Secret
metadata: { name: honest-token }
stringData: { token: ${honestToken} }
---
apiVersion: v1
kind: Secret
metadata: { name: hostile-token }
stringData: { token: ${hostileToken} }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: honest }
spec:
  type: webhook
  config: { path: ${honestPath}, authentication: { type: bearer, secretRef: honest-token } }
  triggerWorkflow: honest
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: honest }
spec:
  steps:
    - { name: is-critical, type: conditional, condition: '{{ .alert.severity }} == critical' }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: everything }
spec:
  type: webhook
  config:
    path: everything
    authentication: { type: bearer, secretRef: hostile-token }
    matchers:
      - 'pod!~"(a|b|[a-z]+)+-ignored.*"'
      - 'namespace=~".*s?h?o?p?.*|(x+x+)+y"'
  triggerWorkflow: everything
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: everything }
spec:
  steps:
    - name: say
      type: cli
      command: printf '%s\\n' {{ .alert.labels.pod | default "none" }}
      continueOnError: true
    - name: look
      type: agent
      goal: |
        Why does {{ .alert.alertname }} fire? {{ .alert.summary }}
        {{ .alert.labels | toJSON }}
      continueOnError: true
    - name: is-urgent
      type: conditional
      condition: '{{ .alert.annotations.description }} contains urgent'
      continueOnError: true
  outputs:
    - { name: summary, value: '{{ .steps.look.result.summary | default "none" }}' }
  sinks: [receiver, printed]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: receiver }
spec:
  type: webhook
  config: { endpoint: '@RECEIVER@/hook' }
  sendResolved: true
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: printed }
spec: { type: stdout, config: { format: json } }
`;

const unfinished = ['pending', 'running'] as const;

function actions(server: TestServer): Pick<HostileWorld, 'post' | 'alert' | 'settled' | 'endedRun'> {
  const post: HostileWorld['post'] = (path, body) => server.post(`/webhook/${path}`, body, hostileToken);
  return {
    post,
    async alert(path, labels, annotations = {}) {
      const alert = { status: 'firing', labels, annotations, startsAt: new Date().toISOString() };
      const answer = await post(path, { version: '4', receiver: 'fist', status: 'firing', alerts: [alert] });
      if (answer.status !== 200) throw new Error(`the alert was answered ${JSON.stringify(answer)}`);
    },
    async settled() {
      await waitFor(
        'every run to end',
        async () => {
          const counts = await Promise.all(
            unfinished.map((status) => server.list(`/api/v1/runs?limit=1&status=${status}`)),
          );
          return counts.every(({ length }) => length === 0);
        },
        { timeoutMs: 120_000, everyMs: 100 },
      );
    },
    endedRun: (workflow) =>
      waitFor(
        `a run of ${workflow} to end`,
        async () => {
          const [newest] = await server.list<{ id: string; status: string }>(
            `/api/v1/runs?limit=1&workflow=${workflow}`,
          );
          if (newest === undefined || unfinished.some((status) => status === newest.status)) return false;
          return (await server.api('GET', `/api/v1/runs/${newest.id}`)).body as EndedRun;
        },
        { timeoutMs: 60_000 },
      ),
  };
}
