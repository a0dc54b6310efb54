import type { StrictVendor } from './sink-suite.ts';
import { startVendor } from './vendor.ts';
import type { VendorAnswer, VendorRequest } from './vendor.ts';

export const slackToken = 'xoxb-0123456789-abcdefghijklmnop';
export const slackChannel = 'C0123456789';

interface Text {
  readonly type?: unknown;
  readonly text?: unknown;
  readonly emoji?: unknown;
  readonly verbatim?: unknown;
}

export interface SlackBlock {
  readonly type: string;
  readonly text?: Text;
  readonly elements?: readonly (Text & { readonly value?: unknown; readonly action_id?: unknown })[];
}

/** A message, as it is now. */
export interface SlackMessage {
  readonly ts: string;
  readonly channel: string;
  readonly thread_ts?: string;
  /** A reply that the channel shows too. */
  readonly reply_broadcast?: boolean;
  readonly text?: string;
  readonly blocks?: readonly SlackBlock[];
  readonly metadata?: { readonly event_type?: unknown; readonly event_payload?: unknown };
}

export interface FakeSlack extends StrictVendor {
  readonly messages: SlackMessage[];
  /** Messages that the channel has been shown, also where they are gone since. */
  channelPosts(): number;
  remove(ts: string): void;
  /** Takes so many more posts, then answers 429. */
  limit(posts: number): void;
  /** Replies are refused with this word from now on. */
  closeThreads(error: string): void;
  /** What the app may not do. */
  deny(method: string, error: string): void;
}

/**
 * Slack's Web API (docs.slack.dev/reference/methods): 200 with `ok: false` for refusals, and the limits of Block Kit. The time
 * stamps of messages begin at `now`.
 */
export async function startSlack(now: string): Promise<FakeSlack> {
  const messages: SlackMessage[] = [];
  const shown: string[] = [];
  const refusals: string[] = [];
  const denied = new Map<string, string>();
  let made = 0;
  let channelPosts = 0;
  let left = Infinity;
  let closed: string | null = null;

  const find = (channel: unknown, ts: unknown) => messages.find((it) => it.channel === channel && it.ts === ts);

  function post(body: Body): VendorAnswer {
    if (left <= 0) return { status: 429, headers: { 'retry-after': '30' }, body: { ok: false, error: 'ratelimited' } };
    left -= 1;
    const channel = body.channel === '#incidents' ? slackChannel : body.channel;
    if (channel !== slackChannel) return no('channel_not_found');
    const problem = problemOf(body);
    if (problem !== null) return no(problem);
    if (closed !== null && body.thread_ts !== undefined) return no(closed);
    // A reply to what is gone is no refusal: it stands in the channel, alone.
    const { thread_ts: asked, reply_broadcast: isBroadcast, ...content } = body;
    const thread = asked !== undefined && find(channel, asked) !== undefined ? { thread_ts: asked } : {};
    made += 1;
    if (thread.thread_ts === undefined || isBroadcast === true) channelPosts += 1;
    const ts = `${Math.floor(Date.parse(now) / 1000) + made}.000100`;
    const broadcast = isBroadcast === undefined ? {} : { reply_broadcast: isBroadcast };
    messages.push({ ...content, ...thread, ...broadcast, channel, ts });
    shown.push(seen(body));
    return { status: 200, body: { ok: true, channel, ts, message: { type: 'message', ts, ...thread } } };
  }

  function update(body: Body): VendorAnswer {
    if (body.channel !== slackChannel) return no('channel_not_found');
    const problem = problemOf(body);
    if (problem !== null) return no(problem);
    const old = find(body.channel, body.ts);
    if (old === undefined) return no('message_not_found');
    // Metadata that is not given stays.
    messages[messages.indexOf(old)] = { ...old, ...body, channel: old.channel, ts: old.ts };
    shown.push(seen(body));
    return { status: 200, body: { ok: true, channel: old.channel, ts: old.ts } };
  }

  function list(query: URLSearchParams, thread: string | null): VendorAnswer {
    if (query.get('channel') !== slackChannel) return no('channel_not_found');
    if (thread !== null && find(slackChannel, thread) === undefined) return no('thread_not_found');
    const size = Math.min(Number(query.get('limit') ?? 100), 999);
    const from = Number(query.get('cursor') ?? 0);
    const some = messages
      .filter((it) =>
        thread === null ? it.thread_ts === undefined || it.reply_broadcast === true : it.thread_ts === thread,
      )
      .filter(({ ts }) => Number(ts) > Number(query.get('oldest') ?? 0))
      .toReversed();
    const more = some.length > from + size;
    const page = some.slice(from, from + size).map(({ metadata, ...message }) => ({
      ...message,
      ...(query.get('include_all_metadata') === 'true' ? { metadata } : {}),
    }));
    const response_metadata = { next_cursor: more ? String(from + size) : '' };
    return { status: 200, body: { ok: true, messages: page, has_more: more, response_metadata } };
  }

  function answer({ method, path, query, headers, json }: VendorRequest): VendorAnswer {
    const name = path.replace('/api/', '');
    if (headers.authorization === undefined) return no('not_authed');
    if (headers.authorization !== `Bearer ${slackToken}`) return no('invalid_auth');
    const refused = denied.get(name);
    if (refused !== undefined) return no(refused);
    if (name === 'conversations.history') return list(query, null);
    if (name === 'conversations.replies') return list(query, query.get('ts'));
    if (method !== 'POST' || !String(headers['content-type']).startsWith('application/json'))
      return no('invalid_form_data');
    if (name === 'chat.postMessage') return post(json as Body);
    if (name === 'chat.update') return update(json as Body);
    return no('unknown_method');
  }

  function no(error: string): VendorAnswer {
    refusals.push(error);
    return { status: 200, body: { ok: false, error } };
  }

  const vendor = await startVendor(answer);
  return {
    vendor: { ...vendor, refusals },
    effects: () => made,
    shown: () => shown,
    messages,
    channelPosts: () => channelPosts,
    remove: (ts) =>
      void messages.splice(
        messages.findIndex((it) => it.ts === ts),
        1,
      ),
    limit: (posts) => void (left = posts),
    closeThreads: (error) => void (closed = error),
    deny: (method, error) => void denied.set(method, error),
  };
}

