import type { ClusterEvents } from '../../src/core/cluster.ts';
import type { DeliveryVerdict } from '../../src/core/delivery.ts';
import { AppError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { createConnect } from '../../src/lib/connect.ts';
import type { Connect } from '../../src/lib/connect.ts';
import { createHttpClient } from '../../src/lib/http.ts';
import { presentRoots } from '../../src/sinks/context.ts';
import type { SinkBackend, SinkDelivery, SinkIo } from '../../src/sinks/define.ts';
import { nothingKnown } from '../../src/sinks/known.ts';
import { renderFields } from '../../src/sinks/render.ts';
import type { Vendor } from './vendor.ts';

// What tests of sinks share: a delivery, the world of an attempt, and an attempt as the outbox makes it.

/** As the contract has it, of an incident that was found out. */
export const payload = {
  event: 'run-finished',
  source: { name: 'alertmanager', type: 'webhook', namespace: 'shop' },
  workflow: {
    name: 'triage',
    namespace: 'shop',
    status: 'succeeded',
    outputs: {},
    duration: '12',
    completedAt: '2026-03-01T10:00:42.000Z',
    error: null,
  },
  data: { labels: { alertname: 'KubePodCrashLooping', namespace: 'shop', pod: 'web-1' } },
  alert: {
    alertname: 'KubePodCrashLooping',
    status: 'firing',
    severity: 'critical',
    fingerprint: 'f1',
    labels: { alertname: 'KubePodCrashLooping', severity: 'critical', namespace: 'shop', pod: 'web-1' },
    annotations: { summary: 'web-1 restarts', runbook_url: 'https://runbooks.example/crash' },
    summary: 'web-1 restarts',
    description: 'It restarted 5 times.',
    startsAt: '2026-03-01T09:59:00.000Z',
    endsAt: null,
    generatorURL: 'http://prometheus.example/graph?g0.expr=x',
    resolvedAt: null,
  },
  report: {
    summary: 'Container web was OOMKilled.',
    root_cause: 'Container web was OOMKilled.',
    confidence: 0.95,
    findings: [],
    report: '# Investigation Summary',
  },
  run: { id: 'r1', status: 'succeeded', url: 'https://fist.example/api/v1/runs/r1' },
  timestamp: '2026-03-01T10:00:42.000Z',
  text: 'FIRING critical KubePodCrashLooping pod/shop/web-1 for 1m42s\n\nThe cause is (95%): Container web was OOMKilled.\n',
  sameAs: null,
} as const satisfies JsonObject;

/** The end of that alert. */
export const resolvedPayload = {
  ...payload,
  event: 'alert-resolved',
  alert: {
    ...payload.alert,
    status: 'resolved',
    resolvedAt: '2026-03-01T10:20:00.000Z',
    endsAt: '2026-03-01T10:20:00.000Z',
  },
  text: 'RESOLVED KubePodCrashLooping pod/shop/web-1 after 21m\n',
} as const satisfies JsonObject;

export function sinkDelivery(changes: Partial<SinkDelivery> = {}): SinkDelivery {
  return {
    namespace: 'shop',
    sinkName: 'out',
    event: 'run-finished',
    payload,
    idempotencyKey: 'r1/out/run-finished',
    subjectKey: '01990000-0000-7000-8000-000000000001',
    isRepeat: false,
    known: nothingKnown,
    ...changes,
  };
}

/** Of tests whose Sinks speak HTTP. */
export const noConnection: Connect = () => Promise.reject(new Error('must not connect'));

export interface SinkWorld {
  /** Values by `name/key`. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly now?: string;
  readonly timeoutMs?: number;
  /** Is waited for as long as it says, request for request. */
  readonly vendor?: Pick<Vendor, 'patienceMs'>;
  /** For files of Sinks. */
  readonly folder?: string;
  readonly events?: ClusterEvents | null;
}

/** The world of an attempt, with real HTTP. Whoever makes it closes it. */
export function sinkWorld({
  secrets = {},
  now = payload.timestamp,
  timeoutMs = 20_000,
  vendor,
  folder = '/nowhere',
  events = null,
}: SinkWorld = {}) {
  const http = createHttpClient();
  const io: SinkIo = {
    http,
    connect: createConnect(),
    secret({ name, key }) {
      const value = secrets[`${name}/${key}`];
      if (value !== undefined) return value;
      throw new AppError('SecretMissing', `there is no Secret shop/${name} with key ${key}`);
    },
    write: () => Promise.reject(new Error('must not write')),
    events,
    folder,
    startRun: () => Promise.reject(new Error('must start no run')),
    othersFireAt: () => Promise.resolve(false),
    now: () => Date.parse(now),
    signal: new AbortController().signal,
    get timeoutMs() {
      return vendor?.patienceMs() ?? timeoutMs;
    },
  };
  return { io, close: () => http.close() };
}

/** One attempt, as the outbox makes it: the config is checked, its templates are rendered over the payload. Rejects with AppErrors. */
export async function attemptOf(
  backend: SinkBackend,
  io: SinkIo,
  config: object,
  delivery: SinkDelivery,
): Promise<DeliveryVerdict> {
  const accepted = backend.config.parse(config) as JsonObject;
  const { timestamp } = delivery.payload;
  const clock = { now: () => new Date(typeof timestamp === 'string' ? timestamp : 0) };
  const fields = renderFields(backend, accepted, presentRoots(delivery.payload), clock);
  return backend.deliver(io, { ...accepted, ...fields }, delivery);
}
