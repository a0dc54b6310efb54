import { z } from 'zod';
import type { DeliveryVerdict } from '../core/delivery.ts';
import { toTimestamp } from '../core/time.ts';
import { cutText } from '../lib/cut.ts';
import { parseDuration } from '../lib/duration.ts';
import { rule } from '../lib/rule.ts';
import { between, duration } from '../lib/schema.ts';
import { percent } from '../report/words.ts';
import { filtersOf, isSameAlert, listedAlerts, listedSilences, matchersOf, silencesOnly } from './alertmanager-api.ts';
import type { ListedAlert, ListedSilence } from './alertmanager-api.ts';
import { authentication, authorization } from '../lib/authorization.ts';
import { defineSink } from './define.ts';
import type { SinkIo } from './define.ts';
import { action, endpoint, template } from './fields.ts';
import { below, jsonOf, sendRequest } from './http.ts';
import type { Answer } from './http.ts';
import { runLink, titleOf, viewOf } from './payload.ts';
import type { PayloadView } from './payload.ts';

const createdBy = 'punching-fist';
/** One alert with its annotations is a few KiB; where its labels do not narrow the list, others come too. */
const mostListBytes = 4 * 1024 * 1024;
const mostCharacters = { cause: 1024, report: 4096, comment: 1024 };
const settings = z
  .object({
    endpoint,
    action: action.default('annotate'),
    silenceFor: duration
      .check(between('1m', '7d'))
      .default('2h')
      .meta({ description: 'How long a silence lasts, 1m to 7d.' }),
    authentication: authentication.optional(),
    template: template.optional(),
  })
  .check(
    rule(
      "!has(self.action) || self.action != 'trigger'",
      'must be resolve, annotate or silence',
      ({ action: given }) => given !== 'trigger',
      ['action'],
    ),
  );

/** The world of one delivery. */
interface World {
  readonly io: SinkIo;
  readonly config: z.output<typeof settings>;
  readonly view: PayloadView;
}

const nothingToDo: DeliveryVerdict = { ok: true, reference: null };

/**
 * API v2. The alert is looked up before anything is written, by all of its labels: what Alertmanager no longer has is neither
 * annotated nor resolved, and a silence that is there is not made twice.
 */
export const alertmanager = defineSink({
  type: 'alertmanager',
  description: 'Annotates, silences or resolves the alert in Alertmanager (API v2).',
  example: { endpoint: 'http://alertmanager.monitoring:9093', action: 'annotate' },
  config: settings,
  async deliver(io, config, { event, payload }) {
    const view = viewOf(payload);
    const world = { io, config, view };
    if (Object.keys(view.labels).length === 0) return nothingToDo;
    switch (config.action) {
      case 'silence':
        if (view.isOver) return takeBack(world);
        return event === 'run-finished' ? silence(world) : nothingToDo;
      case 'resolve':
        return event === 'run-started' ? nothingToDo : rewrite(world, resolved);
      default:
        return view.isOver ? nothingToDo : rewrite(world, annotated);
    }
  },
});

/** There is no way to change an alert: it is sent again, as Alertmanager has it but for the change. */
async function rewrite(world: World, change: (alert: ListedAlert, world: World) => ListedAlert) {
  const found = await findAlert(world);
  if (!found.ok) return found.verdict;
  if (found.value === undefined) return nothingToDo;
  const { generatorURL, ...alert } = change(found.value, world);
  const body = [{ ...alert, ...(generatorURL === '' ? {} : { generatorURL }) }];
  return verdictOf(await call(world, 'POST', '/alerts', { body, isIdempotent: true }));
}

function annotated(alert: ListedAlert, { config, view }: World): ListedAlert {
  const { cause, confidence, text } = view;
  const ours = {
    ...(cause === null ? {} : { fist_cause: cutText(cause, mostCharacters.cause) }),
    ...(cause === null || confidence === null ? {} : { fist_confidence: percent(confidence) }),
    ...(config.template === undefined ? {} : { fist_report: cutText(text, mostCharacters.report) }),
    fist_run: runLink(view),
  };
  return { ...alert, annotations: { ...alert.annotations, ...ours } };
}

