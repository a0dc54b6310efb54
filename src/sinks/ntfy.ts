import { z } from 'zod';
import { cutText } from '../lib/cut.ts';
import { parseSecretReference, secretRef } from '../lib/secret-reference.ts';
import { chatRatePerMinute, chatText, fitted, sized } from './chat.ts';
import { defineSink } from './define.ts';
import { endpoint, template } from './fields.ts';
import { sendRequest } from './http.ts';
import { viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

/** Longer text becomes a file that has to be opened. */
const mostMessageBytes = 4096;
const mostTitleCharacters = 250;

/** Priority and tag (an emoji) by severity. */
const signs = {
  critical: [5, 'rotating_light'],
  warning: [4, 'warning'],
  info: [3, 'information_source'],
} as const satisfies Record<string, readonly [number, string]>;
const resolvedSign = [2, 'white_check_mark'] as const;

/** A notification on phones. All deliveries of an alert have one `sequence_id`: a later one takes the place of those before. */
export const ntfy = defineSink({
  type: 'ntfy',
  description: 'A notification on phones by ntfy, replaced by what comes later.',
  example: { topic: 'incidents-7f3k' },
  ratePerMinute: chatRatePerMinute,
  config: z.object({
    endpoint: endpoint.default('https://ntfy.sh'),
    topic: z
      .string()
      .max(64)
      .regex(/^[-_A-Za-z0-9]{1,64}$/, 'must be 1 to 64 letters, digits, - and _')
      .meta({ description: 'Topic. Without a token anybody who knows its name may read it.' }),
    token: secretRef.optional().meta({ description: 'Secret with an access token (tk_...): name, or name/key.' }),
    template: template.optional(),
  }),
  async deliver(io, config, delivery) {
    const token = config.token === undefined ? null : io.secret(parseSecretReference(config.token));
    const answer = await sendRequest(io, {
      method: 'POST',
      url: config.endpoint,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      body: { topic: config.topic, sequence_id: delivery.subjectKey, ...notification(viewOf(delivery.payload)) },
    });
    return answer.ok ? { ok: true, reference: null } : answer.verdict;
  },
});

function notification(view: PayloadView) {
  const { title, body } = chatText(view);
  const [priority, tag] = view.isOver ? resolvedSign : (signs[view.severity as keyof typeof signs] ?? signs.info);
  return {
    title: cutText(title, mostTitleCharacters),
    message: sized(mostMessageBytes, mostMessageBytes, (most) => fitted(body || title, most, view)),
    priority,
    tags: [tag],
    ...(view.url === null ? {} : { click: view.url }),
  };
}
