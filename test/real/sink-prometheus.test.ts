import { afterEach, describe, expect, it } from 'vitest';
import { prometheus } from '../../src/sinks/prometheus.ts';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram, startPushgateway } from '../support/monitoring.ts';
import { injections } from '../support/injections.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../support/sink-world.ts';

const canRun = findProgram('Pushgateway') !== null;
const cleanup = createCleanup();
afterEach(() => cleanup.run());

interface Group {
  readonly labels: Readonly<Record<string, string>>;
  readonly [metric: string]: unknown;
}

const end = { event: 'alert-resolved', payload: resolvedPayload } as const;

async function prepare() {
  const pushgateway = `http://${await startPushgateway(cleanup)}`;
  const world = sinkWorld({ timeoutMs: 10_000 });
  cleanup.defer(() => world.close());
  return {
    deliver: (more: object = {}, changes: Parameters<typeof sinkDelivery>[0] = {}) =>
      attemptOf(prometheus, world.io, { pushgateway, ...more }, sinkDelivery(changes)),
    groups: async () =>
      ((await (await fetch(`${pushgateway}/api/v1/metrics`)).json()) as { readonly data: readonly Group[] }).data,
    exposed: async () => (await fetch(`${pushgateway}/metrics`)).text(),
  };
}

describe.skipIf(!canRun)(canRun ? 'Sink prometheus, against a real Pushgateway' : 'skipped: no Pushgateway', () => {
  it('pushes what Prometheus can read, replaces it with the next run, and deletes it at the end', async () => {
    const { deliver, groups, exposed } = await prepare();
    expect(await deliver()).toEqual({ ok: true, reference: null });
    const labels = 'alertname="KubePodCrashLooping",instance="",job="fist",namespace="shop"';
    expect(await exposed()).toContain(`fist_cause_confidence{${labels}} 0.95\n`);
    expect(await deliver({ metrics: { other: '{{ .workflow.duration }}' } })).toMatchObject({ ok: true });
    const text = await exposed();
    expect(text).toContain(`other{${labels}} 12\n`);
    expect(text).not.toContain('fist_cause_confidence');
    await deliver({}, end);
    expect(await groups()).toEqual([]);
    expect(await deliver({}, end)).toEqual({ ok: true, reference: null });
  });

  it('groups have the labels that the alert has, whatever they say', async () => {
    const { deliver, groups } = await prepare();
    // A lone surrogate cannot be sent as UTF-8, and a long label is cut.
    const values = injections.filter((text) => text.isWellFormed() && text.length <= 512);
    for (const x of values) {
      const about = { ...payload, alert: { ...payload.alert, labels: { x } } };
      const verdict = await deliver({ grouping: { x: '{{ .alert.labels.x }}' } }, { payload: about });
      expect([x, verdict]).toEqual([x, { ok: true, reference: null }]);
    }
    const found = (await groups()).map(({ labels }) => labels['x']);
    expect(new Set(found)).toEqual(new Set(values));
  });
});
