import type { JsonObject } from '../core/json.ts';
import { retryAfterMs } from '../lib/retry-after.ts';
import type { ChatSearch } from './chat-thread.ts';
import type { SinkIo } from './define.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import type { Failure } from './http.ts';

/** An answer of Slack that was `ok`, or what became of the call. `error` is Slack's word; null = it said none. */
export type SlackAnswer =
  | { readonly ok: true; readonly body: JsonObject }
  | { readonly ok: false; readonly error: string | null; readonly verdict: Failure };

export interface SlackApi {
  /** A call that changes something. */
  write(method: string, body: JsonObject, isIdempotent: boolean): Promise<SlackAnswer>;
  /** A call that reads. */
  read(method: string, query: Readonly<Record<string, string>>): Promise<SlackAnswer>;
}

/** A page of messages with their blocks; a larger answer is not read to its end. */
const mostAnswerBytes = 4 * 1024 * 1024;

/** Slack's words for what may pass. After the first two it may have done its work all the same. */
const passing = new Set([
  'fatal_error',
  'internal_error',
  'service_unavailable',
  'request_timeout',
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'team_added_to_org',
]);
const unclear = new Set(['fatal_error', 'internal_error', 'request_timeout']);

/** What to do about refusals. */
const advice: Readonly<Record<string, string>> = {
  channel_not_found: 'name the channel by its id, and invite the app where it is private',
  not_in_channel: 'invite the app to the channel',
  is_archived: 'the channel is archived',
  is_inactive: 'the channel is archived, frozen or deleted',
  restricted_action: 'the workspace does not let the app post there',
  restricted_action_read_only_channel: 'the workspace does not let the app post there',
  invalid_auth: 'look at the Secret of botToken',
  not_authed: 'look at the Secret of botToken',
  token_revoked: 'look at the Secret of botToken',
  token_expired: 'look at the Secret of botToken',
  account_inactive: 'look at the Secret of botToken',
  missing_scope: 'the app needs the scope chat:write',
};

/** Slack's Web API, which answers most refusals with 200 and `ok: false`. */
export function slackApi(io: SinkIo, endpoint: string, token: string): SlackApi {
  const { host } = new URL(endpoint);
  const authorization = { authorization: `Bearer ${token}` };

  async function call(
    request: Pick<Parameters<typeof sendRequest>[1], 'method' | 'url' | 'body'>,
    isIdempotent: boolean,
  ): Promise<SlackAnswer> {
    const headers = { ...authorization, 'content-type': 'application/json; charset=utf-8' };
    const answer = await sendRequest(io, {
      ...request,
      headers: request.body === undefined ? authorization : headers,
      maxResponseBytes: mostAnswerBytes,
      isIdempotent,
    });
    if (!answer.ok) return { ok: false, error: null, verdict: answer.verdict };
    const body = jsonOf(answer.response) as JsonObject | null | undefined;
    if (body?.['ok'] === true) return { ok: true, body };
    const error = typeof body?.['error'] === 'string' ? body['error'] : null;
    const { date, 'retry-after': wish } = answer.response.headers;
    return { ok: false, error, verdict: refusal(error, retryAfterMs(wish, date, io.now()), isIdempotent) };
  }

  function refusal(error: string | null, wanted: number | null, isIdempotent: boolean): Failure {
    const retry = error === null || passing.has(error);
    const hint = error === null ? undefined : advice[error];
    return {
      ok: false,
      retry,
      reason: `${host} answered ${error ?? 'what is no answer of Slack'}${hint === undefined ? '' : `; ${hint}`}`,
      ambiguous: !isIdempotent && (error === null || unclear.has(error)),
      ...(wanted === null || !retry ? {} : { retryAfterMs: wanted }),
    };
  }

  return {
    write: (method, body, isIdempotent) =>
      call({ method: 'POST', url: below(endpoint, `/${method}`), body }, isIdempotent),
    read: (method, query) =>
      call({ method: 'GET', url: below(endpoint, `/${method}?${new URLSearchParams(query).toString()}`) }, true),
  };
}

const mostPages = 5;

/**
 * Time stamp of the message with this key in its metadata, in a thread or (`thread` null) in the channel; null where there is
 * none, or where the app may not look. `since` is in seconds.
 */
export async function findMessage(
  api: SlackApi,
  { channel, thread, key, since }: { channel: string; thread: string | null; key: string; since: number },
): Promise<ChatSearch> {
  let cursor = '';
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await api.read(thread === null ? 'conversations.history' : 'conversations.replies', {
      channel,
      ...(thread === null ? {} : { ts: thread }),
      oldest: String(since),
      limit: '50',
      include_all_metadata: 'true',
      ...(cursor === '' ? {} : { cursor }),
    });
    if (!answer.ok && !answer.verdict.retry) return { ok: true, id: null, isGone: answer.error === 'thread_not_found' };
    if (!answer.ok) return answer;
    const { messages, has_more, response_metadata: more } = answer.body as unknown as MessagePage;
    const found = messages?.find(({ metadata }) => metadata?.event_payload?.key === key);
    if (found !== undefined) return { ok: true, id: found.ts };
    cursor = more?.next_cursor ?? '';
    if (has_more !== true || cursor === '') break;
  }
  return { ok: true, id: null };
}

interface MessagePage {
  readonly messages?: readonly {
    readonly ts: string;
    readonly metadata?: { readonly event_payload?: { readonly key?: unknown } };
  }[];
  readonly has_more?: boolean;
  readonly response_metadata?: { readonly next_cursor?: string };
}

/** Slack takes names in the place of some ids only. */
export function isSlackId(channel: string): boolean {
  return /^[CGD][A-Z0-9]{7,}$/.test(channel);
}
