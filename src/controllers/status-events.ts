import type { JsonObject, JsonValue } from '../core/json.ts';
import { objectOf } from '../core/json.ts';
import type { EventText } from '../kube/event-series.ts';

/** What people are told in `kubectl describe` of the change from one status to the next. No text of logs or alerts. Pure. */
export function eventsBetween(before: JsonObject, after: JsonObject): readonly EventText[] {
  return [
    ...readiness(before, after),
    ...stalling(before, after),
    ...runs(before, after),
    ...deliveries(before, after),
  ];
}

interface Told {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function conditionOf(status: JsonObject, type: string): Told | undefined {
  const conditions = (status['conditions'] ?? []) as unknown as readonly (Told & { readonly type: string })[];
  return conditions.find((one) => one.type === type);
}

function readiness(before: JsonObject, after: JsonObject): readonly EventText[] {
  const [was, is] = [conditionOf(before, 'Ready'), conditionOf(after, 'Ready')];
  if (is === undefined || (was?.status === is.status && was.reason === is.reason)) return [];
  const type = is.status === 'True' ? 'Normal' : 'Warning';
  return [{ type, reason: is.status === 'True' ? 'Ready' : is.reason, action: 'Reconcile', note: is.message }];
}

function stalling(before: JsonObject, after: JsonObject): readonly EventText[] {
  const [was, is] = [conditionOf(before, 'Stalled'), conditionOf(after, 'Stalled')];
  // What is not ready has said so.
  if (is === undefined || was?.message === is.message || conditionOf(after, 'Ready')?.status !== 'True') return [];
  return [{ type: 'Warning', reason: is.reason, action: 'Reconcile', note: is.message }];
}

function runs(before: JsonObject, after: JsonObject): readonly EventText[] {
  const [was, is] = [objectOf(before['lastRun']), objectOf(after['lastRun'])];
  const [id, phase] = [text(is['id']), text(is['phase'])];
  if (id === '' || (text(was['id']) === id && text(was['phase']) === phase)) return [];
  const about = text(is['alert']) === '' ? '' : ` about ${text(is['alert'])}`;
  const found = runEvents[phase];
  if (found === undefined) return [];
  return [{ ...found, action: 'Run', note: `Run ${id}${about} ${found.said}; fist describe run/${id}` }];
}

const runEvents: Readonly<Record<string, Pick<EventText, 'type' | 'reason'> & { readonly said: string }>> = {
  Running: { type: 'Normal', reason: 'RunStarted', said: 'began' },
  Succeeded: { type: 'Normal', reason: 'RunSucceeded', said: 'succeeded' },
  Failed: { type: 'Warning', reason: 'RunFailed', said: 'failed' },
  Cancelled: { type: 'Normal', reason: 'RunCancelled', said: 'was cancelled' },
};

function deliveries(before: JsonObject, after: JsonObject): readonly EventText[] {
  const error = text(after['lastError']);
  if (error === '' || text(before['lastError']) === error) return [];
  return [{ type: 'Warning', reason: 'SinkFailed', action: 'Deliver', note: `A delivery failed: ${error}` }];
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
