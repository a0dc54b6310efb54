import { z } from 'zod';
import type { JsonObject } from '../core/json.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { earliestSecond, tellIncident } from './chat-thread.ts';
import type { ChatAnswer, ChatRoom, ChatSearch } from './chat-thread.ts';
import { asCode, chatRatePerMinute, chatSign, chatText, fitted, whole } from './chat.ts';
import { rule } from '../lib/rule.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery, SinkIo } from './define.ts';
import { channel, endpoint, mentionUsers, messageType, template } from './fields.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import type { SinkRequest } from './http.ts';
import { viewOf } from './payload.ts';

/** Servers take 16,383 characters; those of before 5.0 took 4,000. */
const mostBodyCharacters = 12_000;
const mostAnswerBytes = 4 * 1024 * 1024;

/**
 * Posts of a bot by the API, which unlike a webhook lets them be brought up to date and answered in a thread. Text of alerts
 * stands in code, where Mattermost reads no mentions. A post whose answer was lost is looked for by its properties.
 */
export const mattermost = defineSink({
  type: 'mattermost',
  description: 'A post in a Mattermost channel, kept up to date, with a thread.',
  example: {
    endpoint: 'https://chat.example.com',
    channel: '4xp9fdt7pbgium38k0ls2gtbwr',
    botToken: 'mattermost-bot-token',
  },
  remembers: true,
  ratePerMinute: chatRatePerMinute,
  escape: asCode,
  config: z
    .object({
      endpoint,
      channel: channel.meta({ description: 'Id of the channel (26 letters and digits), from "View Info".' }),
      botToken: secretRef.meta({ description: 'Secret with the access token of the bot account: name, or name/key.' }),
      messageType,
      mentionUsers: mentionUsers.meta({
        description: 'Who is told by the first post while it fires: names of users and groups, here, channel.',
      }),
      template: template.optional(),
    })
    .check(
      rule(
        "self.channel.matches('^[a-z0-9]{26}$')",
        'must be the id of a channel, 26 letters and digits',
        ({ channel: given }) => /^[a-z0-9]{26}$/.test(given),
        ['channel'],
      ),
    ),
  deliver(io, config, delivery) {
    const token = io.secret(parseSecretReference(config.botToken));
    return tellIncident(roomOf({ io, config, delivery, token }), delivery, io);
  },
});

interface Job {
  readonly io: SinkIo;
  readonly token: string;
  readonly delivery: SinkDelivery;
  readonly config: {
    readonly endpoint: string;
    readonly channel: string;
    readonly messageType: 'message' | 'thread';
    readonly mentionUsers: readonly string[];
    readonly template?: string | undefined;
  };
}

function roomOf(job: Job): ChatRoom {
  const { config, delivery } = job;
  const props = { fist_key: delivery.idempotencyKey };
  return {
    room: config.channel,
    hasThreads: true,
    isLoose: config.messageType === 'message',
    async post({ room, thread, isFirst }) {
      const message = textOf(job, isFirst ? config.mentionUsers : []);
      const body = { channel_id: room, message, props, ...(thread === null ? {} : { root_id: thread }) };
      return answerOf(room, await call(job, { method: 'POST', url: '/posts', body }));
    },
    async update(room, id) {
      const body = { message: textOf(job, []) };
      return answerOf(room, await call(job, { method: 'PUT', url: `/posts/${id}/patch`, body, isIdempotent: true }));
    },
    find: (room) => find(job, room),
  };
}

async function call({ io, config, token }: Job, request: SinkRequest) {
  const url = below(config.endpoint, `/api/v4${request.url}`);
  const headers = { authorization: `Bearer ${token}` };
  const answer = await sendRequest(io, { ...request, url, headers, maxResponseBytes: mostAnswerBytes });
  const body = answer.response === null ? undefined : (jsonOf(answer.response) as JsonObject | null | undefined);
  return { answer, body: body ?? {} };
}

function answerOf(room: string, { answer, body }: Awaited<ReturnType<typeof call>>): ChatAnswer {
  if (answer.ok) return { ok: true, room, id: textIn(body, 'id') };
  const isGone =
    textIn(body, 'id').includes('root_id') || (answer.response?.status === 404 && textIn(body, 'id').includes('post'));
  return { ok: false, isGone, verdict: answer.verdict };
}

function textIn(body: JsonObject, name: string): string {
  const value = body[name];
  return typeof value === 'string' ? value : '';
}

/** What was posted or changed in the channel since, in threads too. Where one may not look, nothing is found. */
async function find(job: Job, room: string): Promise<ChatSearch> {
  const since = earliestSecond(job.delivery) * 1000;
  const { answer, body } = await call(job, { method: 'GET', url: `/channels/${room}/posts?since=${since}` });
  if (!answer.ok) return answer.verdict.retry ? { ok: false, verdict: answer.verdict } : { ok: true, id: null };
  const { posts = {} } = body as unknown as { readonly posts?: Readonly<Record<string, Post>> };
  const key = job.delivery.idempotencyKey;
  const found = Object.values(posts).find((post) => post.props?.fist_key === key && (post.delete_at ?? 0) === 0);
  return { ok: true, id: found?.id ?? null };
}

interface Post {
  readonly id: string;
  readonly delete_at?: number;
  readonly props?: { readonly fist_key?: unknown } | null;
}

function textOf({ config, delivery }: Job, mentions: readonly string[]): string {
  const view = viewOf(delivery.payload);
  const { title, body } = chatText(view);
  const text =
    whole(config.template, mostBodyCharacters) ?? asCode(`${fitted(body, mostBodyCharacters, view)}\n`).trim();
  return [
    `${chatSign(view)} ${asCode(title)}`,
    mentions.map((name) => `@${name.replace(/^@/, '')}`).join(' '),
    text,
    view.url === null ? '' : `[Run](${view.url})`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}
