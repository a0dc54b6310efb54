import { z } from 'zod';
import { alertStatuses, openStatuses, severities } from '../../core/alert.ts';
import type { AlertRecord, AlertStatus, Matcher } from '../../core/alert.ts';
import { causesElsewhere } from '../../core/causes.ts';
import { AppError } from '../../core/errors.ts';
import { lastReport } from '../../core/stored-report.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ListReader, RunSummary } from '../../core/lists.ts';
import { isFinal } from '../../core/run.ts';
import { longestValueFor, parseMatchers } from '../../lib/matchers.ts';
import { defineRoute } from '../define-route.ts';
import type { ServerReader } from '../options.ts';
import { alertDetail, alertPageAnswer, alertView } from './alert-fields.ts';
import { alertPage } from './alert-page.ts';
import { found, pageParameters, present, textParameter, timeParameters, timesOf, wordParameter } from './fields.ts';
import { deliveryView } from './deliveries.ts';
import { idOf, referenceText } from './references.ts';
import { runView } from './runs.ts';

const mostMatchers = 10;

/** `label=team="a",env!="dev"`, repeated; all must hold. */
const labelParameter = z
  .array(z.string())
  .meta({
    description:
      'Matchers as Alertmanager writes them, with `=`, `!=`, `=~` or `!~`; all must hold. Regular expressions are refused where they are too large to be quick. A value with anything but letters, digits and `-_./:` stands in double quotes.',
    examples: ['team=payments', 'severity!=info,pod=~"web-.*"'],
  })
  .transform((texts, context): readonly Matcher[] => {
    try {
      const lists = texts.map((text) => parseMatchers(text));
      const matchers = lists.flat();
      if (lists.every((list) => list.length > 0) && matchers.length <= mostMatchers) {
        longestValueFor(matchers);
        return matchers;
      }
      const message = matchers.length > mostMatchers ? `has more than ${mostMatchers} matchers` : 'has no matcher';
      context.addIssue({ code: 'custom', message });
    } catch (thrown) {
      if (!(thrown instanceof AppError)) throw thrown;
      context.addIssue({ code: 'custom', message: `is wrong: ${thrown.message}` });
    }
    return z.NEVER;
  })
  .optional();

/** `open` is every status but `resolved`. */
function statusesOf(word: string | undefined): readonly AlertStatus[] | undefined {
  if (word === undefined) return undefined;
  return word === 'open' ? openStatuses : alertStatuses.filter((status) => status === word);
}

/** Of each alert in a list. */
const shownTransitions = 20;

export const listAlerts = defineRoute({
  name: 'listAlerts',
  method: 'GET',
  path: '/api/v1/alerts',
  access: 'token',
  summary: 'Alerts, what changed last first.',
  description:
    'A change is that it opened, reopened or got worse, that its investigation began or ended, that it was resolved. A repeat is none. `since` and `until` bound the last change.',
  query: {
    ...pageParameters,
    ...timeParameters,
    label: labelParameter,
    status: wordParameter('Only with this status; open: those that fire.', ['open', ...alertStatuses]).optional(),
    severity: wordParameter('Only with this severity.', severities).optional(),
    name: textParameter('Only with this name.', 'KubePodCrashLooping').optional(),
    namespace: textParameter('Only about something in this namespace, as the labels say.', 'shop').optional(),
    fistNamespace: textParameter('Only of Sources in this namespace.', 'default').optional(),
    history: z.boolean().describe('With what happened to each.').optional(),
    search: textParameter(
      'Words that must all be in the name, the summary or the values of labels, in any case. From three characters on the beginning of a word is enough.',
      'crash loop',
    ).optional(),
  },
  example: { query: 'status=open&label=team=payments&limit=10' },
  answer: alertPageAnswer,
  async handler({ reader: { lists }, clock }, { query, within }) {
    const { limit, cursor, label: matchers, status, severity, name, search } = query;
    const { namespace: objectNamespace, fistNamespace: namespace } = query;
    const statuses = statusesOf(status);
    const filters = present({ cursor, matchers, statuses, severity, name, objectNamespace, namespace, search });
    const page = await alertPage(lists, { limit, ...filters, ...timesOf(query, clock.now()) }, status, within);
    const elsewhere = await causesElsewhere(lists, page.items, within);
    const items = page.items.map((item) => alertView(item, elsewhere));
    if (query.history !== true) return { ...page, items };
    const transitions = await lists.transitionsOf(
      page.items.map(({ id }) => id),
      shownTransitions,
    );
    const of = Map.groupBy(transitions, ({ alertId }) => alertId);
    return { ...page, items: items.map((item) => ({ ...item, transitions: of.get(item.id) ?? [] })) };
  },
});

/** Runs that are shown with an alert, newest first. */
const shownRuns = 20;
/** Of so many of these the deliveries are shown, so many of each. */
const runsWithDeliveries = 5;
const shownDeliveries = 20;

export const getAlert = defineRoute({
  name: 'getAlert',
  method: 'GET',
  path: '/api/v1/alerts/:id',
  access: 'token',
  summary: 'One alert with its history, its newest runs and what they sent.',
  params: { id: referenceText },
  errors: ['NotFound'],
  answer: alertDetail,
  async handler({ reader }, { params, within }) {
    const { lists } = reader;
    const id = await idOf(reader, 'alert', params.id);
    const alert = found(await lists.alert(id), 'alert', id, 'fist get alerts --all');
    const [transitions, all] = await Promise.all([lists.transitions(id), runsOf(lists, id)]);
    const runs = all.filter(({ namespace }) => within === null || namespace === within);
    const elsewhere = await causesElsewhere(lists, [alert], within);
    const deliveries = await Promise.all(
      runs.slice(0, runsWithDeliveries).map(({ id: runId }) => lists.deliveries({ runId, limit: shownDeliveries })),
    );
    return {
      ...alertView(alert, elsewhere),
      aiAnalysis: elsewhere.has(id) ? null : await reportOf(reader, alert, runs),
      transitions,
      runs: runs.map(runView),
      deliveries: deliveries.flatMap(({ items }) => items.map((item) => deliveryView(item, within))),
    };
  },
});

/** Its own runs, and those that answer for it with their group: these have the episode of this alert. Newest first. */
async function runsOf(lists: ListReader, alertId: string): Promise<readonly RunSummary[]> {
  const [{ items: own }, ofGroup] = await Promise.all([
    lists.runs({ alertId, limit: shownRuns }),
    lists.runsOfGroup(alertId, shownRuns),
  ]);
  if (ofGroup.length === 0) return own;
  const episodes = new Map(ofGroup.map(({ runId, episode }) => [runId, episode]));
  const found = await lists.runsOf([...episodes.keys()]);
  // One may be its own in an earlier episode.
  const others = found.filter((run) => run.alertId !== alertId).map(({ outputs: _outputs, ...run }) => run);
  return [...own, ...others.map((run) => ({ ...run, episode: episodes.get(run.id) ?? 0 }))]
    .sort((one, other) => (one.id < other.id ? 1 : -1))
    .slice(0, shownRuns);
}

/** The last report: its own, or where the run of its group said the last word, that of the run. */
async function reportOf(
  { runs: journal }: ServerReader,
  { id, workflowId, aiAnalysis }: AlertRecord,
  runs: readonly RunSummary[],
): Promise<JsonObject | null> {
  const last = runs.find((run) => run.id === workflowId);
  if (last === undefined || last.alertId === id || !isFinal(last.status)) return aiAnalysis;
  return lastReport(await journal.steps(last.id)) ?? aiAnalysis;
}
