import { objectOf } from '../core/json.ts';
import { z } from 'zod';
import type { JsonObject } from '../core/json.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { earliestSecond, tellIncident } from './chat-thread.ts';
import type { ChatAnswer, ChatPost, ChatRoom } from './chat-thread.ts';
import { chatRatePerMinute } from './chat.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery } from './define.ts';
import { channel, endpoint, mentionUsers, messageType, template } from './fields.ts';
import { viewOf } from './payload.ts';
import { findMessage, isSlackId, slackApi } from './slack-api.ts';
import type { SlackAnswer, SlackApi } from './slack-api.ts';
import { escapeMarkup, slackMessage } from './slack-message.ts';

/**
 * One message in the channel for an incident: it is brought up to date in place, and the rest goes into its thread. What has to
 * be seen (it got more severe, it fires again, somebody is asked) is shown in the channel as well. A message that may have been
 * sent already is looked for by its metadata.
 */
export const slack = defineSink({
  type: 'slack',
  description: 'A message in a Slack channel, kept up to date, with a thread.',
  example: { channel: 'C0123456789', botToken: 'slack-bot-token', messageType: 'thread' },
  remembers: true,
  ratePerMinute: chatRatePerMinute,
  escape: escapeMarkup,
  config: z.object({
    endpoint: endpoint.default('https://slack.com/api'),
    channel: channel.meta({
      description: 'Id of the channel (C...), or its name. With an id no message comes twice where an answer was lost.',
    }),
    botToken: secretRef.meta({
      description: 'Secret with the bot token (xoxb-...): name, or name/key. Scopes: chat:write, channels:history.',
    }),
    messageType,
    mentionUsers: mentionUsers.meta({
      description:
        'Who is told by the first message while it fires: ids of users (U...) and groups (S...), here, channel. A name notifies nobody.',
    }),
    template: template.optional(),
  }),
  deliver(io, config, delivery) {
    const token = io.secret(parseSecretReference(config.botToken));
    return tellIncident(roomOf(slackApi(io, config.endpoint, token), config, delivery), delivery, io);
  },
});

interface SlackTexts {
  readonly channel: string;
  readonly messageType: 'message' | 'thread';
  readonly mentionUsers: readonly string[];
  readonly template?: string | undefined;
}

/** Nothing is fetched for what a message names, and its short form is no markup. */
const quiet = { mrkdwn: false, unfurl_links: false, unfurl_media: false };

function roomOf(api: SlackApi, config: SlackTexts, delivery: SinkDelivery): ChatRoom {
  const view = viewOf(delivery.payload);
  const approval = approvalOf(delivery);
  const key = delivery.idempotencyKey;
  const asked = askedIn(delivery);
  const message = (mentions: readonly string[]) =>
    slackMessage(view, { template: config.template, mentions, approval });
  return {
    room: asked?.channel ?? config.channel,
    ...(asked === null || asked.thread === '' ? {} : { asked: asked.thread }),
    hasThreads: true,
    isLoose: config.messageType === 'message' && asked === null,
    async post({ room, thread, isShown, isFirst }: ChatPost) {
      const body: JsonObject = {
        channel: room,
        ...(thread === null ? {} : { thread_ts: thread, ...(isShown ? { reply_broadcast: true } : {}) }),
        ...quiet,
        ...message(isFirst && asked === null ? config.mentionUsers : []),
        metadata: { event_type: 'fist_delivery', event_payload: { key } },
      };
      const answer = await api.write('chat.postMessage', body, false);
      return { ...answerOf(answer), isAlone: thread !== null && answer.ok && isAlone(answer.body) };
    },
    async update(room, id) {
      return answerOf(await api.write('chat.update', { channel: room, ts: id, ...message([]) }, true));
    },
    // A channel without an id cannot be looked through.
    find: (channel, thread) =>
      isSlackId(channel)
        ? findMessage(api, { channel, thread, key, since: earliestSecond(delivery) })
        : Promise.resolve({ ok: true, id: null }),
  };
}

function answerOf(answer: SlackAnswer): ChatAnswer {
  if (!answer.ok) return { ...answer, isGone: gone.has(answer.error ?? '') };
  const { channel, ts } = answer.body;
  return { ok: true, room: typeof channel === 'string' ? channel : '', id: typeof ts === 'string' ? ts : '' };
}

/** A reply to a message that somebody has deleted is posted all the same, into the channel; the answer alone tells. */
function isAlone({ message }: JsonObject): boolean {
  const { ts, thread_ts: thread } = objectOf(message);
  return typeof ts === 'string' && thread === undefined;
}

/** Refusals that are about the message, or its thread, and not about the channel: it is gone, or closed. */
const gone = new Set([
  'message_not_found',
  'thread_not_found',
  'cant_update_message',
  'edit_window_closed',
  'cannot_reply_to_message',
  'restricted_action_thread_locked',
  'restricted_action_non_threadable_channel',
]);

/**
 * Where somebody asked for the run; `thread` is empty where it was by a command. Null: nobody did, in this chat. Who asks in another
 * namespace chooses no channel of this one.
 */
function askedIn({
  namespace,
  payload: { source, data },
}: SinkDelivery): { readonly channel: string; readonly thread: string } | null {
  const { type, namespace: from } = objectOf(source);
  if (type !== 'chat' || from !== namespace) return null;
  const { platform, channel, thread } = objectOf(data);
  if (platform !== 'slack' || typeof channel !== 'string' || !isSlackId(channel)) return null;
  return { channel, thread: typeof thread === 'string' ? thread : '' };
}

/** Id of the approval that is asked for. */
function approvalOf({ payload: { approval } }: SinkDelivery): string | null {
  const { id } = objectOf(approval);
  return typeof id === 'string' ? id : null;
}