export type Body = Partial<Record<'channel' | 'ts', string>> &
  Omit<SlackMessage, 'channel' | 'ts'> & {
    readonly mrkdwn?: boolean;
    readonly parse?: string;
    readonly link_names?: unknown;
  };

/** What Slack refuses of a message; null = nothing. */
export function problemOf({ text = '', blocks = [], metadata, link_names }: Body): string | null {
  if (link_names !== undefined) return 'invalid_arguments';
  if (text === '' && blocks.length === 0) return 'no_text';
  if (text.length > 40_000) return 'msg_too_long';
  if (blocks.length > 50) return 'invalid_blocks';
  if (JSON.stringify(blocks).length > 13_200) return 'msg_blocks_too_long';
  if (metadata !== undefined && (typeof metadata.event_type !== 'string' || typeof metadata.event_payload !== 'object'))
    return 'invalid_metadata_format';
  return blocks.every(isBlock) ? null : 'invalid_blocks';
}

function isBlock({ type, text, elements = [] }: SlackBlock): boolean {
  switch (type) {
    case 'header':
      return text?.type === 'plain_text' && isText(text, 150);
    case 'section':
      return isText(text, 3000);
    case 'context':
      return elements.length >= 1 && elements.length <= 10 && elements.every((element) => isText(element, 3000));
    case 'actions':
      return (
        elements.length <= 25 &&
        elements.every(({ value, action_id }) => isShort(value, 2000) && isShort(action_id, 255))
      );
    default:
      return false;
  }
}

function isText(text: Text | undefined, most: number): boolean {
  if (text === undefined || !isShort(text.text, most) || text.text === '') return false;
  return text.type === 'plain_text' ? text.verbatim === undefined : text.type === 'mrkdwn' && text.emoji === undefined;
}

function isShort(value: unknown, most: number): boolean {
  return typeof value === 'string' && value.length <= most;
}

/** What people see of a message; what Slack makes of markup stands in ⟦ ⟧. */
function seen({ text = '', blocks = [], mrkdwn, parse }: Body): string {
  const short = mrkdwn === false ? unescaped(entities(text)) : marked(text);
  const parts = blocks.flatMap(({ text: own, elements = [] }) => [...(own === undefined ? [] : [own]), ...elements]);
  return [parse === 'none' ? short : linked(short), ...parts.map(partSeen)].join('\n');
}

function partSeen({ type, text, emoji, verbatim }: Text): string {
  const value = typeof text === 'string' ? text : '';
  if (type === 'plain_text') return emoji === false ? value : emojis(value);
  if (type !== 'mrkdwn') return '';
  return verbatim === true ? marked(value) : linked(marked(value));
}

function marked(text: string): string {
  const styled = entities(text)
    .replace(/(?<![A-Za-z0-9])([*_~`])(?=\S)(.*?\S)\1(?![A-Za-z0-9])/g, '⟦style $2⟧')
    .replace(/^(?:>|&gt;)/gm, '⟦quote⟧');
  return unescaped(emojis(styled));
}

function entities(text: string): string {
  return text
    .replace(/<(https?:[^>|]*|mailto:[^>|]*)(\|[^>]*)?>/g, '⟦link $1⟧')
    .replace(/<([!@#][^>]*)>/g, '⟦mention $1⟧');
}

function emojis(text: string): string {
  return text.replace(/:(?:[a-z0-9_'+-]*[a-z][a-z0-9_'+-]*|100|1234|[+-]1):/g, '⟦emoji⟧');
}

function linked(text: string): string {
  return text.replace(/(?<!⟦link )https?:\S+/g, '⟦link⟧').replace(/(?<![A-Za-z0-9])[@#][a-z]+/g, '⟦mention⟧');
}

function unescaped(text: string): string {
  return text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
}
