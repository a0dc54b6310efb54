import type { Turns } from '../lib/turns.ts';
import type { ReceiveResult, SourceRequest } from './define.ts';
import { deliveryKeyOf, parseBody, refuse } from './envelope.ts';
import type { ParsedBody, Refusal } from './envelope.ts';
import type { Format, FormatSettings } from './formats/define.ts';
import { createReading } from './reading.ts';

/** What a webhook Source takes. */
export interface NotificationSettings extends FormatSettings {
  readonly formats: readonly Format[];
}

/**
 * Reads a notification in one of `formats`, of which the first that the body does not differ from is taken; the body is
 * parsed once. Where none fits the refusal says what is wrong for each.
 */
export async function receiveNotification(
  settings: NotificationSettings,
  request: SourceRequest,
  turns: Turns,
): Promise<ReceiveResult> {
  const offered = offeredFormats(settings.formats, request);
  const parsed = await parseBody(request, turns, offered[0]?.list(settings, request));
  if (!parsed.ok) return parsed;
  const format = chooseFormat(offered, parsed, settings, request);
  if ('ok' in format) return format;
  const reading = createReading();
  const correlation = await format.read(parsed, reading, { request, settings, turns });
  if ('ok' in correlation) return correlation;
  return {
    ok: true,
    notification: {
      ...reading.taken(),
      ...correlation,
      // What was signed goes first: a header could be another one each time that a request is replayed.
      deliveryKey: request.signedId ?? correlation.deliveryKey ?? deliveryKeyOf(request),
      body: parsed.text,
      contentHash: parsed.contentHash,
    },
  };
}

/** Formats whose senders use this path and this media type. */
function offeredFormats(formats: readonly Format[], request: SourceRequest): readonly Format[] {
  const { subpath = '', mediaType } = request;
  const atPath = subpath === '' ? formats : formats.filter(({ subpaths }) => subpaths.includes(subpath));
  const offered = mediaType === undefined ? atPath : atPath.filter(({ mediaTypes }) => mediaTypes.includes(mediaType));
  const meant = offered.filter(({ isMeant }) => isMeant?.(request) === true);
  return meant.length > 0 ? meant : offered;
}

function chooseFormat(
  formats: readonly Format[],
  body: ParsedBody,
  settings: FormatSettings,
  request: SourceRequest,
): Format | Refusal {
  const chosen = formats.find((format) => format.differs(body, settings, request) === null);
  if (chosen !== undefined) return chosen;
  const wrong = formats.map((format) => ({ name: format.name, differs: format.differs(body, settings, request) }));
  const said = wrong.map(({ differs }) => `${differs?.field || 'the body'} ${differs?.message}`);
  const message =
    wrong.length === 1
      ? `${said[0]}; this Source takes the format ${wrong[0]?.name}`
      : `the body is in no format that this Source takes; tried: ${wrong.map(({ name }, at) => `${name} (${said[at]})`).join(', ')}`;
  return { ...refuse('', message), field: wrong[0]?.differs?.field ?? '' };
}
