import { z } from 'zod';
import { severities } from '../core/alert.ts';
import type { JsonObject } from '../core/json.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { chatRatePerMinute } from './chat.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery, SinkIo } from './define.ts';
import { endpoint, template } from './fields.ts';
import type { Failure } from './http.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';
import { findMessage, slackApi } from './slack-api.ts';
import type { SlackApi } from './slack-api.ts';
import { escapeMarkup, slackMessage } from './slack-message.ts';
import { isSlackId, placeOf, referenceOf, stillRecent } from './slack-place.ts';
import type { SlackPlace } from './slack-place.ts';

/** Messages to the channel about one incident, whatever happens; what else there is to say is said in the thread. */
export const mostPosts = 12;

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
    channel: z.string().min(1).max(255).meta({
      description: 'Id of the channel (C...), or its name. With an id no message comes twice where an answer was lost.',
    }),
    botToken: secretRef.meta({
      description: 'Secret with the bot token (xoxb-...): name, or name/key. Scopes: chat:write, channels:history.',
    }),
    messageType: z.enum(['message', 'thread']).default('thread').meta({
      description: 'thread: one message for an incident, with the rest in its thread. message: each is one of its own.',
    }),
    mentionUsers: z.array(z.string().max(255)).max(50).default([]).meta({
      description:
        'Who is told by the first message while it fires: ids of users (U...) and groups (S...), here, channel. A name notifies nobody.',
    }),
    template: template.optional(),
  }),
  async deliver(io, config, delivery) {
    const token = io.secret(parseSecretReference(config.botToken));
    const job: Job = {
      io,
      api: slackApi(io, config.endpoint, token),
      config,
      delivery,
      view: viewOf(delivery.payload),
    };
    const { own, open, closed, incident } = delivery.known;
    const before = placeOf(own) ?? placeOf(open) ?? stillRecent(placeOf(closed), io.now());
    const result = await tell(job, before, delivery.payload['sameAs'] === null ? null : placeOf(incident));
    if (result.ok) return { ok: true, reference: referenceOf(result.place) };
    const { verdict, place } = result;
    return place === before || place === null ? verdict : { ...verdict, reference: referenceOf(place) };
  },
});

interface Job {
  readonly io: SinkIo;
  readonly api: SlackApi;
  readonly config: SlackTexts;
  readonly delivery: SinkDelivery;
  readonly view: PayloadView;
}

interface SlackTexts {
  readonly channel: string;
  readonly messageType: 'message' | 'thread';
  readonly mentionUsers: readonly string[];
  readonly template?: string | undefined;
}

/** Nothing is fetched for what a message names, and its short form is no markup. */
const quiet = { mrkdwn: false, unfurl_links: false, unfurl_media: false };

/** `place` of a failure is what is known all the same. */
type Result =
  | { readonly ok: true; readonly place: SlackPlace }
  | { readonly ok: false; readonly verdict: Failure; readonly place: SlackPlace | null };

/** `teller` is the thread of the report that told the same cause. */
async function tell(job: Job, before: SlackPlace | null, teller: SlackPlace | null): Promise<Result> {
  const { delivery, config } = job;
  if (config.messageType === 'message' && (before === null || before.posts < mostPosts)) return post(job, before);
  if (teller !== null && (before === null || before.ts === null || before.posts === 0)) {
    return reply(job, { ...teller, posts: 0, told: before?.told ?? null }, 'in the thread');
  }
  if (before === null || before.ts === null) return post(job, before);
  // Whose cause was told by another until now, and is one of its own.
  if (before.posts === 0)
    return delivery.event === 'run-finished' ? post(job, before) : reply(job, before, 'in the thread');
  const isUpdated = wantsUpdate(before, delivery) ? await update(job, before) : ({ ok: true, place: before } as const);
  if (!isUpdated.ok || isUpdated.place.ts !== before.ts) return isUpdated;
  if (teller !== null && teller.ts !== before.ts) {
    const pointed = await reply(job, teller, 'where there is one');
    return pointed.ok ? { ok: true, place: after(before, job) } : { ...pointed, place: before };
  }
  if (!wantsReply(before, delivery)) return { ok: true, place: after(before, job) };
  const isShown = before.posts < mostPosts && mustBeSeen(before, job);
  return reply(job, before, isShown ? 'in the channel too' : 'in the thread');
}

/** Work that begins again does not hide the report that is there. */
function wantsUpdate({ told }: SlackPlace, { event }: SinkDelivery): boolean {
  return event !== 'approval-requested' && !(event === 'run-started' && told === 'run-finished');
}

function wantsReply({ told }: SlackPlace, { event }: SinkDelivery): boolean {
  if (event === 'approval-requested' || event === 'alert-resolved') return true;
  return told === 'run-finished' || told === 'alert-resolved';
}

function mustBeSeen({ told, severity }: SlackPlace, { delivery: { event }, view }: Job): boolean {
  if (event === 'alert-resolved' || view.isOver) return false;
  return event === 'approval-requested' || told === 'alert-resolved' || rank(view.severity) < rank(severity);
}

