import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DeliveryVerdict } from '../../src/core/delivery.ts';
import type { KnownReferences, SinkBackend, SinkDelivery } from '../../src/sinks/define.ts';
import { nothingKnown } from '../../src/sinks/known.ts';
import { createCleanup } from './cleanup.ts';
import { faults } from './faulty-peer.ts';
import type { Fault } from './faulty-peer.ts';
import { injections } from './injections.ts';
import { repositoryRoot } from './processes.ts';
import { partOf } from './rounds.ts';
import { attemptOf, payload, resolvedPayload, sinkDelivery, sinkWorld } from './sink-world.ts';
import type { SinkWorld } from './sink-world.ts';
import type { Vendor } from './vendor.ts';

/** A vendor that refuses what the real one refuses, and what it has been made to do. */
export interface StrictVendor {
  readonly vendor: Vendor;
  /** Things that people see twice if they are made twice: incidents, messages, issues. */
  readonly effects: () => number;
  /** All text that people see, as the vendor shows it: markup is `<b>` or `[link]`-like there where the vendor would act on it. */
  readonly shown: () => readonly string[];
}

type Secrets = Readonly<Record<string, string>>;

export interface SinkSuite {
  readonly backend: SinkBackend;
  readonly config: (url: string) => object;
  /** By `name/key`; of the vendor's address where that is a secret itself. */
  readonly secrets: Secrets | ((url: string) => Secrets);
  start(): Promise<StrictVendor>;
  /** Where it speaks to the vendor by something else than its HTTP client. */
  readonly world?: (url: string) => Promise<SinkWorld>;
  /** Whether a request that is sent again has no second effect. */
  readonly isIdempotent: boolean;
  /** Things that the start of the work makes beside the report. Default 0: the report takes its place. */
  readonly effectsOfStart?: number;
  /** How late the vendor wishes to be asked again where it takes no more just now. Default: as the fault says. */
  readonly wishMs?: number;
  /** Things that the end of an alert makes beside what it ends: a reply in the thread. Default 0. */
  readonly effectsOfEnd?: number;
  /** Markup that alert text must not cause in what `shown` gives. */
  readonly forbidden: readonly RegExp[];
}

interface Ledger {
  readonly next: () => KnownReferences;
  readonly note: (verdict: DeliveryVerdict) => void;
  readonly end: () => void;
}

/** What the outbox remembers of what a vendor called earlier deliveries. */
function ledger(): Ledger {
  let known: KnownReferences = nothingKnown;
  return {
    next: () => known,
    note: (verdict) => {
      const { reference } = verdict;
      if (reference === undefined || reference === null) return;
      known = verdict.ok ? { ...known, own: null, open: reference } : { ...known, own: reference };
    },
    end: () => void (known = { ...known, own: null, open: null, closed: known.open }),
  };
}

