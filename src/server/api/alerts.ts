import { z } from 'zod';
import { alertStatuses, muteReasons, severities } from '../../core/alert.ts';
import type { AlertRecord } from '../../core/alert.ts';
import type { AlertSummary } from '../../core/lists.ts';
import { defineRoute } from '../define-route.ts';
import { flag, found, jsonObject, lazily, pageOf, pageParameters, text, textParameter, texts } from './fields.ts';
import { count, time, timeParameters, timesOf, viewPage, wordParameter } from './fields.ts';
import { runSummary, runView } from './runs.ts';

/** What the API shows of an alert: all but what only intake needs. */
export function alertView<T extends AlertSummary | AlertRecord>(alert: T): Omit<T, 'contentHash'> {
  const { contentHash: _contentHash, ...view } = alert;
  return view;
}

const alertSummary = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      namespace: text('Namespace of the Source.'),
      source: text('Name of the Source.'),
      name: text('Label `alertname`, or `unknown`.'),
      status: z
        .enum(alertStatuses)
        .describe(
          'received = open; triaging = a run started; escalated = the run ended and it still fires; resolved = closed.',
        ),
      severity: z.enum(severities).describe('Label `severity`; `warning` where it is another word or absent.'),
      summary: text('Annotation `summary`.').nullable(),
      description: text('Annotation `description`.').nullable(),
      labels: texts('As they came.'),
      annotations: texts('Of the last notification.'),
      fingerprint: text('SHA-256 over name and sorted labels, in hex.'),
      externalId: text("The sender's own fingerprint or id.").nullable(),
      generatorUrl: text('Where the alert comes from, for people.').nullable(),
      groupKey: text("Alertmanager's group, for correlation only.").nullable(),
      episode: count('1 for the first firing; each reopening adds one. 0: it came closed.'),
      receiveCount: count('Times that it was received.'),
      skewed: flag('A time of the sender lay more than 10 minutes ahead and was replaced by the time of receipt.'),
      announced: flag('Sinks were told that it fires, so they are also told of its end.'),
      mutedReason: z
        .enum(muteReasons)
        .nullable()
        .describe('Why this episode has started no run; null = nothing kept it.'),
      mutedUntil: time('When that is decided anew, if it still fires.').nullable(),
      workflowId: text('Id of the newest run.').nullable(),
      sourceId: text('Id of the newest notification.').nullable(),
      aiConfidence: z.number().nullable().describe('0 to 1; null = there is none.'),
      autoResolved: flag('Kept for the first version; false.'),
      startsAt: time('When this episode began.').nullable(),
      endsAt: time('When the last closed episode ended.').nullable(),
      receivedAt: time('When the first notification of this episode came.'),
      lastReceivedAt: time('When the last notification came.'),
      triageStartedAt: time('When the newest run started.').nullable(),
      triageCompletedAt: time('When the newest run ended.').nullable(),
      resolvedAt: time('When the notification came that closed it; null while it is open.').nullable(),
      createdAt: time('When it first came.'),
      updatedAt: time('When the row was last written.'),
    })
    .meta({
      id: 'AlertSummary',
      description: 'An alert in a list. There is one for each identity: Source and fingerprint.',
    }),
);

const transition = lazily(() =>
  z
    .strictObject({
      alertId: text('Id of the alert.'),
      episode: count('Its episode from then on.'),
      fromStatus: z.enum(alertStatuses).nullable().describe('null: it was unknown.'),
      toStatus: z.enum(alertStatuses).describe('Its status from then on.'),
      reason: text('Why: `Opened`, `Resolved`, `Reopened`, `FiringAgain`, `RunStarted`, `RunEnded`, ...'),
      at: time('When.'),
      sourceEventId: text('Id of the notification that brought it.').nullable(),
    })
    .meta({ id: 'AlertTransition', description: 'A change of the status or the episode of an alert.' }),
);

const alertDetail = lazily(() =>
  z
    .strictObject({
      ...alertSummary().shape,
      aiAnalysis: jsonObject('The last report.').nullable(),
      transitions: z.array(transition()).describe('The newest 500, oldest first.'),
      runs: z.array(runSummary()).describe('The newest 20, newest first.'),
    })
    .meta({ id: 'Alert', description: 'An alert with its history and its runs.' }),
);

/** `label=name=value`, repeated; all must hold. The first `=` parts them. */
const labelParameter = z
  .array(z.string().refine((label) => label.indexOf('=') > 0, 'is not name=value'))
  .max(10)
  .refine((labels) => new Set(labels.map(nameOf)).size === labels.length, 'names one label twice')
  .meta({ description: 'A label that the alert has, `name=value`; all must hold.', examples: ['team=payments'] })
  .transform((labels) =>
    Object.fromEntries(labels.map((label) => [nameOf(label), label.slice(nameOf(label).length + 1)])),
  )
  .optional();

function nameOf(label: string): string {
  return label.slice(0, label.indexOf('='));
}

export const listAlerts = defineRoute({
  name: 'listAlerts',
  method: 'GET',
  path: '/api/v1/alerts',
  access: 'token',
  summary: 'Alerts, newest first.',
  query: {
    ...pageParameters,
    ...timeParameters,
    label: labelParameter,
    status: wordParameter('Only with this status.', alertStatuses).optional(),
    severity: wordParameter('Only with this severity.', severities).optional(),
    name: textParameter('Only with this name.', 'KubePodCrashLooping').optional(),
    namespace: textParameter('Only of Sources in this namespace.', 'default').optional(),
    search: textParameter(
      'Words that must all be in the name, the summary or the values of labels, in any case. From three characters on the beginning of a word is enough.',
      'crash loop',
    ).optional(),
  },
  example: { query: 'status=received&label=team=payments&limit=10' },
  answer: lazily(() => pageOf(alertSummary())),
  async handler({ reader: { lists }, clock }, { query }) {
    const { limit, label: labels = {}, since: _since, until: _until, ...filters } = query;
    const page = await lists.alerts({ limit, labels, ...filters, ...timesOf(query, clock.now()) });
    return viewPage(page, alertView);
  },
});

/** Runs that are shown with an alert, newest first. */
const shownRuns = 20;

export const getAlert = defineRoute({
  name: 'getAlert',
  method: 'GET',
  path: '/api/v1/alerts/:id',
  access: 'token',
  summary: 'One alert with its history and its newest runs.',
  errors: ['NotFound'],
  answer: alertDetail,
  async handler({ reader: { lists } }, { params: { id } }) {
    const alert = found(await lists.alert(id), 'alert', id, 'fist get alerts');
    const [transitions, runs] = await Promise.all([
      lists.transitions(id),
      lists.runs({ alertId: id, limit: shownRuns }),
    ]);
    return { ...alertView(alert), transitions, runs: runs.items.map(runView) };
  },
});
