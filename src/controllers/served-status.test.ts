import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { Log } from '../core/ports.ts';
import { KubeFailure } from '../kube/connection/failure.ts';
import type { KubeWriter } from '../kube/connection/writer.ts';
import { silentLog } from '../lib/silent-log.ts';
import { resourceKinds } from './kinds.ts';
import { createStatusPatch } from './served-status.ts';

const place = { namespace: 'shop', name: 'am' };
const status = { ready: true, conditions: [], addresses: ['/webhook/am'], newer: 1 };

/** A server whose schema lacks `lacking`, of which a refusal names the first. */
function world() {
  const clock = createFakeClock();
  const state = { lacking: ['addresses', 'newer'], written: [] as JsonObject[], warned: [] as unknown[], tries: 0 };
  const writer: Pick<KubeWriter, 'patchStatus'> = {
    async patchStatus(_kind, _place, given) {
      state.tries += 1;
      const undeclared = state.lacking.filter((field) => field in given).slice(0, 1);
      const details = { status: 500, next: undefined, owners: [], afterMs: null };
      if (undeclared.length > 0)
        throw new KubeFailure('FieldNotDeclared', 'refused', {
          ...details,
          undeclared: undeclared.map((field) => `.status.${field}`),
        });
      state.written.push(given);
      return null;
    },
  };
  const log: Log = { ...silentLog, warn: (fields) => void state.warned.push(fields['fields']) };
  const patch = createStatusPatch(writer, { clock, log });
  return { clock, state, write: (given: JsonObject = status) => patch(resourceKinds.Source, place, given) };
}

test('a field that the served schema lacks is left out, what remains is written, and it is said once', async () => {
  const { state, write } = world();
  await write();
  expect(state).toMatchObject({ tries: 3, written: [{ ready: true, conditions: [] }] });
  await write();
  expect(state).toMatchObject({ tries: 4, warned: [['addresses'], ['addresses', 'newer']] });
});

test('CRDs that were applied meanwhile are found', async () => {
  const { clock, state, write } = world();
  await write();
  state.lacking = [];
  await write();
  expect(state.written.at(-1)).toEqual({ ready: true, conditions: [] });
  await clock.advance(5 * 60_000);
  await write();
  expect(state.written.at(-1)).toEqual(status);
});

test('what is refused for another reason, or without conditions would say nothing, fails as before', async () => {
  const { state, write } = world();
  state.lacking = ['conditions'];
  await expect(write()).rejects.toMatchObject({ reason: 'FieldNotDeclared' });
  expect(state.tries).toBe(1);
});
