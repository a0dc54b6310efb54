import { z } from 'zod';
import { cutText } from '../lib/cut.ts';
import { sha256Hex } from '../lib/hash.ts';
import { chatRatePerMinute, chatSign, chatText, fitted, sized } from './chat.ts';
import { defineSink } from './define.ts';
import { endpointSecret, template } from './fields.ts';
import { secretAddress, sendRequest } from './http.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

/** Of a message with its card. */
const mostMessageBytes = 32_000;
const mostTitleCharacters = 200;
const mostTextCharacters = 8000;

/**
 * A card by a webhook of a space. Webhooks cannot bring a message up to date: an incident is a thread, whose key is the reference;
 * what points at another report goes into its thread. `requestId` makes one message of a request that is sent again.
 */
export const googlechat = defineSink({
  type: 'googlechat',
  description: 'Cards in a Google Chat space, one thread for an incident.',
  example: { endpointSecret: 'googlechat-webhook' },
  remembers: true,
  ratePerMinute: chatRatePerMinute,
  config: z.object({ endpointSecret, template: template.optional() }),
  async deliver(io, config, delivery) {
    const { own, open, incident } = delivery.known;
    const threadKey = own ?? open ?? incident ?? `fist-${delivery.subjectKey}`;
    const url = secretAddress(io, config.endpointSecret);
    url.searchParams.set('messageReplyOption', 'REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD');
    url.searchParams.set('requestId', `fist-${sha256Hex(delivery.idempotencyKey).slice(0, 40)}`);
    const view = viewOf(delivery.payload);
    const body = sized(mostMessageBytes, mostTextCharacters, (most) => ({
      ...cardOf(view, most),
      thread: { threadKey },
    }));
    const answer = await sendRequest(io, { method: 'POST', url: url.href, body });
    return answer.ok ? { ok: true, reference: threadKey } : answer.verdict;
  },
});

/** Text of a widget is a little HTML; mentions (`<users/all>`) are read in `text` alone, which is not used. */
function cardOf(view: PayloadView, mostCharacters: number) {
  const { title, body } = chatText(view);
  const head = `${chatSign(view)} ${cutText(title, mostTitleCharacters)}`;
  const rest = title.length > mostTitleCharacters ? `${title}\n\n${body}` : body;
  const text = fitted(rest, mostCharacters, view);
  const button = { text: 'Run', onClick: { openLink: { url: view.url } } };
  const widgets = [
    ...(text === '' ? [] : [{ textParagraph: { text: escaped(text) } }]),
    ...(view.url === null ? [] : [{ buttonList: { buttons: [button] } }]),
  ];
  const sections = widgets.length === 0 ? {} : { sections: [{ widgets }] };
  return {
    fallbackText: cutText(title, mostTitleCharacters),
    cardsV2: [{ cardId: 'fist', card: { header: { title: head }, ...sections } }],
  };
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/\n/g, '<br>');
}
