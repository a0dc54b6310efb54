import { z } from 'zod';
import type { JsonObject } from '../core/json.ts';
import { cutText } from '../lib/cut.ts';
import { printable } from '../lib/printable.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { tellIncident } from './chat-thread.ts';
import type { ChatAnswer, ChatRoom } from './chat-thread.ts';
import { asHtml, chatRatePerMinute, chatSign, chatText, fitted, whole } from './chat.ts';
import { defineSink } from './define.ts';
import type { SinkIo } from './define.ts';
import { channel, endpoint, template } from './fields.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

/** Of a message, without its markup. */
const mostCharacters = 4096;
const mostTitleCharacters = 500;
const mostAnswerBytes = 65_536;

/**
 * A message of a bot, brought up to date in place, with replies for what has to be noticed. Text of alerts stands in code, where
 * Telegram makes no links and mentions of it. A message whose answer was lost cannot be looked for.
 */
export const telegram = defineSink({
  type: 'telegram',
  description: 'A message of a Telegram bot, kept up to date.',
  example: { channel: '-1001234567890', botToken: 'telegram-bot-token' },
  remembers: true,
  ratePerMinute: chatRatePerMinute,
  escape: asHtmlCode,
  config: z.object({
    endpoint: endpoint.default('https://api.telegram.org'),
    channel: channel.meta({ description: 'Id of the chat (-100...), or @name of a public channel.' }),
    botToken: secretRef.meta({ description: 'Secret with the token of the bot: name, or name/key.' }),
    template: template.optional(),
  }),
  deliver(io, config, delivery) {
    const token = io.secret(parseSecretReference(config.botToken)).trim();
    const message = messageOf(viewOf(delivery.payload), config.template);
    const api = (method: string) =>
      below(config.endpoint, `/bot${encodeURIComponent(token).replace('%3A', ':')}/${method}`);
    return tellIncident(roomOf(io, api, config.channel, message), delivery, io);
  },
});

function roomOf(io: SinkIo, api: (method: string) => string, chat: string, message: JsonObject): ChatRoom {
  return {
    room: chat,
    hasThreads: false,
    isLoose: false,
    post: ({ room, thread }) =>
      send(io, api('sendMessage'), room, {
        chat_id: room,
        ...message,
        ...(thread === null
          ? {}
          : { reply_parameters: { message_id: Number(thread), allow_sending_without_reply: true } }),
      }),
    update: (room, id) => send(io, api('editMessageText'), room, { chat_id: room, message_id: Number(id), ...message }),
  };
}

async function send(io: SinkIo, url: string, room: string, body: JsonObject): Promise<ChatAnswer> {
  const isIdempotent = body['message_id'] !== undefined;
  const answer = await sendRequest(io, { method: 'POST', url, body, isIdempotent, maxResponseBytes: mostAnswerBytes });
  const said = answer.response === null ? undefined : (jsonOf(answer.response) as TelegramAnswer | null | undefined);
  if (answer.ok) return { ok: true, room, id: String(said?.result?.message_id ?? '-') };
  const description = said?.description ?? '';
  if (description.includes('message is not modified'))
    return { ok: true, room, id: String(Number(body['message_id'])) };
  const isGone = /message to edit not found|message can't be edited/.test(description);
  const wish = said?.parameters?.retry_after;
  const moved = said?.parameters?.migrate_to_chat_id;
  const reason = moved === undefined ? answer.verdict.reason : `the group has a new id; set channel to ${moved}`;
  const retryAfter = typeof wish === 'number' ? { retryAfterMs: wish * 1000 } : {};
  return { ok: false, isGone, verdict: { ...answer.verdict, ...retryAfter, reason } };
}

interface TelegramAnswer {
  readonly result?: { readonly message_id?: number };
  readonly description?: string;
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number };
}

function messageOf(view: PayloadView, authored: string | undefined): JsonObject {
  const { title, body } = chatText(view);
  const head = `${chatSign(view)} ${asHtmlCode(cutText(title, mostTitleCharacters))}`;
  const room = mostCharacters - mostTitleCharacters - 20;
  const text = whole(authored, room) ?? (body === '' ? '' : `<pre>${asHtml(fitted(body, room, view))}</pre>`);
  const link = view.url === null ? '' : `<a href="${asHtml(view.url)}">Run</a>`;
  return {
    text: [head, text, link].filter((part) => part.trim() !== '').join('\n'),
    parse_mode: 'HTML',
    link_preview_options: { is_disabled: true },
  };
}

/** Text that Telegram takes as it is: it can be copied, and leads nowhere. */
function asHtmlCode(value: string): string {
  const text = printable(value);
  return text.trim() === '' ? '' : `<code>${asHtml(text)}</code>`;
}
