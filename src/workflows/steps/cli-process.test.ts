import { expect, test } from 'vitest';
import { createEngineWorld, planOf, step } from '../../../test/support/engine.ts';
import { waitFor } from '../../../test/support/wait.ts';
import { AppError } from '../../core/errors.ts';
import { systemClock } from '../../lib/clock.ts';
import { createLocalRunner } from '../../runners/local.ts';
import { killLeftover } from '../../runners/process-group.ts';
import { isAlive } from '../../runners/process-identity.ts';
import { openSqliteStore } from '../../store/sqlite/store.ts';
import { releaseDeadLeases } from '../driver.ts';

const clock = systemClock();
const commands = createLocalRunner({ clock, path: '/usr/local/bin:/usr/bin:/bin' });
const never = new AbortController().signal;

function cliPlan(command: string, timeoutMs = 20_000) {
  return planOf([step('run', { type: 'cli', config: { command }, timeoutMs })]);
}

test('a command runs, and its output and evidence are in the journal', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const world = createEngineWorld({ store, clock, commands });
  const id = await world.addRun(cliPlan('echo "$TEAM $FIST_IDEMPOTENCY_KEY"'));
  await world.engine.advance(id, never);
  expect((await store.read.runs.steps(id))[0]).toMatchObject({
    status: 'succeeded',
    result: { stdout: `shop ${id}/1\n`, exit_code: 0 },
    process: {
      pid: expect.any(Number),
      startTime: expect.any(String),
      marker: expect.stringMatching(/^[0-9a-f-]{36}$/),
    },
  });
  expect(await store.read.runs.evidence(id)).toMatchObject([{ id: 'e1', kind: 'command', object: 'step/run' }]);
  await store.close();
});

test('3.1.13 a time-out kills the command: failed/Timeout', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const world = createEngineWorld({ store, clock, commands });
  const id = await world.addRun(cliPlan('sleep 1000', 300));
  await world.engine.advance(id, never);
  const [row] = await store.read.runs.steps(id);
  expect(row).toMatchObject({ status: 'failed', errorCode: 'Timeout' });
  expect(await isAlive(row?.process ?? { pid: 0, startTime: '' })).toBe(false);
  await store.close();
});

test('3.1.11 the process that a dead worker left is killed before its attempt is repeated', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const first = createEngineWorld({ store, clock, commands });
  const id = await first.addRun(cliPlan('[ "$FIST_ATTEMPT" -gt 1 ] || sleep 1000'));
  const lost = first.engine.advance(id, never);
  const process = await waitFor('the process to be written', async () => (await store.read.runs.steps(id))[0]?.process);
  expect(await isAlive(process)).toBe(true);
  await releaseDeadLeases(store, clock);
  const second = createEngineWorld({
    store,
    clock,
    commands,
    killLeftover: (leftover) => killLeftover(clock, leftover),
  });
  await second.engine.advance(id, never);
  expect(await isAlive(process)).toBe(false);
  expect(await second.journal(id)).toEqual(['1#1 failed Interrupted', '1#2 succeeded']);
  await lost;
  expect(first.counted).toContain('fist_stale_writes_total run');
  await store.close();
});

test('3.1.10 want of descriptors makes a run wait, and never fails it', async () => {
  const store = openSqliteStore({ path: ':memory:' });
  const run = (): Promise<never> => Promise.reject(new AppError('ResourcesExhausted', 'spawn EMFILE'));
  const world = createEngineWorld({ store, clock, commands: { run } });
  const id = await world.addRun(cliPlan('true'));
  await world.engine.advance(id, never);
  expect(await world.journal(id)).toEqual(['1#1 failed ResourcesExhausted']);
  expect(await store.read.runs.find(id)).toMatchObject({ status: 'running', waitingFor: 'retry' });
  await store.close();
});
