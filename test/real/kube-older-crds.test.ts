import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resourceKinds } from '../../src/controllers/kinds.ts';
import { createStatusPatch } from '../../src/controllers/served-status.ts';
import type { Log } from '../../src/core/ports.ts';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import { kubeWriter } from '../../src/kube/connection/writer.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { namespaceObject } from '../support/rights.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');

const lasting = createCleanup();
afterAll(() => lasting.run());

interface Crd {
  readonly metadata: Record<string, unknown>;
  readonly spec: {
    readonly versions: readonly {
      readonly schema: {
        readonly openAPIV3Schema: {
          readonly properties: { readonly status: { readonly properties: Record<string, unknown> } };
        };
      };
    }[];
  };
}

describe.skipIf(assets === null)('a cluster whose CRDs are older than the program', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = await startApiServer(lasting, assets ?? '');
    await applyCrds(server);
    server.kubectl(['apply', '-f', '-'], JSON.stringify(namespaceObject('shop')));
  });

  test('has all of a status but the fields that it does not know', async () => {
    const crd = JSON.parse(server.kubectl(['get', 'crd', 'sources.punchingfist.io', '-o', 'json'])) as Crd;
    delete crd.spec.versions[0]?.schema.openAPIV3Schema.properties.status.properties['addresses'];
    delete crd.metadata['managedFields'];
    server.kubectl(['replace', '-f', '-'], JSON.stringify(crd));
    const { cert, key } = server.certificate ?? { cert: '', key: '' };
    const user = { 'client-certificate-data': cert, 'client-key-data': key };
    const transport = await connectTransport({ kubeconfig: server.kubeconfig('certified', user) });
    lasting.defer(() => transport.close());
    const writer = kubeWriter(transport);
    const place = { namespace: 'shop', name: 'am' };
    const spec = { type: 'webhook', config: { path: 'am' }, triggerWorkflow: 'triage' };
    await writer.apply(resourceKinds.Source, { metadata: place, spec });
    const condition = { type: 'Ready', status: 'True', reason: 'Accepted', message: 'in use', observedGeneration: 1 };
    const told = { observedGeneration: 1, ready: true };
    const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const status = { ...told, conditions, addresses: ['/webhook/am'] };
    // What the server serves follows its CRDs a little later.
    await expect
      .poll(() => writer.patchStatus(resourceKinds.Source, place, status).catch((error: unknown) => error), {
        timeout: 20_000,
      })
      .toMatchObject({ reason: 'FieldNotDeclared', retryable: false, undeclared: ['.status.addresses'] });
    const warned: string[] = [];
    const log: Log = { ...silentLog, warn: (_fields, message) => void warned.push(message) };
    const patch = createStatusPatch(writer, { clock: createFakeClock(), log });
    expect(await patch(resourceKinds.Source, place, status)).toMatchObject({ status: { ...told, conditions } });
    const current = await writer.get(resourceKinds.Source, place);
    if (current === null) throw new Error('it is gone');
    expect(current.status).not.toHaveProperty('addresses');
    expect(await patch(resourceKinds.Source, place, status, { current })).toBeNull();
    expect(warned).toHaveLength(1);
  });
});
