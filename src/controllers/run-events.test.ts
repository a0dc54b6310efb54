import { expect, test } from 'vitest';
import { createFakeClock } from '../../test/support/clock.ts';
import type { AgentEvent } from '../core/agent-event.ts';
import type { RunChange } from '../core/changes.ts';
import type { RunRecord, RunStatus } from '../core/run.ts';
import { addMs, toTimestamp } from '../core/time.ts';
import { createRunEvents } from './run-events.ts';
import type { RunEventsOptions } from './run-events.ts';

const clock = createFakeClock();
const now = toTimestamp(clock.now());

function run(id: string, status: RunStatus, more: Partial<RunChange> = {}): RunChange {
  const known = { kind: 'run', namespace: 'shop', name: 'triage', errorCode: null, agentEvents: 0, at: now };
  return { ...known, id, status, ...more } as RunChange;
}

function teller(events: readonly Pick<AgentEvent, 'kind' | 'content'>[] = [], startedAt: string | null = now) {
  const input = { alert: { name: 'DiskFull' } };
  const tell = createRunEvents({
    lists: {
      runsOf: async (ids: readonly string[]) => ids.map((id) => ({ id, input, startedAt }) as unknown as RunRecord),
    },
    agent: {
      events: async (_id: string, { after }: { readonly after: number }) =>
        events.slice(after, after + 2).map((event, index) => ({ ...event, sequence: after + index + 1 })),
    },
    clock,
  } as unknown as RunEventsOptions);
  return async (...changes: readonly RunChange[]): Promise<readonly string[]> =>
    (await tell(changes)).map(({ namespace, workflow, event: { type, reason, note } }) => {
      expect([namespace, workflow]).toEqual(['shop', 'triage']);
      expect(note.endsWith('; fist get runs -n shop --workflow triage')).toBe(true);
      return `${type} ${reason}: ${note.split(';')[0] ?? ''}`;
    });
}

const began = 'Normal RunStarted: A run about DiskFull began';
const succeeded = 'Normal RunSucceeded: A run about DiskFull succeeded';

test('each run is told, not only the newest one of its Workflow, and each of its phases once', async () => {
  const tell = teller();
  expect(await tell(run('1', 'pending'))).toEqual([]);
  expect(await tell(run('1', 'running'), run('2', 'running'))).toEqual([began, began]);
  expect(await tell(run('1', 'running'), run('2', 'running'))).toEqual([]);
  expect(await tell(run('1', 'failed', { errorCode: 'Timeout' }), run('2', 'succeeded'))).toEqual([
    'Warning RunFailed: A run about DiskFull failed (Timeout)',
    succeeded,
  ]);
  expect(await tell(run('1', 'failed', { errorCode: 'Timeout' }), run('2', 'succeeded'))).toEqual([]);
});

test('one that began and ended between two looks is told whole; one that never began only by its end', async () => {
  expect(await teller()(run('1', 'succeeded'))).toEqual([began, succeeded]);
  expect(await teller([], null)(run('1', 'cancelled'))).toEqual([
    'Normal RunCancelled: A run about DiskFull was cancelled',
  ]);
});

test('what happened before this process led is not told again, and what comes after it is', async () => {
  const tell = teller();
  const at = addMs(now, -60_000);
  expect(await tell(run('1', 'running', { at }), run('2', 'succeeded', { at }))).toEqual([]);
  expect(await tell(run('1', 'succeeded'))).toEqual([succeeded]);
});

test('a budget that was spent and tools that were denied are told, without what they were called with', async () => {
  const called = (name: string, status: string, reason: string | null, isReused?: true) => ({
    kind: 'called' as const,
    content: { call: { name, input: { name: 'password-of-ada' } }, result: { status, reason }, isReused } as never,
  });
  const events = [
    called('kubernetes_get', 'ok', null),
    called('kubernetes_get', 'denied', 'NamespaceNotAllowed'),
    called('kubernetes_get', 'denied', 'NamespaceNotAllowed'),
    called('kubernetes_logs', 'denied', 'NamespaceNotAllowed', true),
    called('rm -rf /', 'denied', 'UnknownTool'),
    { kind: 'closed' as const, content: { ended: 'BudgetExceeded' } },
  ];
  expect(await teller(events)(run('1', 'succeeded', { agentEvents: 6 }))).toEqual([
    began,
    succeeded,
    'Warning BudgetExceeded: The budget of a model was spent in a run about DiskFull',
    'Warning ToolDenied: A model was denied kubernetes_get (NamespaceNotAllowed) in a run about DiskFull',
    'Warning ToolDenied: A model was denied a tool that there is not (UnknownTool) in a run about DiskFull',
  ]);
});
