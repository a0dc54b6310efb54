import { cutText } from '../lib/cut.ts';
import { printable } from '../lib/printable.ts';
import { runLink, titleFor, titleOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

// What sinks that write to people share: the text of a delivery in two parts, of a length that the receiver takes.

/** The text of a delivery, without control characters. */
export interface ChatText {
  /** One line: `FIRING critical KubePodCrashLooping pod/shop/web-1 for 12m`. */
  readonly title: string;
  /** The lines below it; may be empty. */
  readonly body: string;
}

/** Attempts per minute that a chat takes without complaint: most allow about one message a second for a channel. */
export const chatRatePerMinute = 30;

const mostTitleCharacters = 300;

/** Takes the first line of a text, with the lines that go on with it, from the rest. */
export function chatText(view: PayloadView): ChatText {
  const text = printable(view.text).trim();
  const [head = ''] = /^.*(?:\n {2,}\S.*)*/.exec(text) ?? [];
  const title = head.replace(/\n */g, ' ');
  return {
    title: title || titleFor(undefined, titleOf(view), mostTitleCharacters),
    body: text.slice(head.length).trim(),
  };
}

/** A sign before the title, for who sees many of them. */
export function chatSign({ isOver, severity }: PayloadView): string {
  if (isOver) return '🟢';
  return severity === 'critical' ? '🔴' : severity === 'warning' ? '🟠' : '🔵';
}

/** Text of at most so many characters; where some are left out it says where all of it is. */
export function fitted(text: string, mostCharacters: number, view: PayloadView): string {
  if (text.length <= mostCharacters) return text;
  const note = `\n[cut: ${text.length} characters in all; ${cutText(runLink(view), 500)}]`;
  return cutText(text, mostCharacters - note.length) + note;
}

/** Markup of an author, where it fits: what is cut might say something else. */
export function whole(template: string | undefined, mostCharacters: number): string | null {
  return template !== undefined && template.length <= mostCharacters ? template.trim() : null;
}

/** The first body that has at most so many bytes as JSON, with text of `mostCharacters` characters or fewer. */
export function sized<Body>(mostBytes: number, mostCharacters: number, make: (mostCharacters: number) => Body): Body {
  for (let most = mostCharacters; ; most = Math.floor(most * 0.7)) {
    const body = make(most);
    if (most < 100 || Buffer.byteLength(JSON.stringify(body)) <= mostBytes) return body;
  }
}

/** Text in which Markdown reads nothing: code that its content cannot end. */
export function asCode(value: string): string {
  const text = printable(value).replace(/`/g, 'ˋ');
  if (text.trim() === '') return '';
  return text.includes('\n') ? `\n\`\`\`\n${text}\n\`\`\`\n` : `\`${text}\``;
}

/** Text in which HTML reads nothing, also within double quotes. */
export function asHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
