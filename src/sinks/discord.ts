import { z } from 'zod';
import type { JsonObject } from '../core/json.ts';
import { cutText } from '../lib/cut.ts';
import { tellIncident } from './chat-thread.ts';
import type { ChatAnswer, ChatRoom } from './chat-thread.ts';
import { asCode, chatRatePerMinute, chatSign, chatText, fitted, whole } from './chat.ts';
import { defineSink } from './define.ts';
import type { SinkIo } from './define.ts';
import { endpointSecret, template } from './fields.ts';
import { jsonOf, secretAddress, sendRequest } from './http.ts';
import type { SinkRequest } from './http.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

/** Limits of an embed; all of its texts together may have 6,000 characters. */
const mostTitleCharacters = 256;
const mostDescriptionCharacters = 4096;
const mostAnswerBytes = 65_536;
const unknownMessage = 10_008;

const colours = { critical: 0xd9_2b_2b, warning: 0xe8_8b_1a, info: 0x3b_82_c4 } as const;
const resolvedColour = 0x2e_9e_4f;

/**
 * A message by a webhook, brought up to date in place; webhooks make no threads, so that the end is a message too. Nothing is
 * mentioned: `allowed_mentions` is empty. A message whose answer was lost cannot be looked for.
 */
export const discord = defineSink({
  type: 'discord',
  description: 'A message in a Discord channel, kept up to date.',
  example: { endpointSecret: 'discord-webhook' },
  remembers: true,
  ratePerMinute: chatRatePerMinute,
  escape: asCode,
  config: z.object({ endpointSecret, template: template.optional() }),
  deliver(io, config, delivery) {
    const url = secretAddress(io, config.endpointSecret);
    return tellIncident(roomOf(io, url, messageOf(viewOf(delivery.payload), config.template)), delivery, io);
  },
});

function roomOf(io: SinkIo, webhook: URL, body: JsonObject): ChatRoom {
  return {
    room: 'webhook',
    hasThreads: false,
    isLoose: false,
    post: ({ room }) => {
      const url = new URL(webhook);
      // Without it the answer has no id.
      url.searchParams.set('wait', 'true');
      return send(io, room, { method: 'POST', url: url.href, body });
    },
    update: (room, id) => {
      const url = new URL(webhook);
      url.pathname = `${url.pathname}/messages/${id}`;
      return send(io, room, { method: 'PATCH', url: url.href, body, isIdempotent: true });
    },
  };
}

async function send(io: SinkIo, room: string, request: SinkRequest): Promise<ChatAnswer> {
  const answer = await sendRequest(io, { ...request, maxResponseBytes: mostAnswerBytes });
  const body = answer.response === null ? undefined : (jsonOf(answer.response) as JsonObject | null | undefined);
  if (answer.ok) return { ok: true, room, id: typeof body?.['id'] === 'string' ? body['id'] : '-' };
  return { ok: false, isGone: body?.['code'] === unknownMessage, verdict: answer.verdict };
}

function messageOf(view: PayloadView, authored: string | undefined): JsonObject {
  const { title, body } = chatText(view);
  const text =
    whole(authored, mostDescriptionCharacters) ?? asCode(`${fitted(body, mostDescriptionCharacters - 20, view)}\n`);
  return {
    embeds: [
      {
        title: `${chatSign(view)} ${asCode(cutText(title, mostTitleCharacters - 10))}`,
        ...(text.trim() === '' ? {} : { description: text.trim() }),
        color: view.isOver ? resolvedColour : (colours[view.severity as keyof typeof colours] ?? colours.info),
        ...(view.url === null ? {} : { url: view.url }),
      },
    ],
    allowed_mentions: { parse: [] },
  };
}
