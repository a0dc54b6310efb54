import type { CatalogSource } from '../../core/catalog.ts';
import type { JsonObject } from '../../core/json.ts';
import type { SourceWorld } from '../define.ts';
import { takeMessage } from './desk.ts';
import type { ChatReply } from './desk.ts';
import type { ChatEvent, ChatMessage } from './message.ts';
import { secretText } from '../secret-text.ts';
import { addressee, settingsOf } from './settings.ts';
import { callSlack, slackText } from './slack-api.ts';

/** Slack waits three seconds for its answer. */
const postMs = 2000;
const mostAnswered = 1000;

/** Questions that were answered, so that one which Slack sends again is not answered twice. The latest only. */
const answered = new WeakMap<SourceWorld['intake'], Set<string>>();

/**
 * Takes what Slack delivered to this Source, or to another one of the same app. Resolves when Slack may be told that it came: a run is
 * committed, a question answered. Resolves to the answer of a slash command, null = nothing is to be said. Throws where Slack shall
 * send it again.
 */
export async function takeEvent(
  receiver: CatalogSource,
  event: Exclude<ChatEvent, { readonly kind: 'challenge' }>,
  world: SourceWorld,
): Promise<JsonObject | null> {
  const found = event.kind === 'message' ? addressee(world.catalog.current(), receiver, event.message) : undefined;
  if (event.kind === 'ignored' || found === undefined) {
    const outcome = event.kind === 'ignored' ? event.reason : 'NotOurs';
    world.metrics.increment('fist_chat_messages_total', { source: receiver.name, outcome });
    return null;
  }
  const { message } = event;
  const key = `${found.namespace}/${found.name} ${message.id}`;
  const before = answeredBy(world);
  if (before.has(key)) return null;
  const reply = await takeMessage(found, message, world);
  world.metrics.increment('fist_chat_messages_total', { source: found.name, outcome: reply.outcome });
  if (reply.text === null) return null;
  if (message.trigger === 'command')
    return { response_type: reply.isPrivate ? 'ephemeral' : 'in_channel', ...slackText(reply.text) };
  const posted = post(found, message, reply, world);
  // A run is in the store; what is said of it may come later, or not at all.
  if (reply.outcome === 'run') return null;
  await posted;
  before.add(key);
  if (before.size > mostAnswered) before.delete(before.values().next().value ?? '');
  return null;
}

function answeredBy({ intake }: SourceWorld): Set<string> {
  const known = answered.get(intake) ?? new Set<string>();
  answered.set(intake, known);
  return known;
}

/** Says it where it was asked. What cannot be said is a line of the log: nobody waits for it. */
async function post(
  source: CatalogSource,
  { channel, user, thread, isReply }: ChatMessage,
  { text, isPrivate }: ChatReply,
  world: SourceWorld,
): Promise<void> {
  const { endpoint, botToken } = settingsOf(source);
  const { http, secrets, metrics, log } = world;
  if (botToken === null) return;
  // What one alone reads stands where that one wrote.
  const place = thread === null || (isPrivate && !isReply) ? {} : { thread_ts: thread };
  try {
    await callSlack(http, {
      endpoint,
      method: isPrivate ? 'chat.postEphemeral' : 'chat.postMessage',
      token: secretText(secrets, source.namespace, botToken),
      body: { channel, ...(isPrivate ? { user } : {}), ...place, ...slackText(text ?? '') },
      timeoutMs: postMs,
    });
  } catch (error) {
    metrics.increment('fist_chat_messages_total', { source: source.name, outcome: 'unanswered' });
    log.warn({ source: `${source.namespace}/${source.name}`, error }, 'a chat was not answered');
  }
}