function resolved(alert: ListedAlert, { io }: World): ListedAlert {
  return { ...alert, endsAt: toTimestamp(io.now()) };
}

async function silence(world: World): Promise<DeliveryVerdict> {
  const { io, config, view } = world;
  const found = await findSilence(world);
  if (!found.ok) return found.verdict;
  if (found.value !== undefined) return { ok: true, reference: found.value.id };
  const now = io.now();
  const body = {
    matchers: matchersOf(view.labels),
    startsAt: toTimestamp(now),
    endsAt: toTimestamp(now + parseDuration(config.silenceFor)),
    createdBy,
    comment: commentOf(world),
  };
  const answer = await call(world, 'POST', '/silences', { body, maxResponseBytes: 4096 });
  if (!answer.ok) return answer.verdict;
  const made = z.object({ silenceID: z.string().min(1) }).safeParse(jsonOf(answer.response));
  return { ok: true, reference: made.data?.silenceID ?? null };
}

function commentOf({ config, view }: World): string {
  const { cause, confidence, text } = view;
  const sure = confidence === null ? '' : ` (${percent(confidence)})`;
  const words = config.template === undefined ? `${titleOf(view)}: ${cause ?? 'no cause was found'}${sure}` : text;
  return `${cutText(words.trim(), mostCharacters.comment)} ${runLink(view)}`;
}

/**
 * The silence goes with the alert, so that the next episode is heard. A silenced alert is not told to us, so that its end may
 * only mean that we heard nothing for long: while Alertmanager has it, the silence stays until it expires.
 */
async function takeBack(world: World): Promise<DeliveryVerdict> {
  const alert = await findAlert(world);
  if (!alert.ok) return alert.verdict;
  if (alert.value !== undefined) return nothingToDo;
  const found = await findSilence(world);
  if (!found.ok) return found.verdict;
  if (found.value === undefined) return nothingToDo;
  const path = `/silence/${encodeURIComponent(found.value.id)}`;
  return verdictOf(await call(world, 'DELETE', path, { isIdempotent: true }));
}

type Found<T> =
  | { readonly ok: true; readonly value: T | undefined }
  | { readonly ok: false; readonly verdict: DeliveryVerdict };

function findAlert(world: World): Promise<Found<ListedAlert>> {
  const { labels } = world.view;
  return find(world, '/alerts', listedAlerts, (alert) => isSameAlert(alert.labels, labels));
}

function findSilence(world: World): Promise<Found<ListedSilence>> {
  const { labels } = world.view;
  const isOurs = (one: ListedSilence) => one.createdBy === createdBy && one.status.state !== 'expired';
  return find(world, '/silences', listedSilences, (one) => isOurs(one) && silencesOnly(one, labels));
}

async function find<T>(
  world: World,
  path: string,
  list: z.ZodType<readonly T[]>,
  wanted: (item: T) => boolean,
): Promise<Found<T>> {
  const { config, view } = world;
  const answer = await call(world, 'GET', `${path}?${filtersOf(view.labels)}`, {
    maxResponseBytes: mostListBytes,
    isIdempotent: true,
  });
  if (!answer.ok) return answer;
  const { truncated } = answer.response;
  const parsed = truncated ? null : list.safeParse(jsonOf(answer.response));
  if (parsed?.success === true) return { ok: true, value: parsed.data.find(wanted) };
  const why = truncated
    ? `a list of more than ${mostListBytes} bytes`
    : 'what is no list of the API v2 of Alertmanager';
  return {
    ok: false,
    verdict: { ok: false, retry: false, reason: `${new URL(config.endpoint).host} answered ${why}` },
  };
}

interface Call {
  readonly body?: unknown;
  readonly maxResponseBytes?: number;
  readonly isIdempotent?: boolean;
}

function call({ io, config }: World, method: string, path: string, request: Call): Promise<Answer> {
  const url = below(config.endpoint, `/api/v2${path}`);
  return sendRequest(io, { method, url, headers: authorization(io, config.authentication), ...request });
}

function verdictOf(answer: Answer): DeliveryVerdict {
  return answer.ok ? nothingToDo : answer.verdict;
}
