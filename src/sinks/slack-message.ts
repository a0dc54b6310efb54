import type { JsonObject } from '../core/json.ts';
import { cutText } from '../lib/cut.ts';
import { printable } from '../lib/printable.ts';
import { chatSign, chatText, fitted } from './chat.ts';
import type { PayloadView } from './payload.ts';

/** Limits of Block Kit; the whole of a message is refused from about 13,200 characters on (slackapi/bolt-js#2509). */
const mostHeaderCharacters = 150;
const mostSectionCharacters = 3000;
const mostBodyCharacters = 9000;
const mostFallbackCharacters = 500;

/** What a message says beside the text of the delivery. */
export interface SlackMessageOptions {
  /** Markup of the author, in place of the body; undefined = the text of the delivery. */
  readonly template: string | undefined;
  /** Ids of users and groups. */
  readonly mentions: readonly string[];
  /** Id of an approval that is asked for; null = none is. */
  readonly approval: string | null;
}

/**
 * `text` and `blocks` of a message. Text of alerts stands in `plain_text`, in which Slack reads no markup; the address of the
 * run is the one link.
 */
export function slackMessage(view: PayloadView, options: SlackMessageOptions): JsonObject {
  const { title, body } = chatText(view);
  const head = `${chatSign(view)} ${title}`;
  const rest = head.length > mostHeaderCharacters ? `${title}\n\n${body}` : body;
  const { template } = options;
  const parts = template === undefined ? piecesOf(fitted(rest, mostBodyCharacters, view)) : [];
  const authored = template === undefined ? [] : piecesOf(fitted(template.trim(), mostBodyCharacters, view));
  const { mentions, approval } = options;
  return {
    text: escapeMarkup(cutText(`${title}\n${body}`.trim(), mostFallbackCharacters)),
    parse: 'none',
    blocks: [
      { type: 'header', text: plainText(cutText(head, mostHeaderCharacters)) },
      ...(mentions.length === 0 ? [] : [section(markup(mentions.map(mentionOf).join(' ')))]),
      ...parts.map((part) => section(plainText(part))),
      ...authored.map((part) => section(markup(part))),
      ...(view.url === null ? [] : [{ type: 'context', elements: [markup(link(view.url, 'Run'))] }]),
      ...(approval === null ? [] : [approvalButtons(approval)]),
    ],
  };
}

/**
 * What a template prints, as text of `mrkdwn`: no mention, link, emphasis, code, quote or emoji. Marks that would begin or end
 * one become letters that look like them; names and addresses stay as they are.
 */
export function escapeMarkup(value: string): string {
  return escaped(printable(value).replace(/^[ \t]*>/gm, '›'))
    .replace(/(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9])/g, (mark) => lookAlikes[mark] ?? mark)
    .replace(/`/g, 'ˋ')
    .replace(/:(?=(?:[a-z0-9_'+-]*[a-z][a-z0-9_'+-]*|100|1234|[+-]1):)/gi, '꞉');
}

const lookAlikes: Readonly<Record<string, string>> = { '*': '∗', _: 'ˍ', '~': '∼' };

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function plainText(text: string): JsonObject {
  return { type: 'plain_text', text, emoji: false };
}

/** `verbatim`: what looks like an address or a channel is no link. */
function markup(text: string): JsonObject {
  return { type: 'mrkdwn', text, verbatim: true };
}

function section(text: JsonObject): JsonObject {
  return { type: 'section', text };
}

function link(url: string, title: string): string {
  return `<${escaped(url).replace(/\|/g, '%7C')}|${title}>`;
}

/** A name, which Slack has no id of, is shown and tells nobody. */
function mentionOf(name: string): string {
  if (/^[UW][A-Z0-9]{5,}$/.test(name)) return `<@${name}>`;
  if (/^S[A-Z0-9]{5,}$/.test(name)) return `<!subteam^${name}>`;
  const group = name.replace(/^@/, '');
  return ['here', 'channel', 'everyone'].includes(group) ? `<!${group}>` : escapeMarkup(name);
}

/** The value is the id alone: what it stands for is looked up by whoever takes the answer. */
function approvalButtons(id: string): JsonObject {
  const button = (answer: string, style: string) => ({
    type: 'button',
    action_id: `fist-${answer}`,
    text: plainText(answer === 'approve' ? 'Approve' : 'Refuse'),
    style,
    value: id,
  });
  return {
    type: 'actions',
    block_id: `fist-approval-${id}`,
    elements: [button('approve', 'primary'), button('refuse', 'danger')],
  };
}

/** Text in pieces that a section takes, cut between lines where there are some. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > mostSectionCharacters) {
    const line = rest.lastIndexOf('\n', mostSectionCharacters);
    const piece = line > 0 ? rest.slice(0, line) : cutText(rest, mostSectionCharacters).slice(0, -1);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return [...pieces, rest].map((piece) => piece.trimEnd().replace(/^\n+/, '')).filter((piece) => piece.trim() !== '');
}
