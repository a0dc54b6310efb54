import { afterEach, describe, expect, it } from 'vitest';
import { alertmanager } from '../../src/sinks/alertmanager.ts';
import { createCleanup } from '../support/cleanup.ts';
import { findProgram, startAlertmanager } from '../support/monitoring.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from '../support/sink-world.ts';

const canRun = findProgram('Alertmanager') !== null;
const cleanup = createCleanup();
afterEach(() => cleanup.run());

interface Listed {
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly status: { readonly state: string; readonly silencedBy: readonly string[] };
}

interface Silence {
  readonly id: string;
  readonly status: { readonly state: string };
  readonly comment: string;
}

/** One alert with a label that every layer would like to take apart, and another one of its rule. */
async function prepare() {
  const address = await startAlertmanager(
    cleanup,
    cleanup.temporaryFolder('sink-alertmanager'),
    'route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n',
  );
  const endpoint = `http://${address}`;
  const now = Date.now();
  const labels = { ...payload.alert.labels, odd: 'a "b" \\ c\nd, e={f} ü', empty: '' };
  const startsAt = new Date(now - 60_000).toISOString();
  const base = { annotations: { summary: 'it restarts' }, startsAt, generatorURL: 'http://prometheus.example/graph' };
  const endsAt = new Date(now + 300_000).toISOString();
  const posted = [labels, { ...labels, pod: 'web-2' }].map((one) => ({ ...base, labels: one, endsAt }));
  const answer = await fetch(`${endpoint}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(posted),
  });
  expect(answer.status).toBe(200);
  const world = sinkWorld({ now: new Date(now).toISOString(), timeoutMs: 10_000 });
  cleanup.defer(() => world.close());
  const about = { ...payload, alert: { ...payload.alert, labels } };
  const end = { event: 'alert-resolved', payload: { ...resolvedPayload, alert: { ...resolvedPayload.alert, labels } } };
  return {
    startsAt,
    endsAt,
    deliver: (action: string, over = false) =>
      attemptOf(
        alertmanager,
        world.io,
        { endpoint, action },
        sinkDelivery(over ? (end as object) : { payload: about }),
      ),
    alerts: async (pod: string) =>
      (await (await fetch(`${endpoint}/api/v2/alerts?filter=pod%3D%22${pod}%22`)).json()) as readonly Listed[],
    silences: async () => (await (await fetch(`${endpoint}/api/v2/silences`)).json()) as readonly Silence[],
  };
}

describe.skipIf(!canRun)(canRun ? 'Sink alertmanager, against the real one' : 'skipped: no Alertmanager', () => {
  it('annotates the alert, and no other, without a change of its times', async () => {
    const { alerts, deliver, startsAt, endsAt } = await prepare();
    expect(await deliver('annotate')).toEqual({ ok: true, reference: null });
    const [alert, ...others] = await alerts('web-1');
    expect(others).toEqual([]);
    const ours = { fist_cause: 'Container web was OOMKilled.', fist_confidence: '95%', fist_run: payload.run.url };
    expect(alert?.annotations).toEqual({ summary: 'it restarts', ...ours });
    expect([alert?.startsAt, alert?.endsAt]).toEqual([startsAt, endsAt]);
    expect((await alerts('web-2'))[0]?.annotations).toEqual({ summary: 'it restarts' });
  });

  it('silences it once, and takes that back when it is over', async () => {
    const { alerts, silences, deliver } = await prepare();
    const verdict = await deliver('silence');
    expect(await deliver('silence')).toEqual(verdict);
    expect(await silences()).toMatchObject([{ id: verdict.reference, status: { state: 'active' } }]);
    expect((await alerts('web-1'))[0]?.status).toMatchObject({
      state: 'suppressed',
      silencedBy: [verdict.reference],
    });
    expect((await alerts('web-2'))[0]?.status.silencedBy).toEqual([]);

    await deliver('silence', true);
    expect((await silences())[0]?.status.state).toBe('active');
    await deliver('resolve');
    expect(await alerts('web-1')).toEqual([]);
    await deliver('silence', true);
    expect((await silences())[0]?.status.state).toBe('expired');
  });

  it('resolves it, and makes nothing of what is gone', async () => {
    const { alerts, deliver } = await prepare();
    expect(await deliver('resolve')).toEqual({ ok: true, reference: null });
    expect(await alerts('web-1')).toEqual([]);
    expect(await alerts('web-2')).toHaveLength(1);
    expect(await deliver('annotate')).toEqual({ ok: true, reference: null });
    expect(await alerts('web-1')).toEqual([]);
  });
});
