import { sha256Hex } from '../lib/hash.ts';
import { cutText } from '../lib/cut.ts';
import { asHtml, chatText, fitted } from './chat.ts';
import type { SinkDelivery } from './define.ts';
import { runLink, titleFor, titleOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

const mostSubjectCharacters = 200;
const mostTextCharacters = 100_000;

export interface MailHead {
  /** Name and address, or an address. */
  readonly from: string;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly subject: string | undefined;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

/** A mail as it is sent, and what it is called. */
export interface MailContent {
  readonly messageId: string;
  readonly content: Buffer;
}

/**
 * Plain text and the same as HTML. The Message-ID is that of the delivery in all attempts; all mails of an alert refer to one
 * that nobody sent, which makes a thread of them. What comes from an alert is text in both parts, and one line in the subject.
 */
export async function mailContent(
  head: MailHead,
  view: PayloadView,
  { idempotencyKey, subjectKey }: Pick<SinkDelivery, 'idempotencyKey' | 'subjectKey'>,
): Promise<MailContent> {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const from = parseMailbox(head.from);
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1);
  const messageId = `<${sha256Hex(idempotencyKey).slice(0, 40)}@${domain}>`;
  const thread = `<incident.${sha256Hex(subjectKey).slice(0, 40)}@${domain}>`;
  const addressed = (addresses: readonly string[]) => addresses.map((address) => ({ name: '', address }));
  const mail = new MailComposer({
    from,
    to: addressed(head.to),
    cc: addressed(head.cc),
    subject: subjectOf(head.subject, view),
    date: new Date(head.sentAt),
    messageId,
    inReplyTo: thread,
    references: thread,
    // No answer of somebody who is away (RFC 3834; the other is Exchange's).
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    ...bodies(view),
  });
  return { messageId, content: await mail.compile().build() };
}

/** Takes `Name <a@b>` or `a@b` apart. */
export function parseMailbox(text: string): { readonly name: string; readonly address: string } {
  const [, name = '', address = text] = /^([^<]*)<([^>]*)>$/.exec(text) ?? [];
  return { name: name.trim(), address };
}

/** Without the state, which changes: mail programs make a thread only of what has one subject. */
function subjectOf(authored: string | undefined, view: PayloadView): string {
  return titleFor(authored, titleOf(view), mostSubjectCharacters);
}

function bodies(view: PayloadView): { readonly text: string; readonly html: string } {
  const { title, body } = chatText(view);
  const text = fitted(body, mostTextCharacters, view);
  const head = cutText(title, mostTextCharacters);
  const link =
    view.url === null
      ? `<p>${asHtml(runLink(view))}</p>`
      : `<p><a href="${asHtml(view.url)}">${asHtml(view.url)}</a></p>`;
  return {
    text: [head, text, runLink(view)].filter((part) => part !== '').join('\n\n'),
    html: [
      '<!doctype html><html><body>',
      `<p><strong>${asHtml(head)}</strong></p>`,
      text === '' ? '' : `<pre style="white-space: pre-wrap">${asHtml(text)}</pre>`,
      link,
      '</body></html>',
    ]
      .filter((part) => part !== '')
      .join('\n'),
  };
}
