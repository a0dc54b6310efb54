import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createLog } from '../../src/lib/log.ts';
import { reportAnswer, startAgentApp, webhookToken } from '../support/agent-world.ts';
import { firing } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { startKubernetesApi } from '../support/kubernetes-api.ts';
import { podObject } from '../support/memory-cluster.ts';
import { obey, promptOf } from '../support/obedient-model.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { runFist } from '../support/program.ts';
import { startReceiver } from '../support/receiver.ts';
import { secretCases } from '../support/secret-cases.ts';
import type { SecretCase } from '../support/secret-cases.ts';
import { waitFor } from '../support/wait.ts';

// R17: secrets of many kinds in all that an investigation reads, and a model that repeats whatever it reads.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const places = ['log', 'event', 'variable', 'annotation of the object', 'annotation of the alert'] as const;
const namespace = 'billing';
/** Of the kubeconfig of startKubernetesApi. */
const clusterToken = 'let-me-in';
const headerOfCollector = 'Bearer token-of-the-collector-0123';

/** One secret of each kind that is long enough to be known again, a pod each. */
function canaries(): readonly (SecretCase & { readonly index: number; readonly place: (typeof places)[number] })[] {
  const kinds = new Map(secretCases().map((one) => [one.kind, one]));
  return [...kinds.values()]
    .filter(({ kind, secret }) => kind !== 'by hand' && secret.length >= 8)
    .map((one, index) => ({
      ...one,
      index,
      place: places[index % places.length] ?? 'log',
    }));
}

test('R14, R17: canaries of every kind, and the tokens of the server, reach neither prompt, store, sink, log, trace, collector nor metric', async () => {
  const all = canaries();
  expect(all.length).toBeGreaterThanOrEqual(20);
  const of = (place: (typeof places)[number], index: number): string =>
    all
      .filter((one) => one.index === index && one.place === place)
      .map(({ text }) => text)
      .join('\n');
  const name = (index: number): string => `web-${index}`;
  const pods = all.map(({ index }) =>
    podObject(name(index), {
      meta: { namespace, annotations: { note: of('annotation of the object', index) } },
      spec: {
        containers: [{ name: 'app', image: 'app:1', env: [{ name: 'SETTINGS', value: of('variable', index) }] }],
      },
      state: { restartCount: 7, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } },
    }),
  );
  const events = all.map(({ index }) => ({
    metadata: { name: `e${index}`, namespace },
    involvedObject: { kind: 'Pod', namespace, name: name(index) },
    type: 'Warning',
    reason: 'Failed',
    message: of('event', index),
    count: 1,
    lastTimestamp: new Date().toISOString(),
  }));
  const logs = Object.fromEntries(
    all.map(({ index }) => [`${namespace}/${name(index)}`, `started\n${of('log', index)}\n`]),
  );
  const api = await startKubernetesApi(cleanup, { objects: { pods, events }, logs });
  const receiver = await startReceiver();
  cleanup.defer(() => receiver.stop());
  const collector = await startOtlpReceiver();
  cleanup.defer(() => collector.stop());
  const headers = { authorization: headerOfCollector };
  const telemetry = { url: `${collector.url}/v1/traces`, headers, attributes: {} };
  let logged = '';
  const log = await createLog({ level: 'debug', format: 'json', write: (line) => void (logged += `${line}\n`) });
  const yaml = `apiVersion: punchingfist.io/v1alpha1\nkind: Sink\nmetadata: {name: hook}\nspec: {type: webhook, config: {endpoint: ${receiver.url}/hook}}\n`;
  const { app, model, raise, report } = await startAgentApp(cleanup, {
    source: '  stormCapPerMinute: 0\n',
    sinks: { yaml, names: ['hook'] },
    program: { kubeconfig: api.kubeconfig, log, telemetry },
  });
  model.always((request) => {
    const object = { resource: 'pods', namespace, name: /\bweb-\d+\b/.exec(promptOf(request))?.[0] ?? '' };
    const read = ['kubernetes_get', 'kubernetes_describe', 'kubernetes_events'].map((tool) => ({
      name: tool,
      input: object,
    }));
    return obey(request, [...read, { name: 'kubernetes_logs', input: { namespace, pod: object.name } }], (prompt) => ({
      ...(reportAnswer().json as object),
      summary: prompt.slice(-3000),
      next: [prompt.slice(-300)],
    }));
  });
  for (const { index } of all)
    await raise(
      firing({ alertname: `Canary${index}`, namespace, pod: name(index) }, 60_000, {
        annotations: { summary: 'It fails.', description: of('annotation of the alert', index) },
      }),
    );
  const traces: string[] = [];
  for (const { index } of all) {
    const { run } = await report(`Canary${index}`);
    expect(run.status).toBe('succeeded');
    const { out } = await runFist(['trace', `run/${run.id}`], {
      FIST_SERVER: app.app.url,
      FIST_TOKEN: app.app.token,
    });
    traces.push(
      out,
      JSON.stringify(run),
      JSON.stringify(await app.get(`/api/v1/runs/${run.id}/agent-events?limit=200`)),
    );
  }
  expect(model.requests.length).toBeGreaterThan(all.length * 2);
  expect(receiver.requests).toHaveLength(all.length);
  await waitFor('all traces', () => collector.bodies.length === all.length);
  expect(collector.refusals).toEqual([]);
  const metrics = await app.call('GET', '/metrics');
  await app.stop();
  const folder = dirname(app.database);
  const store = readdirSync(folder)
    .filter((file) => file.startsWith('fist.db') && !file.endsWith('-token'))
    .map((file) => readFileSync(join(folder, file), 'latin1'));
  const where = {
    prompt: model.requests.map(({ body }) => JSON.stringify(body)).join('\n'),
    store: store.join('\n'),
    stdout: app.stdout(),
    webhook: receiver.requests.map(({ body }) => body).join('\n'),
    log: logged,
    trace: traces.join('\n'),
    collector: collector.bodies.join('\n'),
    metrics: JSON.stringify(metrics.body),
  };
  // What the server itself proves who it is with.
  for (const token of [model.key, webhookToken, app.app.token, clusterToken, headerOfCollector])
    expect(Object.entries(where).flatMap(([leak, text]) => (text.includes(token) ? [leak] : []))).toEqual([]);
  for (const text of Object.values(where)) expect(text.length).toBeGreaterThan(100);
  const leaks = all.flatMap(({ kind, secret, place }) =>
    Object.entries(where)
      // An alert is kept as its sender wrote it.
      .filter(([name]) => name === 'prompt' || place !== 'annotation of the alert')
      .filter(([, text]) => text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1)))
      .map(([leak]) => `${kind} from ${place} in ${leak}`),
  );
  expect(leaks).toEqual([]);
});
