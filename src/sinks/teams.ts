import { z } from 'zod';
import { cutText } from '../lib/cut.ts';
import { chatRatePerMinute, chatSign, chatText, fitted, sized } from './chat.ts';
import { defineSink } from './define.ts';
import { endpointSecret, template } from './fields.ts';
import { secretAddress, sendRequest } from './http.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

/** A message may have 28 KB, with what the workflow adds. */
const mostMessageBytes = 24_000;
const mostTextCharacters = 8000;
const mostTitleCharacters = 500;

/**
 * An Adaptive Card by a workflow ("Send webhook alerts to a channel"), which answers nothing that a later delivery could go on
 * with: each is a card of its own. A line is a block. Text stands in text runs, in which Teams reads no Markdown.
 */
export const teams = defineSink({
  type: 'teams',
  description: 'Adaptive Cards in a Microsoft Teams channel, by a Power Automate workflow.',
  example: { endpointSecret: 'teams-webhook' },
  ratePerMinute: chatRatePerMinute,
  config: z.object({ endpointSecret, template: template.optional() }),
  async deliver(io, config, delivery) {
    const url = secretAddress(io, config.endpointSecret).href;
    const view = viewOf(delivery.payload);
    const body = sized(mostMessageBytes, mostTextCharacters, (most) => messageOf(view, most));
    const answer = await sendRequest(io, { method: 'POST', url, body });
    return answer.ok ? { ok: true, reference: null } : answer.verdict;
  },
});

function messageOf(view: PayloadView, mostCharacters: number) {
  const { title, body } = chatText(view);
  const head = `${chatSign(view)} ${cutText(title, mostTitleCharacters)}`;
  const lines = fitted(body, mostCharacters, view).split('\n');
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    fallbackText: cutText(title, mostTitleCharacters),
    body: [
      richText([{ type: 'TextRun', text: head, weight: 'Bolder', size: 'Medium', color: colourOf(view) }], 'Default'),
      ...lines
        .map((line, index) => ({ line, spacing: lines[index - 1]?.trim() === '' || index === 0 ? 'Medium' : 'None' }))
        .filter(({ line }) => line.trim() !== '')
        .map(({ line, spacing }) => richText([{ type: 'TextRun', text: indented(line) }], spacing)),
    ],
    ...(view.url === null ? {} : { actions: [{ type: 'Action.OpenUrl', title: 'Run', url: view.url }] }),
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

function richText(inlines: readonly object[], spacing: string) {
  return { type: 'RichTextBlock', inlines, spacing };
}

function colourOf({ isOver, severity }: PayloadView): string {
  if (isOver) return 'Good';
  return severity === 'critical' ? 'Attention' : severity === 'warning' ? 'Warning' : 'Accent';
}

/** Spaces at the beginning of a line would be left out. */
function indented(line: string): string {
  return line.replace(/^ +/, (spaces) => '\u00a0'.repeat(spaces.length));
}
