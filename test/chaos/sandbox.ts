import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import type { RunningProcess } from '../support/processes.ts';
import { startReceiver } from '../support/receiver.ts';
import type { Receiver } from '../support/receiver.ts';
import { spawnServer, whenReady } from '../support/server.ts';
import type { TestServer } from '../support/server.ts';
import { sqliteDatabases } from './database.ts';
import type { ChaosDatabase, ChaosDatabases } from './database.ts';

/** Where one crash test happens: a database, resources, a receiver, and the file that the steps write to. */
export interface Sandbox {
  readonly database: ChaosDatabase;
  readonly resources: string;
  /** One line `run path attempt` for each attempt that was really executed. */
  readonly executions: string;
  readonly receiver: Receiver;
  /** Lets the third step of an alert with the label gate=yes end: in one attempt, or in all that are and will be. */
  openGate(run: string, attempt?: number): void;
  /** A server over this sandbox; `crashAt` is a crash point. */
  spawn(crashAt?: string): RunningProcess;
  /** Resolves when it takes alerts. Rejects where it ends before. */
  whenReady(process: RunningProcess): Promise<TestServer>;
}

export const webhookToken = 'crash-test';
const apiToken = 'the-token-of-crash-tests';

/** Makes a sandbox; `program` = the words before `serve` (an unprotected variant for control runs). */
export async function createSandbox(
  cleanup: Cleanup,
  databases: ChaosDatabases = sqliteDatabases,
  program?: readonly string[],
): Promise<Sandbox> {
  const folder = cleanup.temporaryFolder('crash');
  const receiver = await startReceiver();
  cleanup.defer(() => receiver.stop());
  const resources = join(folder, 'resources');
  const executions = join(folder, 'executions.txt');
  const gates = join(folder, 'gates');
  mkdirSync(resources);
  mkdirSync(gates);
  writeFileSync(executions, '');
  writeFileSync(join(resources, 'resources.yaml'), resourcesYaml({ executions, gates, receiverUrl: receiver.url }));
  const database = await databases.create(cleanup, folder);
  return {
    database,
    resources,
    executions,
    receiver,
    openGate: (run, attempt) => writeFileSync(join(gates, attempt === undefined ? run : `${run}-${attempt}`), ''),
    spawn(crashAt) {
      const process = spawnServer({
        resources,
        database: database.url,
        flags: ['--allow-exec'],
        ...(program === undefined ? {} : { program }),
        environment: { FIST_TOKEN: apiToken, ...(crashAt === undefined ? {} : { FIST_CRASH_AT: crashAt }) },
      });
      cleanup.defer(() => process.kill());
      return process;
    },
    whenReady: (process) => whenReady(process, database.url, { token: apiToken }),
  };
}

/**
 * Each cli step writes what it is before it does anything else. `second` fails in its first attempt, so that the run
 * waits for a retry; `slow` alerts run a step that is longer than a lease's renewal, those with a label `seconds` one that
 * takes so long, those with a label `gate` one that ends when its gate is opened, or the whole sandbox is gone.
 */
function resourcesYaml(of: {
  readonly executions: string;
  readonly gates: string;
  readonly receiverUrl: string;
}): string {
  const record = `printf '%s %s %s\\n' "$FIST_RUN_ID" "$FIST_STEP_PATH" "$FIST_ATTEMPT" >> "$EXECUTIONS"`;
  return `
apiVersion: v1
kind: Secret
metadata: { name: crash-token }
stringData: { token: ${webhookToken} }
---
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: crash }
spec:
  type: webhook
  config:
    path: crash
    authentication: { type: bearer, secretRef: crash-token }
  triggerWorkflow: record
  stormCapPerMinute: 0
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: record }
spec:
  runtime:
    environment: { EXECUTIONS: ${of.executions}, GATES: ${of.gates} }
  steps:
    - name: first
      type: cli
      command: |
        ${record}
    - name: is-known
      type: conditional
      condition: '{{ .alert.alertname }} == CrashTest'
    - name: second
      type: cli
      command: |
        ${record}
        [ "$FIST_ATTEMPT" -gt 1 ]
      retry: { limit: 3, backoff: 50ms, maxBackoff: 100ms }
    - name: third
      type: cli
      env:
        SLOW: '{{ .alert.labels.slow | default "no" }}'
        WAIT: '{{ .alert.labels.seconds | default "0" }}'
        GATE: '{{ .alert.labels.gate | default "no" }}'
      command: |
        ${record}
        [ "$SLOW" != yes ] || sleep 12
        [ "$WAIT" = 0 ] || sleep "$WAIT"
        is_open() { [ -e "$GATES/$FIST_RUN_ID-$FIST_ATTEMPT" ] || [ -e "$GATES/$FIST_RUN_ID" ] || [ ! -d "$GATES" ]; }
        [ "$GATE" != yes ] || until is_open; do sleep 0.05; done
  sinks: [receiver]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: receiver }
spec:
  type: webhook
  config: { endpoint: ${of.receiverUrl}/delivery }
  sendResolved: true
`;
}
