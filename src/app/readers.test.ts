import { afterEach, describe, expect, it } from 'vitest';
import { createCleanup } from '../../test/support/cleanup.ts';
import { createFakeClock } from '../../test/support/clock.ts';
import { emptyLists, nothingLearned } from '../../test/support/fake-server.ts';
import { startPrometheusApi } from '../../test/support/vendors/prometheus-api.ts';
import type { PlanRuntime } from '../core/plan.ts';
import { createHttpClient } from '../lib/http.ts';
import type { ReaderEndpoints } from '../workflows/steps/define.ts';
import { createReaders, noReaders, readerSecrets, readReaderOptions } from './readers.ts';
import type { ReaderOptions } from './readers.ts';

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const at = '2026-01-01T12:00:00.000Z';
const runtime: PlanRuntime = { image: 'x', environment: {}, llmConfig: null };
const unnamed: ReaderEndpoints = { metrics: null, logs: null };
const { signal } = new AbortController();

function readersOf(options: Partial<ReaderOptions>, hasSecrets = true) {
  const http = createHttpClient();
  cleanup.defer(() => http.close());
  const secrets = {
    get: (namespace: string, { name, key }: { name: string; key: string }) =>
      hasSecrets ? `${namespace}/${name}/${key}` : null,
  };
  const open = createReaders(
    { ...noReaders, ...options },
    { http, secrets, clock: createFakeClock(), store: { lists: emptyLists(), learned: nothingLearned } },
  );
  return (parts: Partial<PlanRuntime> = {}, endpoints = unnamed) =>
    open({ namespace: 'shop', runId: 'r1', runtime: { ...runtime, ...parts } }, endpoints);
}

async function server(token?: string) {
  const vendor = await startPrometheusApi(token === undefined ? {} : { token });
  cleanup.defer(() => vendor.stop());
  return vendor;
}

describe('what a run reads beside the cluster', () => {
  it('is what the step names, else the Workflow, else the program', async () => {
    const [own, ofWorkflow, ofStep] = [await server(), await server(), await server()];
    const open = readersOf({ prometheus: { url: own.url, token: null } });
    const prometheus = { url: ofWorkflow.url, tokenSecret: null };
    await open().metrics?.query('up', at, signal);
    await open({ prometheus }).metrics?.query('up', at, signal);
    await open({ prometheus }, { metrics: ofStep.url, logs: null }).metrics?.query('up', at, signal);
    expect([own, ofWorkflow, ofStep].map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
    expect(readersOf({})()).toMatchObject({ metrics: null, logs: null, runbooks: null });
    expect(readersOf({ loki: { url: 'http://loki:3100', token: null } })().logs?.description).toBe(
      'Loki at http://loki:3100',
    );
  });

  it('gives each server its own token, and none that others name', async () => {
    const [own, ofWorkflow, ofStep] = [
      await server('program-token'),
      await server('shop/prometheus/token'),
      await server(),
    ];
    const open = readersOf({ prometheus: { url: own.url, token: 'program-token' } });
    await open().metrics?.query('up', at, signal);
    await open({ prometheus: { url: ofWorkflow.url, tokenSecret: 'prometheus' } }).metrics?.query('up', at, signal);
    await open({}, { metrics: ofStep.url, logs: null }).metrics?.query('up', at, signal);
    expect([...own.refusals, ...ofWorkflow.refusals]).toEqual([]);
    expect(ofStep.requests[0]?.headers.authorization).toBeUndefined();
    // The Workflow names the program's own server, and no token.
    const bare = open({ prometheus: { url: own.url, tokenSecret: null } }).metrics?.query('up', at, signal);
    await expect(bare).rejects.toMatchObject({ code: 'Unauthenticated' });
  });

  it('is not asked without a token where the Secret of it is missing', async () => {
    const vendor = await server();
    const open = readersOf({ prometheus: { url: vendor.url, token: 'program-token' } }, false);
    const { metrics, logs } = open({
      prometheus: { url: vendor.url, tokenSecret: 'prometheus' },
      loki: { url: vendor.url, tokenSecret: 'loki/key' },
    });
    const missing = {
      code: 'SecretMissing',
      message: 'Prometheus was not asked, because key token of Secret prometheus is not there',
      next: 'a file prometheus/token below --secrets-dir',
    };
    expect(metrics?.refusal).toMatchObject(missing);
    await expect(metrics?.query('up', at, signal)).rejects.toMatchObject(missing);
    expect(logs?.refusal?.message).toBe('Loki was not asked, because key key of Secret loki is not there');
    expect(vendor.requests).toEqual([]);
    expect(open().metrics?.refusal).toBeUndefined();
  });
});

it('options name servers by address, tokens stand in the environment', () => {
  const options = readReaderOptions(
    { prometheus: 'http://p:9090/', runbooks: 'books' },
    { FIST_PROMETHEUS_TOKEN: 'one', FIST_LOKI_TOKEN: 'two' },
  );
  expect(options).toEqual({ prometheus: { url: 'http://p:9090', token: 'one' }, loki: null, runbooks: 'books' });
  expect(readerSecrets(options)).toEqual(['one']);
  expect(() => readReaderOptions({ loki: 'loki:3100' }, {})).toThrow(
    expect.objectContaining({ field: '--loki' }) as Error,
  );
});
