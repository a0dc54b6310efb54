import type { Receiver } from '../support/receiver.ts';
import type { ApiAnswer, TestServer } from '../support/server.ts';

/** What a hostile input has to do its worst with. */
export interface HostileWorld {
  readonly server: TestServer;
  /** Where the sinks of `resources` deliver to. */
  readonly receiver: Receiver;
  /** Folder of resource files that the server watches. */
  readonly resources: string;
  /** The dump that `agent` steps investigate; namespace `shop` is there. */
  readonly dump: string;
  /** Long form: more and larger input. */
  readonly isLong: boolean;
  /** POST to `/webhook/PATH` as a sender that has the token. `body` as it goes out, or a value that becomes JSON. */
  post(path: string, body: unknown): Promise<ApiAnswer>;
  /** One firing alert in a notification to `path`; rejects unless it is answered 200. `labels` have an alertname. */
  alert(path: string, labels: Readonly<Record<string, string>>, annotations?: object): Promise<void>;
  /** Waits until no run is unfinished. */
  settled(): Promise<void>;
  /** The newest run of a Workflow, once it has ended, with its steps. */
  endedRun(workflow: string): Promise<EndedRun>;
}

export interface EndedRun {
  readonly status: string;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly steps: readonly { readonly name: string; readonly status: string; readonly result: unknown }[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Something that came in, or was configured, to hold the server up. */
export interface HostileInput {
  readonly name: string;
  /** Sent in the quick form too: it must be over in a fraction of a second. */
  readonly quick?: boolean;
  /** YAML documents that are there when the server starts. `@RECEIVER@` is the URL of the receiver. */
  readonly resources?: string;
  /** Sends it. Rejects where the server answered or did what it should not: what exactly it did is asserted here. */
  run(world: HostileWorld): Promise<void>;
}

/** A Source of this path, protected by the token of `world.post`, and the Workflow it starts. */
export function sourceAndWorkflow(path: string, workflow: string): string {
  return `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: ${path} }
spec:
  type: webhook
  config: { path: ${path}, authentication: { type: bearer, secretRef: hostile-token } }
  triggerWorkflow: ${path}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: ${path} }
spec:
${workflow.replace(/^/gm, '  ')}
`;
}
