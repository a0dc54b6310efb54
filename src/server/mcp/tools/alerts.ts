import { z } from 'zod';
import { alertStatuses } from '../../../core/alert.ts';
import { plural } from '../../../lib/words.ts';
import { alertNamed } from '../../../report/meant-alert.ts';
import { listAlerts as route } from '../../api/alerts.ts';
import type { AnswerOf } from '../../routes.ts';
import { callRoute } from '../call-route.ts';
import { defineTool } from '../define.ts';
import type { ToolWorld } from '../define.ts';
import { argumentsOf, pageSize } from '../input.ts';
import { brief, briefPairs, callOf, jsonLine, pageOfLines } from '../lines.ts';
import type { Shown } from '../lines.ts';

type AlertPage = AnswerOf<'GET /api/v1/alerts'>;
type AlertDetail = AnswerOf<'GET /api/v1/alerts/:id'>;

const origin = 'the store of alerts';

export const listAlerts = defineTool({
  name: 'list_alerts',
  title: 'List alerts',
  description:
    'Lists alerts, what changed last first: name, severity, status, what each is about, its cause as far as it is known, and its ids. Only those that fire, unless `status` says otherwise. The filters are those of `fist get alerts`; all of them must hold.',
  effect: 'reads',
  input: z.strictObject({
    status: z
      .enum(['open', 'all', ...alertStatuses])
      .default('open')
      .describe('open: those that fire; all: with any status; else only with this status.'),
    ...argumentsOf(route, ['severity', 'name', 'namespace', 'label', 'search', 'since', 'until', 'fistNamespace']),
    limit: pageSize(25, 20),
    ...argumentsOf(route, ['cursor']),
  }),
  async run({ api }, { status, limit, ...filters }) {
    const query = { ...filters, ...(status === 'all' ? {} : { status }) };
    const page = await pageOfLines(api, { plural: 'alerts', query, limit }, alertLine);
    if (page.items.length === 0) return { head: emptyText(page), data: null, next: nextPage(page) };
    return {
      head: `${plural(page.items.length, 'alert')}, what changed last first, one a line.`,
      data: { origin, text: page.text, narrow: 'ask with a smaller limit' },
      next: [
        ...nextPage(page),
        `${callOf('why', { alert: page.items[0]?.id ?? '' })}: why it fires, on one screen`,
        `${callOf('get_alert', { alert: page.items[0]?.id ?? '' })}: its history, runs and deliveries`,
      ],
    };
  },
});

export function nextPage({ nextCursor }: Pick<AlertPage, 'nextCursor'>): readonly string[] {
  return nextCursor === null
    ? []
    : [`the same with cursor ${JSON.stringify(nextCursor)}: there are more; or narrow it down with filters`];
}

/** Which filters leave nothing; their values are the caller's own. */
function emptyText({ empty, nextCursor }: Pick<AlertPage, 'empty' | 'nextCursor'>): string {
  if (nextCursor !== null) return 'No alert on this page.';
  if (empty === undefined) return 'There are no more alerts.';
  const count = ({ count, more }: { readonly count: number; readonly more: boolean }) =>
    `${more ? 'at least ' : ''}${count}`;
  const where =
    empty.within === undefined ? '' : ` to a Source in namespace ${empty.within}; others were not looked at`;
  if (empty.stored.count === 0) return `No alert has come in yet${where}.`;
  const without = empty.without.map((each) => `${count(each)} without ${each.parameter}`).join(', ');
  return `No alert matches. There are ${count(empty.stored)} in all${without === '' ? '' : `; ${without}`}.`;
}

function alertLine(alert: AlertPage['items'][number] | AlertDetail): Shown {
  const { id, severity, status, since, changedAt, causeState, episode, receiveCount, mutedReason, resolvedAt } = alert;
  return {
    id,
    name: brief(alert.name, 200),
    severity,
    status,
    object: brief(alert.object, 300),
    since,
    changedAt,
    cause: brief(alert.cause, 300),
    causeState,
    summary: brief(alert.summary, 200),
    labels: briefPairs(alert.labels, { most: 12, characters: 80 }),
    source: `${alert.namespace}/${alert.source}`,
    episode,
    receiveCount,
    run: alert.workflowId,
    mutedReason,
    resolvedAt,
  };
}

