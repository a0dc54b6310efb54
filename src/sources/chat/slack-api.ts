import { AppError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { HttpClient } from '../../core/ports.ts';
import { printable } from '../../lib/printable.ts';
import { cutText } from '../../lib/cut.ts';

/** A call of Slack's Web API. */
export interface SlackCall {
  readonly endpoint: string;
  readonly method: string;
  readonly token: string;
  readonly body?: JsonObject;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const mostAnswerBytes = 64 * 1024;

/** What to do about refusals. */
const advice: Readonly<Record<string, string>> = {
  not_allowed_token_type:
    'appToken is an app-level token (xapp-...) with the scope connections:write, botToken one of a bot (xoxb-...)',
  invalid_auth: 'look at the Secret of the token',
  not_authed: 'look at the Secret of the token',
  token_revoked: 'make a new token and put it into the Secret',
  missing_scope: 'the app needs app_mentions:read, chat:write and commands; the app-level token connections:write',
  not_in_channel: 'invite the app to the channel',
  channel_not_found: 'invite the app to the channel',
};

/** The answer, where it is `ok`. Throws Unreachable, Timeout, and DeliveryRefused with Slack's word in `reason`. */
export async function callSlack(http: HttpClient, call: SlackCall): Promise<JsonObject> {
  const { endpoint, method, token, body = {}, timeoutMs, signal } = call;
  const response = await http.send({
    method: 'POST',
    url: `${endpoint}/${method}`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
    timeoutMs,
    maxResponseBytes: mostAnswerBytes,
    ...(signal === undefined ? {} : { signal }),
  });
  const answer = parsed(response.body);
  if (answer?.['ok'] === true) return answer;
  const error = typeof answer?.['error'] === 'string' ? answer['error'] : null;
  const { host } = new URL(endpoint);
  const next = error === null ? undefined : advice[error];
  throw new AppError('DeliveryRefused', `${host} answered ${method} with ${error ?? response.status}`, {
    reason: error === null ? 'SlackAway' : 'SlackRefused',
    ...(next === undefined ? {} : { next }),
  });
}

function parsed(text: string): JsonObject | null {
  try {
    return JSON.parse(text) as JsonObject | null;
  } catch {
    return null;
  }
}

const mostCharacters = 2900;

/** Lines as a message in which Slack reads no markup: no mention, no link. */
export function slackText(text: string): JsonObject {
  const shown = cutText(printable(text), mostCharacters);
  return {
    text: shown.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'),
    mrkdwn: false,
    parse: 'none',
    unfurl_links: false,
    unfurl_media: false,
    blocks: [{ type: 'section', text: { type: 'plain_text', text: shown, emoji: false } }],
  };
}
