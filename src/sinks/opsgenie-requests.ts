import type { DeliveryVerdict } from '../core/delivery.ts';
import { objectOf } from '../core/json.ts';
import type { JsonObject } from '../core/json.ts';
import { oneLine } from '../lib/printable.ts';
import type { SinkIo } from './define.ts';
import { below, jsonOf, sendRequest } from './http.ts';

// What Opsgenie answers 202 is done later, or is not: requests have ids, by which it says what became of them.

/** Requests that were taken. `create` first of all, or one of those that are about an alert that is there. */
export interface TakenRequests {
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly requests: readonly { readonly what: string; readonly id: string }[];
}

/** So long they are asked after; then they may have been done, and are sent again. */
const mostWaitMs = 60_000;
const lookAgainMs = 2000;
export const mostAnswerBytes = 64 * 1024;
const prefix = 'requests';

/** Id of a request in the answer that takes it; null = it has none, so nobody can ask after it. */
export function takenId(body: unknown): string | null {
  const { requestId } = objectOf(body as JsonObject);
  return typeof requestId === 'string' && /^[\w-]{1,100}$/.test(requestId) ? requestId : null;
}

/** `requests/1772359242000/create:43a29c5c-...`, as the reference of a part. */
function referenceOf({ sinceMs, requests }: TakenRequests): string {
  return [prefix, sinceMs, requests.map(({ what, id }) => `${what}:${id}`).join(',')].join('/');
}

/** The requests of an earlier attempt that are still to be asked after; null = there are none. */
export function takenBefore(reference: string | null): TakenRequests | null {
  const [, since, list] = new RegExp(`^${prefix}/(\\d+)/([\\w:,-]+)$`).exec(reference ?? '') ?? [];
  if (list === undefined) return null;
  const requests = list.split(',').map((part) => {
    const [what = '', id = ''] = part.split(':');
    return { what, id };
  });
  return { sinceMs: Number(since), requests };
}

/** What the alert is not, or is no longer: then there is nothing to bring up to date, or to close. */
const isNotThere = /no open alert|does not exist|already closed|not found/i;

/**
 * What became of requests. While one is at work the verdict is that the next attempt looks again; after a refusal, and where nobody
 * knows, that they are asked after no more: who tries again sends again.
 */
export async function outcomeOf(
  io: SinkIo,
  { endpoint, headers }: { readonly endpoint: string; readonly headers: Readonly<Record<string, string>> },
  taken: TakenRequests,
  reference: string,
): Promise<DeliveryVerdict> {
  const { host } = new URL(endpoint);
  for (const { what, id } of taken.requests) {
    const url = below(endpoint, `/v2/alerts/requests/${id}`);
    const answer = await sendRequest(io, {
      method: 'GET',
      url,
      headers,
      maxResponseBytes: mostAnswerBytes,
      isIdempotent: true,
    });
    if (!answer.ok) {
      const isUnknown = answer.response?.status === 404;
      // Who may not look believes that what was taken is done.
      if (!isUnknown && !answer.verdict.retry) break;
      return notDone(io, taken, isUnknown ? `${host} has taken it, and is not done` : answer.verdict.reason);
    }
    const {
      isSuccess,
      success = isSuccess,
      status,
    } = objectOf(objectOf(jsonOf(answer.response) as JsonObject)['data']);
    const says = typeof status === 'string' ? oneLine(status, 200) : 'it does not say why';
    if (success === false && (what === 'create' || !isNotThere.test(says)))
      return { ok: false, retry: false, reason: `${host} did not ${what} the alert: ${says}`, reference: prefix };
  }
  return { ok: true, reference };
}

function notDone(io: SinkIo, taken: TakenRequests, reason: string): DeliveryVerdict {
  if (io.now() - taken.sinceMs < mostWaitMs)
    return { ok: false, retry: true, waits: true, reason, retryAfterMs: lookAgainMs, reference: referenceOf(taken) };
  const late = `${reason}; it was taken ${mostWaitMs / 1000} s ago`;
  return { ok: false, retry: true, ambiguous: true, reason: late, reference: prefix };
}
