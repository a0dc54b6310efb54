import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCleanup } from '../support/cleanup.ts';
import { createFakeClock } from '../support/clock.ts';
import type { FakeClock } from '../support/clock.ts';
import { contractStores } from '../contract/stores.ts';
import type { ContractStore } from '../contract/stores.ts';
import { createdAt, deliveryFixture } from '../support/deliveries.ts';
import { effectHeader, faults, startFaultyPeer } from '../support/faulty-peer.ts';
import type { Fault, FaultyPeer } from '../support/faulty-peer.ts';
import { createRandom } from '../support/random.ts';
import { noRuns } from '../support/outbox.ts';
import { noConnection } from '../support/sink-world.ts';
import type { Catalog, CatalogSink } from '../../src/core/catalog.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { HttpClient } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import { createHttpClient } from '../../src/lib/http.ts';
import type { PumpOptions } from '../../src/lib/pump.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { createOutbox } from '../../src/sinks/outbox.ts';

// One effect per delivery over the real client and a real server that fails in every way, with processes that die between
// the send and its record.

const random = createRandom(11);
const never = new AbortController().signal;
const names = Object.keys(faults) as Fault[];
/** What each delivery meets, one after the other; then all goes well. */
const mostFaults = 3;
const deliveries = 36;
const requestTimeoutMs = 150;

describe.each(contractStores)('effects at a receiver, deliveries on $name', (database) => {
  const cleanup = createCleanup();
  let opened: ContractStore;
  let clock: FakeClock;
  let plan: Map<string, readonly Fault[]>;
  /** Requests that got no answer, or one that does not say what was done. */
  let unanswered: Map<string, number>;
  beforeEach(async () => {
    clock = createFakeClock(createdAt);
    opened = await database.open({ clock });
    cleanup.defer(() => opened.close());
    const random = createRandom(7);
    plan = new Map();
    unanswered = new Map();
    for (let index = 0; index < deliveries; index += 1) {
      const met = Array.from({ length: random.between(0, mostFaults) }, () => random.pick(names));
      plan.set(`d${100 + index}`, met);
    }
    const loose = { runId: null, alertId: null };
    const rows = [...plan.keys()].map((id) => deliveryFixture({ id, ...loose, idempotencyKey: id }));
    await opened.store.transaction('run-end', (tx) => tx.deliveries.insert(rows));
  });
  afterEach(() => cleanup.run());

  async function startPeer(honoursKeys: boolean): Promise<FaultyPeer> {
    const peer = await startFaultyPeer({
      honoursKeys,
      fault: (id, attempt) => plan.get(id)?.[attempt - 1] ?? 'none',
    });
    cleanup.defer(() => peer.stop());
    return peer;
  }

  /** `dies`: whether the process dies after the send of this delivery, before it is recorded. */
  function outboxTo(peer: FaultyPeer, dies: (id: string) => boolean, withKey = true): PumpOptions {
    const client = createHttpClient();
    cleanup.defer(() => client.close());
    const http: HttpClient = {
      async send(request) {
        const { 'idempotency-key': key = '', ...others } = request.headers;
        const headers = { ...others, [effectHeader]: key, ...(withKey ? { 'idempotency-key': key } : {}) };
        let status: number | undefined;
        try {
          const response = await client.send({ ...request, headers, timeoutMs: requestTimeoutMs });
          ({ status } = response);
          return response;
        } finally {
          if (status === undefined || status === 500 || status === 504) {
            unanswered.set(key, (unanswered.get(key) ?? 0) + 1);
          }
        }
      },
    };
    const sink = {
      namespace: 'shop',
      name: 'out',
      type: 'webhook',
      ready: true,
      conditions: [],
      config: { endpoint: peer.url },
      condition: null,
      limits: { maxConcurrent: 16, ratePerMinute: null },
      retryForMs: 24 * 3_600_000,
    } as unknown as CatalogSink;
    return createOutbox({
      store: mortal(opened.store, dies),
      catalog: { current: () => ({ sink: () => sink }) as unknown as Catalog },
      connect: noConnection,
      http,
      secrets: { get: () => null },
      childRuns: noRuns,
      clock,
      log: silentLog,
      metrics: { increment: () => undefined, observe: () => undefined, set: () => undefined },
      owner: 'one',
      random: () => random.next(),
      publicUrl: null,
      dataFolder: '/nowhere',
      eventsOf: () => null,
      writeStdout: async () => undefined,
      stepsView: () => ({}),
    });
  }

  /** A store to which some ends are never written. */
  function mortal(store: Store, dies: (id: string) => boolean): Store {
    return {
      ...store,
      transaction: (name, work) =>
        store.transaction(name, (tx) =>
          work({
            ...tx,
            deliveries: {
              ...tx.deliveries,
              finish(delivery, ...rest) {
                if (name !== 'delivery-end' || !dies(delivery.id)) return tx.deliveries.finish(delivery, ...rest);
                return Promise.reject(new Error('the process died'));
              },
            },
          }),
        ),
    };
  }

  /** Until nothing is pending: handles what is due, then lets time pass. */
  async function runToEnd(outbox: PumpOptions): Promise<void> {
    for (let round = 0; (await outbox.nextDueAt()) !== null; round += 1) {
      if (round > 100) throw new Error('deliveries do not come to an end');
      await Promise.allSettled((await outbox.due(16, 16)).map((id) => outbox.handle(id, never, never)));
      await clock.advance(5_000);
    }
  }

  /** Every third delivery meets one process that dies. */
  function someDeaths(): { readonly died: Map<string, number>; readonly dies: (id: string) => boolean } {
    const died = new Map<string, number>();
    return {
      died,
      dies(id) {
        if (Number(id.slice(1)) % 3 !== 0 || died.has(id)) return false;
        died.set(id, 1);
        return true;
      },
    };
  }

  async function rows(): Promise<readonly DeliveryRecord[]> {
    const found = await Promise.all([...plan.keys()].map((id) => opened.store.read.deliveries.find(id)));
    return found.filter((row) => row !== undefined);
  }

  test('a receiver that honours the key has one effect of each, whatever happens', async () => {
    const peer = await startPeer(true);
    const { died, dies } = someDeaths();
    await runToEnd(outboxTo(peer, dies));
    expect(peer.violations).toEqual([]);
    expect(died.size).toBe(12);
    for (const { id, status } of await rows()) expect([id, status, peer.effects.get(id)]).toEqual([id, 'sent', 1]);
    expect((await opened.store.read.lists.activity()).sinks.get('shop/out')?.messagesSent).toBe(deliveries);
  });

  test('elsewhere there are more only of those that are marked, at most one for each attempt without an answer', async () => {
    const peer = await startPeer(false);
    const { died, dies } = someDeaths();
    await runToEnd(outboxTo(peer, dies));
    expect(peer.violations).toEqual([]);
    let doubled = 0;
    for (const { id, status, ambiguous } of await rows()) {
      const effects = peer.effects.get(id) ?? 0;
      expect([id, status]).toEqual([id, 'sent']);
      expect(effects).toBeGreaterThanOrEqual(1);
      if (!ambiguous) expect([id, effects]).toEqual([id, 1]);
      expect(effects - 1).toBeLessThanOrEqual((unanswered.get(id) ?? 0) + (died.get(id) ?? 0));
      doubled += Number(effects > 1);
    }
    expect(doubled).toBeGreaterThan(0);
  });

  test('control: without the key the same receiver has effects twice', async () => {
    const peer = await startPeer(true);
    await runToEnd(outboxTo(peer, someDeaths().dies, false));
    expect(Math.max(...peer.effects.values())).toBeGreaterThan(1);
  });
});
