import { beforeEach } from 'vitest';
import type { CatalogWorkflow } from '../../src/core/catalog.ts';
import type { Control } from '../../src/core/ports.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Evidence, StepOutcome } from '../../src/core/run.ts';
import type { Store } from '../../src/core/store.ts';
import { toTimestamp } from '../../src/core/time.ts';
import type { Timestamp } from '../../src/core/time.ts';
import { createControl } from '../../src/workflows/control.ts';
import { succeeded } from '../../src/workflows/steps/define.ts';
import type { StepIo } from '../../src/workflows/steps/define.ts';
import { silentLog } from '../../src/lib/silent-log.ts';
import type { ContractDatabase } from '../contract/stores.ts';
import { createFakeClock } from './clock.ts';
import type { FakeClock } from './clock.ts';
import { createEngineWorld, planOf, step } from './engine.ts';
import type { Deed, EngineWorld, EngineWorldOptions } from './engine.ts';

// What the tests of the engine share. Each has a store and a clock of its own.

/** The store and the clock of the test that runs, and what is made of them. */
export interface EngineBench {
  readonly store: Store;
  /** Stands still until it is told to move. */
  readonly clock: FakeClock;
  now(): Timestamp;
  world(deeds?: Readonly<Record<string, Deed>>, options?: Partial<EngineWorldOptions>): EngineWorld;
  /** What people ask of runs, with this Workflow in the catalog, or none. */
  control(workflow?: Partial<CatalogWorkflow>): Control;
}

/** For the tests of one `describe`: opens an empty store before each and closes it after. */
export function engineOn({ open }: ContractDatabase): EngineBench {
  let clock: FakeClock;
  let store: Store;
  beforeEach(async () => {
    clock = createFakeClock();
    const opened = await open({ clock });
    store = opened.store;
    return () => opened.close();
  });
  return {
    get store() {
      return store;
    },
    get clock() {
      return clock;
    },
    now: () => toTimestamp(clock.now()),
    world: (deeds = {}, options = {}) => createEngineWorld({ store, clock, deeds, ...options }),
    control: (workflow) =>
      createControl({
        store,
        clock,
        log: silentLog,
        metrics: { increment: () => undefined },
        catalog: {
          current: () => ({ workflow: (namespace: string) => workflow && { ...workflow, namespace } }) as never,
        },
      }),
  };
}

/** Of a worker that nobody stops. */
export const never = new AbortController().signal;

export const threeSteps = planOf([step('one'), step('two'), step('three')], { sinks: ['chat', 'out'] });

/** A deed that runs until it is let go or aborted, as a well-behaved step does. */
export function longDeed() {
  let letGo: ((outcome: StepOutcome) => void) | undefined;
  const seen: StepIo[] = [];
  const deed: Deed = (io) =>
    new Promise((resolve, reject) => {
      seen.push(io);
      letGo = resolve;
      io.signal.addEventListener('abort', () => reject(io.signal.reason as Error), { once: true });
    });
  return { deed, seen, finish: (outcome: StepOutcome = succeeded({ ok: true })) => letGo?.(outcome) };
}

/** An attempt that failed and may be repeated. */
export function failure(
  changes: Partial<{ retryable: boolean; message: string; result: JsonObject }> = {},
): StepOutcome {
  return {
    ok: false,
    code: 'CommandFailed',
    message: 'exit code 1',
    retryable: true,
    result: { exit_code: 1 },
    evidence: [],
    ...changes,
  };
}

export function evidenceOf(number: number, time: Timestamp): Evidence {
  return { id: `e${number}`, kind: 'command', object: 'step/x', command: 'true', time, excerpt: 'x' };
}