/** How an alert is named, where it has to be one that is known. */
export const alertArgument = z
  .string()
  .min(1)
  .max(500)
  .transform((text) => text.replace(/^al(?:erts?)?\//, ''))
  .meta({
    description:
      'Its id, a beginning of it or of its short form (4 characters or more), `@latest`, or its name: of several open ones the most severe.',
  });

/** The alert that is meant, whole. */
export async function readAlert({ api }: ToolWorld, key: string): Promise<AlertDetail> {
  const { id } = await alertNamed(api, key);
  return callRoute(api, 'GET /api/v1/alerts/:id', { params: { id } });
}

const shown = { transitions: 15, runs: 10, deliveries: 15 } as const;

export const getAlert = defineTool({
  name: 'get_alert',
  title: 'Show an alert',
  description:
    'Shows one alert with its labels, annotations, history, its newest runs and what was sent about it. Why it fires, in short, says `why`; the whole report `get_report`.',
  effect: 'reads',
  input: z.strictObject({ alert: alertArgument }),
  async run(world, { alert: key }) {
    const alert = await readAlert(world, key);
    const [run] = alert.runs;
    return {
      head: `Alert ${alert.id}.`,
      data: { origin, text: (await detailLines(alert)).join('\n'), narrow: 'list_alerts shows less of it' },
      next: [
        `${callOf('why', { alert: alert.id })}: why it fires, on one screen`,
        ...(alert.aiAnalysis === null
          ? []
          : [`${callOf('get_report', { alert: alert.id })}: the whole report of the last investigation`]),
        ...(run === undefined ? [] : [`${callOf('get_run', { run: run.id })}: its newest run`]),
      ],
    };
  },
});

async function detailLines(alert: AlertDetail): Promise<readonly string[]> {
  const { startsAt, endsAt, lastReceivedAt, mutedUntil, autoResolved } = alert;
  const { labels: _labels, summary: _summary, ...line } = alertLine(alert);
  const pairs = { most: 40, characters: 500 };
  return [
    jsonLine({
      ...line,
      summary: brief(alert.summary, 1000),
      description: brief(alert.description, 2000),
      labels: briefPairs(alert.labels, pairs),
      annotations: briefPairs(alert.annotations, pairs),
      generatorUrl: brief(alert.generatorUrl, 500),
      startsAt,
      endsAt,
      lastReceivedAt,
      mutedUntil,
      ...(autoResolved ? { autoResolved } : {}),
    }),
    '',
    ...titled(
      'History',
      alert.transitions
        .slice(-shown.transitions)
        .map(({ at, episode, fromStatus, toStatus, reason }) => ({ at, episode, fromStatus, toStatus, reason })),
    ),
    ...titled(
      'Runs, newest first',
      alert.runs
        .slice(0, shown.runs)
        .map(({ id, namespace, name, status, episode, createdAt, completedAt, error }) => ({
          id,
          workflow: `${namespace}/${name}`,
          status,
          episode,
          createdAt,
          completedAt,
          error: brief(error, 300),
        })),
    ),
    ...titled('Deliveries', alert.deliveries.slice(0, shown.deliveries).map(deliveryLine)),
  ];
}

/** Lines under a title; nothing where there are none. */
export function titled(title: string, items: readonly Shown[]): readonly string[] {
  return items.length === 0 ? [] : [`${title}:`, ...items.map(jsonLine)];
}

/** What one Sink was told, or is to be. */
export function deliveryLine(delivery: AlertDetail['deliveries'][number]): Shown {
  const { event, sinkName, status, attempts, sentAt, error } = delivery;
  return { event, sink: sinkName, status, attempts, sentAt, error: brief(error, 300) };
}