/** The same deliveries and faults for each sink that speaks to a vendor over HTTP. */
export function testSink(suite: SinkSuite): void {
  const { backend } = suite;
  const cleanup = createCleanup();
  afterEach(() => cleanup.run());

  async function begin(changes: SinkWorld = {}, more: object = {}) {
    const strict = await suite.start();
    const secrets = typeof suite.secrets === 'function' ? suite.secrets(strict.vendor.url) : suite.secrets;
    const world = sinkWorld({
      secrets,
      vendor: strict.vendor,
      ...(await suite.world?.(strict.vendor.url)),
      ...changes,
    });
    cleanup.defer(() => world.close());
    cleanup.defer(() => strict.vendor.stop());
    const book = ledger();
    const config = { ...more, ...suite.config(strict.vendor.url) };
    /** Until it is sent, as the outbox does; answers all verdicts. */
    async function deliver(delivery: SinkDelivery): Promise<readonly DeliveryVerdict[]> {
      const verdicts: DeliveryVerdict[] = [];
      const before = strict.effects();
      for (let attempt = 1; attempt <= 5; attempt += 1) {
        const verdict = await attemptOf(backend, world.io, config, {
          ...delivery,
          isRepeat: attempt > 1,
          known: book.next(),
        });
        verdicts.push(verdict);
        // Else the outbox believes that nobody was told, and tells nobody of the end. The mark stays; an effect may come late.
        if (!verdict.ok && strict.effects() > before)
          expect(verdicts.some((one) => !one.ok && one.ambiguous === true)).toBe(true);
        book.note(verdict);
        if (verdict.ok || !verdict.retry) break;
      }
      return verdicts;
    }
    return { ...strict, secrets, deliver, end: book.end };
  }

  const started = sinkDelivery({
    event: 'run-started',
    payload: { ...payload, event: 'run-started', report: null, text: 'FIRING critical KubePodCrashLooping\n' },
    idempotencyKey: 'r1/out/run-started',
  });
  const finished = sinkDelivery();
  const resolved = sinkDelivery({
    event: 'alert-resolved',
    payload: resolvedPayload,
    idempotencyKey: 'a1/out/resolved',
  });

  describe(`${backend.type}: every sink`, () => {
    test('an incident from its start to its end is taken by the vendor, as one thing', async () => {
      const { vendor, effects, deliver } = await begin();
      for (const delivery of [started, finished])
        expect(await deliver(delivery)).toEqual([{ ok: true, reference: expect.toSatisfy(isReference) as unknown }]);
      const told = 1 + (suite.effectsOfStart ?? 0);
      expect(effects()).toBe(told);
      expect((await deliver(resolved)).at(-1)).toMatchObject({ ok: true });
      expect(effects()).toBe(told + (suite.effectsOfEnd ?? 0));
      expect(vendor.refusals).toEqual([]);
    });

    test.runIf(existsSync(exampleFile(backend.type)))(
      'the example of the repository is taken by the vendor',
      async () => {
        const { vendor, deliver } = await begin({}, exampleConfig(backend.type));
        for (const delivery of [started, finished, resolved])
          expect((await deliver(delivery)).at(-1)).toMatchObject({ ok: true });
        expect(vendor.refusals).toEqual([]);
      },
    );

    test.each(Object.keys(faults) as Fault[])('%s: once, or said to be ambiguous', async (fault) => {
      const { vendor, effects, deliver } = await begin();
      vendor.fail(fault);
      const verdicts = await deliver(finished);
      expect(verdicts.at(-1)).toMatchObject({ ok: true });
      const isAmbiguous = verdicts.some((verdict) => !verdict.ok && verdict.ambiguous === true);
      expect(effects()).toBeLessThanOrEqual(suite.isIdempotent || !isAmbiguous ? 1 : 2);
      expect(effects()).toBeGreaterThanOrEqual(1);
      expect(vendor.refusals).toEqual([]);
    });

    test('asks again as late as the vendor wishes, and not after a refusal', async () => {
      const { vendor, deliver } = await begin();
      vendor.fail('429 with Retry-After');
      expect((await deliver(finished))[0]).toMatchObject({
        ok: false,
        retry: true,
        retryAfterMs: suite.wishMs ?? 9000,
      });
    });

    test('a missing Secret sends nothing', async () => {
      if (typeof suite.secrets !== 'function' && Object.keys(suite.secrets).length === 0) return;
      const { vendor, deliver } = await begin({ secrets: {} });
      await expect(deliver(finished)).rejects.toMatchObject({ code: 'SecretMissing' });
      expect(vendor.requests).toEqual([]);
    });

    test('no error tells a secret', async () => {
      const { vendor, secrets, deliver } = await begin();
      vendor.fail('processed, then 500', 'reset', '503', 'no answer');
      const told = JSON.stringify(await deliver(finished));
      for (const value of Object.values(secrets)) expect(told).not.toContain(value);
    });

    test('alert text comes out as text, whatever it says', async () => {
      const { vendor, shown, deliver } = await begin();
      for (const [index, text] of partOf(injections).entries()) {
        const delivery = sinkDelivery({
          payload: hostile(text),
          idempotencyKey: `r${index}/out/run-finished`,
          subjectKey: `subject-${index}`,
        });
        expect((await deliver(delivery)).at(-1), text).toMatchObject({ ok: true });
      }
      expect(vendor.refusals).toEqual([]);
      for (const text of shown()) for (const pattern of suite.forbidden) expect(text).not.toMatch(pattern);
    });
  });
}

function exampleFile(type: string): string {
  return `${repositoryRoot}examples/sinks/${type}.yaml`;
}

/** What the Sink of an example says, beside where it goes. */
function exampleConfig(type: string): object {
  const { spec } = parse(readFileSync(exampleFile(type), 'utf8')) as { readonly spec: { readonly config: object } };
  return spec.config;
}

function isReference(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.length > 0);
}

/** The same text wherever a sender may write. */
function hostile(text: string): SinkDelivery['payload'] {
  const { alert, report } = payload;
  return {
    ...payload,
    alert: {
      ...alert,
      alertname: text,
      summary: text,
      description: text,
      labels: { ...alert.labels, alertname: text, pod: text },
      annotations: { summary: text, runbook_url: text },
      generatorURL: text,
    },
    report: { ...report, summary: text, root_cause: text, report: text },
    text: `FIRING critical ${text}\n\nThe cause is (95%): ${text}\n`,
  };
}