function rank(severity: string): number {
  const index = (severities as readonly string[]).indexOf(severity);
  return index === -1 ? severities.length : index;
}

/** A message in the channel. */
async function post(job: Job, before: SlackPlace | null): Promise<Result> {
  const { api, config, delivery, view } = job;
  const posts = before?.posts ?? 0;
  if (posts >= mostPosts) {
    const reason = `${mostPosts} messages of this incident were posted, and the last of them is gone`;
    return { ok: false, verdict: { ok: false, retry: false, reason }, place: before };
  }
  const channel = before !== null && isSlackId(before.channel) ? before.channel : config.channel;
  const base: SlackPlace = before ?? { channel, ts: null, posts: 0, told: null, severity: view.severity };
  const found = await earlier(job, channel, null);
  if (!found.ok) return { ...found, place: before };
  // One that was counted when its answer was lost has no time stamp yet.
  const counted = found.ts !== null && before !== null && before.ts === null && posts > 0 ? posts : posts + 1;
  if (found.ts !== null) return { ok: true, place: after({ ...base, channel, ts: found.ts, posts: counted }, job) };
  const mentions = base.told === null && !view.isOver ? config.mentionUsers : [];
  const body = { channel, ...quiet, ...messageOf(job, mentions), ...metadataOf(delivery) };
  const answer = await api.write('chat.postMessage', body, false);
  if (!answer.ok) {
    const isCounted = answer.verdict.ambiguous === true;
    return { ...answer, place: isCounted ? { ...base, channel, ts: null, posts: counted } : before };
  }
  const { channel: id, ts } = answer.body;
  const place = {
    ...base,
    channel: typeof id === 'string' ? id : channel,
    ts: typeof ts === 'string' ? ts : null,
    posts: counted,
  };
  return { ok: true, place: after(place, job) };
}

/** Brings the message up to date; a new one where it is gone. */
async function update(job: Job, place: SlackPlace): Promise<Result> {
  const { channel, ts } = place;
  const answer = await job.api.write('chat.update', { channel, ts, ...messageOf(job, []) }, true);
  if (answer.ok) return { ok: true, place };
  return isGone(answer.error) ? post(job, { ...place, ts: null }) : { ...answer, place };
}

/** A message in the thread; where that is gone one in the channel, or none where it was to be `where there is one`. */
async function reply(
  job: Job,
  place: SlackPlace,
  where: 'in the thread' | 'in the channel too' | 'where there is one',
): Promise<Result> {
  const { channel, ts } = place;
  const isShown = where === 'in the channel too';
  const found = await earlier(job, channel, ts);
  if (!found.ok) return { ...found, place };
  const counted = isShown ? { ...place, posts: place.posts + 1 } : place;
  if (found.ts !== null) return { ok: true, place: after(counted, job) };
  const body = {
    channel,
    thread_ts: ts,
    ...(isShown ? { reply_broadcast: true } : {}),
    ...quiet,
    ...messageOf(job, []),
    ...metadataOf(job.delivery),
  };
  const answer = await job.api.write('chat.postMessage', body, false);
  if (answer.ok) return { ok: true, place: after(counted, job) };
  if (isGone(answer.error))
    return where === 'where there is one' ? { ok: true, place } : post(job, { ...place, ts: null });
  return { ...answer, place: answer.verdict.ambiguous === true ? counted : place };
}

function isGone(error: string | null): boolean {
  return ['message_not_found', 'thread_not_found', 'cant_update_message', 'edit_window_closed'].includes(error ?? '');
}

/** The message of this delivery that an attempt before may have sent. A channel without an id cannot be looked through. */
async function earlier({ api, delivery }: Job, channel: string, thread: string | null): ReturnType<typeof findMessage> {
  if (!delivery.isRepeat || !isSlackId(channel)) return { ok: true, ts: null };
  const { timestamp } = delivery.payload;
  const createdMs = typeof timestamp === 'string' ? Date.parse(timestamp) : 0;
  // Clocks differ.
  const since = Math.max(0, Math.floor(createdMs / 1000) - 300);
  return findMessage(api, { channel, thread, key: delivery.idempotencyKey, since });
}

/** What was told last, once it is told. */
function after(place: SlackPlace, { delivery: { event }, view }: Job): SlackPlace {
  const isKept = event === 'approval-requested' || (event === 'run-started' && place.told === 'run-finished');
  return { ...place, told: isKept ? place.told : event, severity: view.severity };
}

function messageOf({ view, config, delivery }: Job, mentions: readonly string[]): JsonObject {
  const { approval } = delivery.payload;
  const id = approval !== null && typeof approval === 'object' && !Array.isArray(approval) ? approval?.['id'] : null;
  return slackMessage(view, { template: config.template, mentions, approval: typeof id === 'string' ? id : null });
}

function metadataOf({ idempotencyKey }: SinkDelivery): JsonObject {
  return { metadata: { event_type: 'fist_delivery', event_payload: { key: idempotencyKey } } };
}
