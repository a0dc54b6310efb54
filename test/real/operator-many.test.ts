import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectTransport } from '../../src/kube/connection/transport.ts';
import type { KubeTransport } from '../../src/kube/connection/transport.ts';
import { limiter } from '../../src/lib/limiter.ts';
import { startTestApp } from '../support/app.ts';
import type { TestApp } from '../support/app.ts';
import { applyCrds, findApiServer, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { createCleanup } from '../support/cleanup.ts';
import { operatorOptions } from '../support/operator.ts';
import { resourceCorpus } from '../support/resource-corpus.ts';
import { accountObject, clusterRoleFor, listOf, namespaceObject } from '../support/rights.ts';
import { waitFor } from '../support/wait.ts';

const assets = findApiServer();
if (assets === null) console.warn('skipped: API server not found (KUBEBUILDER_ASSETS)');
/** Of the corpus; FIST_MANY=5000 takes all. */
const most = Number(process.env['FIST_MANY'] ?? 1200);

const cleanup = createCleanup();
afterAll(() => cleanup.run());

const root = '/apis/punchingfist.io/v1alpha1';

interface Item {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status: {
    readonly observedGeneration: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

describe.skipIf(assets === null)('very many objects, most of them odd', () => {
  let server: ApiServer;
  let admin: KubeTransport;
  let app: TestApp;

  beforeAll(async () => {
    server = await startApiServer(cleanup, assets ?? '');
    await applyCrds(server);
    // Of somebody who may do everything: here it is not about rights.
    const may = { namespace: 'fist', name: 'admin' };
    const rights = listOf(namespaceObject('fist'), accountObject(may), clusterRoleFor(may, 'cluster-admin'));
    server.kubectl(['apply', '-f', '-'], JSON.stringify(rights));
    const kubeconfig = server.kubeconfig('many', { token: server.token('fist', 'admin') });
    admin = await connectTransport({ kubeconfig, timeoutMs: 60_000 });
    cleanup.defer(() => admin.close());
    app = await startTestApp(cleanup, {
      files: {},
      resources: null,
      operator: operatorOptions(kubeconfig),
    });
  });

  test(
    'none ends the program or keeps it busy; each has a status that says whether it is in use',
    { timeout: 300_000 },
    async () => {
      const all = resourceCorpus();
      const step = Math.max(1, Math.floor(all.length / most));
      const chosen = all.filter((_, index) => index % step === 0);
      const limited = limiter(8);
      const answers = await Promise.all(
        chosen.map(({ kind, spec }, index) =>
          limited(async () => {
            const metadata = { name: `object-${index}`, namespace: 'fist' };
            const body = { apiVersion: 'punchingfist.io/v1alpha1', kind, metadata, spec } as object;
            const path = `${root}/namespaces/fist/${kind.toLowerCase()}s`;
            const { status } = await admin.once({
              method: 'POST',
              path,
              query: { fieldValidation: 'Strict' },
              body,
              maxBytes: 1 << 20,
            });
            return status;
          }),
        ),
      );
      const made = answers.filter((status) => status === 201).length;
      const refused = answers.filter((status) => status === 400 || status === 422).length;
      expect(made + refused).toBe(chosen.length);
      expect(made).toBeGreaterThan(chosen.length / 10);
      expect(refused).toBeGreaterThan(chosen.length / 10);

      const items = async (): Promise<readonly Item[]> => {
        const lists = await Promise.all(
          ['sources', 'workflows', 'sinks'].map((plural) =>
            admin.ask({ method: 'GET', path: `${root}/namespaces/fist/${plural}`, maxBytes: 256 << 20 }),
          ),
        );
        return lists.flatMap(({ body }) => (JSON.parse(body) as { readonly items: readonly Item[] }).items);
      };
      const unsaid = (all_: readonly Item[]) =>
        all_.filter(
          ({ metadata, status }) =>
            status.observedGeneration !== metadata.generation || status.conditions === undefined,
        );
      const told = await waitFor(
        'a status of each',
        async () => {
          const now = await items();
          return unsaid(now).length === 0 ? now : null;
        },
        { timeoutMs: 120_000, everyMs: 1000 },
      );
      expect(told).toHaveLength(made);
      const reasons = told.map(({ status }) => status.conditions?.find(({ type }) => type === 'Ready'));
      expect(reasons.filter((ready) => ready === undefined)).toEqual([]);
      expect(reasons.filter((ready) => ready?.status === 'False').length).toBeGreaterThan(0);

      // At rest it asks for next to nothing: what is as it should be is not written again.
      const written = () =>
        server
          .audit()
          .filter(
            ({ userAgent, verb, objectRef }) =>
              userAgent === 'fist' && verb === 'patch' && objectRef?.subresource === 'status',
          ).length;
      // What others of them changed about one is written a while later, on a busy machine seconds later.
      let before = -1;
      await waitFor(
        'a time in which no status is written',
        async () => {
          const earlier = before;
          before = written();
          return before === earlier;
        },
        { timeoutMs: 60_000, everyMs: 17_000 },
      );
      expect((await app.call('GET', '/livez')).status).toBe(200);

      // One more change among them all is told soon.
      const name =
        told.find(({ status }) => status.conditions?.some(({ reason }) => reason === 'Accepted'))?.metadata.name ?? '';
      expect(name).not.toBe('');
      const sink = {
        apiVersion: 'punchingfist.io/v1alpha1',
        kind: 'Sink',
        metadata: { name: 'the-last', namespace: 'fist' },
        spec: { type: 'stdout', config: {} },
      };
      await admin.once({ method: 'POST', path: `${root}/namespaces/fist/sinks`, body: sink, maxBytes: 1 << 20 });
      await waitFor(
        'the status of the last one',
        async () => {
          const { body } = await admin.ask({
            method: 'GET',
            path: `${root}/namespaces/fist/sinks/the-last`,
            maxBytes: 1 << 20,
          });
          return (JSON.parse(body) as Item).status.observedGeneration === 1;
        },
        { withinMs: 20_000 },
      );
    },
  );
});
