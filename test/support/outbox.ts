import { afterEach, beforeEach } from 'vitest';
import type { Catalog, CatalogSink } from '../../src/core/catalog.ts';
import type { DeliveryRecord } from '../../src/core/delivery.ts';
import type { AppError } from '../../src/core/errors.ts';
import type { HttpClient, HttpRequest, ChildRuns } from '../../src/core/ports.ts';
import type { Store } from '../../src/core/store.ts';
import type { PumpOptions } from '../../src/lib/pump.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import { createOutbox } from '../../src/sinks/outbox.ts';
import type { OutboxOptions } from '../../src/sinks/outbox.ts';
import type { ContractDatabase, ContractStore } from '../contract/stores.ts';
import { createFakeClock } from './clock.ts';
import type { FakeClock } from './clock.ts';
import { createdAt, deliveryFixture, runFixture, sinkFixture, stepFixture } from './deliveries.ts';
import { noConnection } from './sink-world.ts';

/** Of a server that nobody stops. */
export const never = new AbortController().signal;

export const webhookSink = sinkFixture({ config: { endpoint: 'https://hooks.example/x' } });

/** Of tests whose Sinks ask for none. */
export const noRuns: ChildRuns = { startChild: () => Promise.reject(new Error('nobody may ask for a run')) };

/** What the test that runs has: all of it is new for each. */
interface State {
  opened: ContractStore;
  /** What outboxes made from here on work on. */
  store: Store;
  clock: FakeClock;
  sinks: readonly CatalogSink[];
  /** What receivers answer, one after the other; then 200. */
  answers: (number | AppError)[];
  readonly requests: HttpRequest[];
  readonly counted: string[];
  readonly observed: string[];
  /** What stdout printed. */
  readonly written: string[];
  outbox: PumpOptions;
}

/** The outbox of a test, over a store in which the run of its deliveries has ended. */
export interface OutboxBench extends State {
  options(): OutboxOptions;
  /** One of another process; `send` answers in place of `answers`. */
  outboxOf(owner: string, send?: HttpClient['send'], changes?: Partial<OutboxOptions>): PumpOptions;
  insert(changes?: Partial<DeliveryRecord>): Promise<void>;
  /** Handles all that is due; answers what became of the delivery `d1`. */
  handle(): Promise<DeliveryRecord>;
  row(id?: string): Promise<DeliveryRecord>;
}

/** For the tests of one `describe`. */
export function outboxOn(database: ContractDatabase): OutboxBench {
  const on = {
    options: () => optionsOf(on, 'one', undefined),
    outboxOf: (owner: string, send?: HttpClient['send'], changes: Partial<OutboxOptions> = {}) =>
      createOutbox({ ...optionsOf(on, owner, send), ...changes }),
    insert: (changes: Partial<DeliveryRecord> = {}) =>
      on.store.transaction('run-end', (tx) => tx.deliveries.insert([deliveryFixture({ alertId: null, ...changes })])),
    async handle() {
      for (const id of await on.outbox.due(10, 10)) await on.outbox.handle(id, never, never);
      return on.row();
    },
    async row(id = 'd1') {
      const found = await on.store.read.deliveries.find(id);
      if (found === undefined) throw new Error('the delivery is gone');
      return found;
    },
  } as OutboxBench;
  beforeEach(async () => {
    const clock = createFakeClock(createdAt);
    const opened = await database.open({ clock });
    const empty = { answers: [], requests: [], counted: [], observed: [], written: [] };
    Object.assign(on, { opened, store: opened.store, clock, sinks: [webhookSink], ...empty });
    on.outbox = on.outboxOf('one');
    await on.store.transaction('intake', async (tx) => {
      await tx.runs.insert({ run: runFixture(), plan: null });
      await tx.runs.writeSteps([stepFixture()]);
    });
  });
  afterEach(() => on.opened.close());
  return on;
}

function optionsOf(on: OutboxBench, owner: string, send: HttpClient['send'] | undefined): OutboxOptions {
  const sink = (namespace: string, name: string) =>
    on.sinks.find((one) => one.namespace === namespace && one.name === name);
  return {
    store: on.store,
    catalog: { current: () => ({ sink }) as Catalog },
    http: {
      async send(request) {
        if (send !== undefined) return send(request);
        on.requests.push(request);
        const answer = on.answers.shift() ?? 200;
        if (answer instanceof Error) throw answer;
        return { status: answer, headers: {}, body: '', truncated: false };
      },
    },
    connect: noConnection,
    secrets: { get: () => null },
    childRuns: noRuns,
    clock: on.clock,
    log: silentLog,
    metrics: {
      increment(name, labels: Readonly<Record<string, string>>) {
        on.counted.push(`${name} ${labels['result'] ?? labels['kind']}`);
      },
      observe: (name, labels) => void on.observed.push(`${name} ${Object.values(labels).join(' ')}`),
      set: () => undefined,
    },
    owner,
    random: () => 1,
    publicUrl: null,
    dataFolder: '/nowhere',
    eventsOf: () => null,
    writeStdout: (text) => Promise.resolve(void on.written.push(text)),
    stepsView: () => ({}),
  };
}
