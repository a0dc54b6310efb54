import { z } from 'zod';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { cutText } from '../lib/cut.ts';
import { rule } from '../lib/rule.ts';
import { distinct } from '../lib/words.ts';
import { percent } from '../report/words.ts';
import { authentication, authorization } from '../lib/authorization.ts';
import { defineSink } from './define.ts';
import type { SinkDelivery, SinkIo } from './define.ts';
import { endpoint, tags, template } from './fields.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import type { Answer } from './http.ts';
import { runLink, titleOf, viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';
import { asHtml } from './chat.ts';

const mostTextCharacters = 4000;
const mostTagCharacters = 100;
const mostListBytes = 1024 * 1024;
/** Annotations that begin in one millisecond: with more of them the one that is looked for may not be listed. */
const mostListed = 100;

const settings = z
  .object({
    endpoint: endpoint.meta({ description: 'Address of Grafana, with its path where it has one.' }),
    authentication: authentication.meta({
      description: 'bearer: token of a service account that may write annotations. Or basic.',
    }),
    dashboardUID: z
      .string()
      .max(40)
      .regex(/^[a-zA-Z0-9_-]{1,40}$/, 'must be the UID of a dashboard')
      .optional()
      .meta({ description: 'Dashboard that shows it. Default: all that ask for its tags.' }),
    panelId: z
      .int()
      .min(1)
      .max(2_147_483_647)
      .optional()
      .meta({ description: 'Panel of that dashboard. Default: all of them.' }),
    tags: tags
      .default(['fist', '{{ .alert.severity }}', '{{ .alert.labels.namespace }}'])
      .meta({ description: 'Tags of the annotation; each is a template, empty ones are left out.' }),
    template: template.optional(),
  })
  .check(
    rule(
      '!has(self.panelId) || has(self.dashboardUID)',
      'needs a dashboardUID',
      ({ dashboardUID, panelId }) => panelId === undefined || dashboardUID !== undefined,
      ['panelId'],
    ),
  );

type Settings = z.output<typeof settings>;

/**
 * One annotation for each time that the alert fires: from its start, as a region once it has ended. Grafana has no key
 * against doubles: one that may be there already is looked for by its time and the link of its run.
 */
export const grafana = defineSink({
  type: 'grafana',
  description: 'An annotation in Grafana, from the start of the alert to its end.',
  example: {
    endpoint: 'http://grafana.monitoring:3000',
    authentication: { type: 'bearer', secretRef: 'grafana-token' },
  },
  remembers: true,
  escape: asHtml,
  config: settings,
  async deliver(io, config, delivery): Promise<DeliveryVerdict> {
    const view = viewOf(delivery.payload);
    const isEnd = delivery.event === 'alert-resolved';
    const id = delivery.known.open ?? (isEnd ? null : await findMade(io, config, delivery, view));
    if (id !== null && typeof id !== 'string') return id.verdict;
    const end = endOf(view);
    if (id !== null) {
      const text = isEnd ? {} : { text: textOf(config, view) };
      const answer = await call(io, config, 'PATCH', `/${id}`, {
        body: { ...text, ...(end === null ? {} : { timeEnd: end }) },
        isIdempotent: true,
      });
      // Somebody has deleted it: it is not made again.
      const isGone = !answer.ok && answer.response?.status === 404;
      return answer.ok || isGone ? { ok: true, reference: id } : answer.verdict;
    }
    if (isEnd) return { ok: true, reference: null };
    const body = { ...place(config), time: startOf(view, delivery), ...(end === null ? {} : { timeEnd: end }) };
    const answer = await call(io, config, 'POST', '', {
      body: { ...body, tags: tagsOf(config), text: textOf(config, view) },
      maxResponseBytes: 4096,
    });
    if (!answer.ok) return answer.verdict;
    const made = z.object({ id: z.int().positive() }).safeParse(jsonOf(answer.response));
    return { ok: true, reference: made.success ? String(made.data.id) : null };
  },
});

/** The id of what an earlier attempt made; null = there is none. */
async function findMade(
  io: SinkIo,
  config: Settings,
  delivery: SinkDelivery,
  view: PayloadView,
): Promise<string | null | Extract<Answer, { readonly ok: false }>> {
  if (!delivery.isRepeat) return null;
  const time = startOf(view, delivery);
  const query = new URLSearchParams({
    from: String(time),
    to: String(time + 1),
    type: 'annotation',
    limit: String(mostListed),
    ...(config.dashboardUID === undefined ? {} : { dashboardUID: config.dashboardUID }),
  });
  const answer = await call(io, config, 'GET', `?${query.toString()}`, {
    maxResponseBytes: mostListBytes,
    isIdempotent: true,
  });
  if (!answer.ok) return answer;
  const list = z.array(z.object({ id: z.int(), time: z.number(), text: z.string() }));
  const link = asHtml(runLink(view));
  const found = list
    .safeParse(jsonOf(answer.response))
    .data?.find((item) => item.time === time && item.text.includes(link));
  return found === undefined ? null : String(found.id);
}

interface Call {
  readonly body?: unknown;
  readonly maxResponseBytes?: number;
  readonly isIdempotent?: boolean;
}

function call(io: SinkIo, config: Settings, method: string, path: string, request: Call): Promise<Answer> {
  const url = below(config.endpoint, `/api/annotations${path}`);
  return sendRequest(io, { method, url, headers: authorization(io, config.authentication), ...request });
}

function place({ dashboardUID, panelId }: Settings): object {
  return {
    ...(dashboardUID === undefined ? {} : { dashboardUID }),
    ...(panelId === undefined ? {} : { panelId }),
  };
}

/** Milliseconds since the epoch; of the delivery where nobody knows since when it fires. */
function startOf({ startsAt }: PayloadView, { payload: { timestamp } }: SinkDelivery): number {
  const since = Date.parse(startsAt ?? '');
  return Number.isNaN(since) && typeof timestamp === 'string' ? Date.parse(timestamp) : since;
}

/** null: it fires. */
function endOf({ resolvedAt, isOver }: PayloadView): number | null {
  const end = Date.parse(resolvedAt ?? '');
  return isOver && !Number.isNaN(end) ? end : null;
}

function tagsOf(config: Settings): readonly string[] {
  return distinct(config.tags.map((tag) => cutText(tag.trim(), mostTagCharacters)));
}

/** HTML, as Grafana shows it. The last line has the link of the run, by which it is known again. */
function textOf({ template: own }: Settings, view: PayloadView): string {
  const { cause, confidence, url } = view;
  const sure = confidence === null ? '' : ` (${percent(confidence)})`;
  const words = own ?? asHtml(cause === null ? titleOf(view) : `${titleOf(view)}: ${cause}${sure}`);
  const link = asHtml(runLink(view));
  const isLink = url !== null && /^https?:\/\//.test(url);
  return `${cutText(words.trim(), mostTextCharacters)}\n${isLink ? `<a href="${link}">${link}</a>` : link}`;
}
