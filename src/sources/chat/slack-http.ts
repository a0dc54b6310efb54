import type { JsonObject } from '../../core/json.ts';
import type { Turns } from '../../lib/turns.ts';
import type { SourceRequest } from '../define.ts';
import { parseBody, refuse } from '../envelope.ts';
import type { Refusal } from '../envelope.ts';
import { commandOf, eventOf, ignored } from './message.ts';
import type { ChatEvent } from './message.ts';

/** What Slack sends is small. */
const mostBytes = 256 * 1024;

/** Reads a request of Slack, whose signature was checked: an event as JSON, or a slash command or an interaction as a form. */
export async function readSlackRequest(
  request: SourceRequest,
  turns: Turns,
): Promise<{ readonly ok: true; readonly event: ChatEvent } | Refusal> {
  if (request.body.length > mostBytes) return refuse('', `the body has more than ${mostBytes} bytes`);
  if (request.mediaType !== 'application/x-www-form-urlencoded') {
    const parsed = await parseBody(request, turns);
    if (!parsed.ok) return parsed;
    return { ok: true, event: eventOf(parsed.value as JsonObject) };
  }
  const form = Object.fromEntries(new URLSearchParams(request.body.toString()));
  // Buttons have their own answers, and Slack looks now and then whether somebody listens.
  if ('payload' in form) return { ok: true, event: ignored('Interaction') };
  if ('ssl_check' in form) return { ok: true, event: ignored('Check') };
  return { ok: true, event: commandOf(form) };
}
