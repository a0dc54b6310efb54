import { afterEach, describe, expect, test } from 'vitest';
import { isFinal } from '../../src/core/run.ts';
import type { RunRecord } from '../../src/core/run.ts';
import { startTestApp } from '../support/app.ts';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import { startReceiver } from '../support/receiver.ts';
import { waitFor } from '../support/wait.ts';

// What people hear of an alert that comes and goes, in the whole program: a hundred toggles in ten minutes.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const start = '2026-03-01T12:00:00.000Z';
const toggleMs = 6000;
const hourMs = 60 * 60_000;
const cap = 5;

const resources = (endpoint: string): string => `
apiVersion: punchingfist.io/v1alpha1
kind: Source
metadata: { name: flapping }
spec:
  type: webhook
  config: { path: flapping }
  triggerWorkflow: look
  flapCapPerHour: ${cap}
---
apiVersion: punchingfist.io/v1alpha1
kind: Workflow
metadata: { name: look }
spec:
  steps: [{ name: first, type: conditional, condition: 'yes' }]
  sinks: [team]
---
apiVersion: punchingfist.io/v1alpha1
kind: Sink
metadata: { name: team }
spec: { type: webhook, sendResolved: true, config: { endpoint: '${endpoint}' } }
`;

async function begin() {
  const receiver = await startReceiver();
  cleanup.defer(() => receiver.stop());
  const clock = createFakeClock(start);
  const app = await startTestApp(cleanup, { files: { 'all.yaml': resources(receiver.url) }, clock });
  const fromStart = (milliseconds: number) => new Date(Date.parse(start) + milliseconds).toISOString();

  /** Until nothing is under way any more; the clock moves little. */
  const rest = () =>
    waitFor('rest', async () => {
      await clock.advance(50);
      const runs = await app.list<RunRecord>('/api/v1/runs?limit=200');
      const deliveries = await app.list<{ status: string }>('/api/v1/deliveries?limit=500');
      return runs.every(({ status }) => isFinal(status)) && deliveries.every(({ status }) => status !== 'pending');
    });

  let last = '';
  /** The nth of them, at its time: it fires, it has ended, it fires. */
  async function toggle(n: number): Promise<void> {
    const at = Date.parse(start) + n * toggleMs;
    if (at > clock.now()) await clock.advance(at - clock.now());
    const isFiring = n % 2 === 0;
    if (isFiring) last = fromStart(n * toggleMs);
    const endsAt = isFiring ? '0001-01-01T00:00:00Z' : fromStart(n * toggleMs);
    const labels = { alertname: 'Flapping', pod: 'web-0' };
    const status = isFiring ? 'firing' : 'resolved';
    await app.notify('flapping', [{ status, labels, annotations: {}, startsAt: last, endsAt }]);
  }

  /** What the team heard, in its order, with the state of the alert that it was told. */
  const heard = () =>
    receiver.requests.map(({ json }) => `${String(json['event'])} ${(json['alert'] as { status: string }).status}`);
  const alert = () => app.alertNamed('Flapping');
  const advance = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 60_000) {
      await clock.advance(60_000);
      await rest();
    }
  };
  return { toggle, rest, heard, alert, advance };
}

const told = ['run-finished firing', 'alert-resolved resolved'];

describe('a hundred toggles in ten minutes', () => {
  test('so many are told as the cap allows, and an hour later that it fires still', async () => {
    const { toggle, rest, heard, alert, advance } = await begin();
    for (let n = 0; n <= 100; n += 1) {
      await toggle(n);
      await rest();
    }
    expect(await alert()).toMatchObject({ status: 'received', episode: 51, receiveCount: 101, mutedReason: 'FlapCap' });
    const all = Array.from({ length: cap }, () => told).flat();
    expect(heard()).toEqual(all);
    await advance(hourMs);
    expect(heard()).toEqual([...all, 'run-finished firing']);
    expect(await alert()).toMatchObject({ status: 'escalated', episode: 51, mutedReason: null });
  });

  test('where it ends at rest, that was the last word, and nothing comes after it', async () => {
    const { toggle, rest, heard, alert, advance } = await begin();
    for (let n = 0; n < 100; n += 1) {
      await toggle(n);
      await rest();
    }
    const all = Array.from({ length: cap }, () => told).flat();
    expect(heard()).toEqual(all);
    await advance(hourMs);
    expect(heard()).toEqual(all);
    expect(await alert()).toMatchObject({ status: 'resolved', episode: 50, mutedReason: null });
  });

  test.each([
    ['firing', 101],
    ['resolved', 100],
  ])('faster than anybody is told, and at last %s: that is the last that they hear', async (state, toggles) => {
    const { toggle, rest, heard, alert, advance } = await begin();
    for (let n = 0; n < toggles; n += 1) await toggle(n);
    await rest();
    const most = (event: string) => heard().filter((one) => one.startsWith(event)).length;
    expect(most('run-finished')).toBeLessThanOrEqual(cap);
    await advance(hourMs);
    expect(most('run-finished')).toBeLessThanOrEqual(cap + 1);
    expect(most('alert-resolved')).toBeLessThanOrEqual(cap);
    expect(heard().at(-1)?.split(' ')[1]).toBe(state);
    expect((await alert()).status === 'resolved').toBe(state === 'resolved');
  });
});
