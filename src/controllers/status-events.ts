import type { JsonObject } from '../core/json.ts';
import type { EventText } from '../kube/events/event-series.ts';

/** What people are told in `kubectl describe` of the change from one status to the next. No text of logs or alerts. Pure. */
export function eventsBetween(before: JsonObject, after: JsonObject): readonly EventText[] {
  return [
    ...readiness(before, after),
    ...paths(before, after),
    ...stalling(before, after),
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
  if (is === undefined || (was?.status === is.status && (is.status === 'True' || was.reason === is.reason))) return [];
  const type = is.status === 'True' ? 'Normal' : 'Warning';
  return [{ type, reason: is.status === 'True' ? 'Ready' : is.reason, action: 'Reconcile', note: is.message }];
}

/** Both hear of it: who wants the path of another one, and whose path it is. */
function paths(before: JsonObject, after: JsonObject): readonly EventText[] {
  const [was, is] = [conditionOf(before, 'PathConflict'), conditionOf(after, 'PathConflict')];
  const ready = conditionOf(after, 'Ready');
  // What is not ready for it has said so.
  const isTold = ready?.status === 'False' && ready.reason === 'PathConflict';
  if (is === undefined || was?.message === is.message || isTold) return [];
  return [{ type: 'Warning', reason: 'PathConflict', action: 'Reconcile', note: is.message }];
}

function stalling(before: JsonObject, after: JsonObject): readonly EventText[] {
  const [was, is] = [conditionOf(before, 'Stalled'), conditionOf(after, 'Stalled')];
  // What is not ready has said so.
  if (is === undefined || was?.message === is.message || conditionOf(after, 'Ready')?.status !== 'True') return [];
  return [{ type: 'Warning', reason: is.reason, action: 'Reconcile', note: is.message }];
}

function deliveries(before: JsonObject, after: JsonObject): readonly EventText[] {
  return before['lastError'] === after['lastError'] ? [] : lastingTrouble(after);
}

/** What a status says for as long as it lasts, and people are told of again: that the last delivery of a Sink failed. */
export function lastingTrouble({ lastError }: JsonObject): readonly EventText[] {
  if (typeof lastError !== 'string' || lastError === '') return [];
  return [{ type: 'Warning', reason: 'SinkFailed', action: 'Deliver', note: `A delivery failed: ${lastError}` }];
}
