import { objectOf } from '../../core/json.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';

/** What somebody wrote to us in a chat. All of it is data. */
export interface ChatMessage {
  readonly trigger: 'mention' | 'command';
  /** Names it, however often it is delivered. */
  readonly id: string;
  /** Id of the channel. */
  readonly channel: string;
  /** Null where the chat does not tell it. */
  readonly channelName: string | null;
  /** Id of who wrote it. */
  readonly user: string;
  /** Where an answer belongs: the thread that it stands in, or that begins with it; null = there is none. */
  readonly thread: string | null;
  /** It stands in a thread that another message began. */
  readonly isReply: boolean;
  /** `/fist`; null = it is a mention. */
  readonly command: string | null;
  /** Without the mention and the markup. */
  readonly text: string;
}

/** What Slack delivered. */
export type ChatEvent =
  | { readonly kind: 'message'; readonly message: ChatMessage }
  /** It wants to know whether it speaks to the right one. */
  | { readonly kind: 'challenge'; readonly challenge: string }
  /** `reason` is CamelCase. */
  | { readonly kind: 'ignored'; readonly reason: string };

const longestText = 4000;

/** A payload of the Events API, with the same shape over HTTP and Socket Mode. Pure. */
export function eventOf(payload: JsonObject): ChatEvent {
  const { type, challenge, event_id: id } = payload;
  if (type === 'url_verification' && typeof challenge === 'string') return { kind: 'challenge', challenge };
  const event = objectOf(payload['event']);
  if (type !== 'event_callback' || typeof id !== 'string' || event['type'] !== 'app_mention')
    return ignored('OtherEvent');
  const own = ownUser(payload);
  const [user = '', channel = '', ts = '', text = ''] = ['user', 'channel', 'ts', 'text'].map((name) =>
    textOf(event[name]),
  );
  if (event['bot_id'] !== undefined || event['bot_profile'] !== undefined || (own !== undefined && user === own))
    return ignored('FromBot');
  if (event['edited'] !== undefined || event['subtype'] !== undefined) return ignored('Edited');
  if ([user, channel, ts, text].includes('')) return ignored('OtherEvent');
  const thread = textOf(event['thread_ts']);
  const isReply = thread !== '' && thread !== ts;
  return {
    kind: 'message',
    message: {
      trigger: 'mention',
      id,
      channel,
      channelName: null,
      user,
      thread: isReply ? thread : ts,
      isReply,
      command: null,
      text: plainText(withoutMention(text, own)),
    },
  };
}

/** A slash command, as a form or as the payload of an envelope. Pure. */
export function commandOf(fields: Readonly<Record<string, JsonValue | undefined>>): ChatEvent {
  const field = (name: string): string => textOf(fields[name]);
  const [command, id, channel, user] = ['command', 'trigger_id', 'channel_id', 'user_id'].map(field);
  if (!command || !id || !channel || !user) return ignored('OtherEvent');
  return {
    kind: 'message',
    message: {
      trigger: 'command',
      id,
      channel,
      channelName: field('channel_name'),
      user,
      thread: null,
      isReply: false,
      command,
      text: plainText(field('text')),
    },
  };
}

/** Nothing for us. */
export function ignored(reason: string): ChatEvent {
  return { kind: 'ignored', reason };
}

/** Id of the app's own user; undefined where Slack does not tell it. */
function ownUser(payload: JsonObject): string | undefined {
  const given = payload['authorizations'];
  const bots = (Array.isArray(given) ? given : []).map(objectOf).filter((one) => one['is_bot'] === true);
  const user = bots[0]?.['user_id'];
  return typeof user === 'string' ? user : undefined;
}

function withoutMention(text: string, own: string | undefined): string {
  const mine = own !== undefined && /^[A-Z0-9]+$/.test(own) ? `<@${own}(?:\\|[^>]*)?>` : '<@[^>]*>';
  return text.replace(new RegExp(mine), ' ');
}

/** What people see: links, users and channels by what stands in their place, characters as they are. */
function plainText(text: string): string {
  return text
    .slice(0, longestText)
    .replace(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_whole, target: string, label: string | undefined) => label ?? target)
    .replace(/&(lt|gt|amp);/g, (_whole, name: 'lt' | 'gt' | 'amp') => ({ lt: '<', gt: '>', amp: '&' })[name])
    .replace(/\s+/g, ' ')
    .trim();
}

/** Empty where it is no text. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
