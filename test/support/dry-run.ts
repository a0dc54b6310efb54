import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';
import type { Cleanup } from './cleanup.ts';

/** What an API server says to an object that it does not keep. */
export interface DryRun {
  readonly isAccepted: boolean;
  /** As it would be kept, with defaults; null = it is refused. */
  readonly spec: unknown;
  readonly message: string;
  /** Of a refusal by the schema: the fields, without the places in lists, and what is wrong. */
  readonly causes: readonly { readonly field: string; readonly message: string }[];
}

interface Answer {
  readonly spec?: unknown;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message?: string }[] };
}

/** Asks for each object over a few connections that are kept, `fieldValidation=Strict`; answers in their order. */
export async function dryRunAll(
  cleanup: Cleanup,
  server: ApiServer,
  objects: readonly { readonly kind: string; readonly spec: unknown }[],
): Promise<readonly DryRun[]> {
  server.kubectl(['create', 'serviceaccount', 'corpus', '--namespace', 'default']);
  const binding = ['--clusterrole', 'cluster-admin', '--serviceaccount', 'default:corpus'];
  server.kubectl(['create', 'clusterrolebinding', 'corpus', ...binding]);
  const token = server.token('default', 'corpus');
  const ca = readFileSync(join(server.folder, 'certs/apiserver.crt'));
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca });
  cleanup.defer(() => agent.destroy());
  const answers: DryRun[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < objects.length) {
      const index = next;
      next += 1;
      const object = objects[index];
      if (object !== undefined) answers[index] = await dryRun(agent, server.url, token, index, object);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return answers;
}

const connections = 4;

function dryRun(
  agent: Agent,
  url: string,
  token: string,
  index: number,
  { kind, spec }: { readonly kind: string; readonly spec: unknown },
): Promise<DryRun> {
  const group = 'punchingfist.io/v1alpha1';
  const body = JSON.stringify({ apiVersion: group, kind, metadata: { name: `object-${index}` }, spec });
  const path = `/apis/${group}/namespaces/default/${kind.toLowerCase()}s?dryRun=All&fieldValidation=Strict`;
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { agent, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0 } = response;
        // 400: an unknown field. 422: not by the schema. Anything else is no verdict.
        if (![201, 400, 422].includes(statusCode))
          reject(new Error(`${statusCode} ${Buffer.concat(chunks).toString()}`));
        else resolve(verdictOf(statusCode === 201, JSON.parse(Buffer.concat(chunks).toString()) as Answer));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

function verdictOf(isAccepted: boolean, { message = '', details, spec = null }: Answer): DryRun {
  const causes = (details?.causes ?? []).map((cause) => ({
    field: (cause.field ?? '').replaceAll(/\[[^\]]*\]/g, '[]'),
    message: cause.message ?? '',
  }));
  return { isAccepted, spec, message, causes };
}
