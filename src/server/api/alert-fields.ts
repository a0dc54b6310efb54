import { z } from 'zod';
import { alertStatuses, causeOf, causeStates, changedAt, muteReasons, severities } from '../../core/alert.ts';
import type { AlertRecord, CauseState } from '../../core/alert.ts';
import type { AlertSummary } from '../../core/lists.ts';
import type { Timestamp } from '../../core/time.ts';
import { alertObject } from '../../investigation/labels.ts';
import { count, flag, jsonObject, lazily, pageOf, text, texts, time } from './fields.ts';
import { deliverySummary } from './deliveries.ts';
import { runSummary } from './runs.ts';

// Alerts as the API shows them.

/** What the API adds to an alert. */
interface AlertExtras {
  readonly object: string | null;
  readonly since: Timestamp;
  readonly changedAt: Timestamp;
  readonly cause: string | null;
  readonly causeState: CauseState;
}

/**
 * What the API shows of an alert: all but what only intake needs, and what follows from it; nothing of its cause where that is
 * `elsewhere` ({@link import('../../core/causes.ts').causesElsewhere}).
 */
export function alertView<T extends AlertSummary | AlertRecord>(
  alert: T,
  elsewhere: ReadonlySet<string>,
): Omit<T, 'contentHash' | 'cause' | 'reportNamespace'> & AlertExtras {
  const { contentHash: _contentHash, cause: _cause, reportNamespace: _reportNamespace, ...view } = alert;
  return {
    ...view,
    object: alertObject(alert.name, alert.labels),
    since: alert.startsAt ?? alert.receivedAt,
    changedAt: changedAt(alert),
    ...(elsewhere.has(alert.id) ? { aiConfidence: null, cause: null, causeState: 'elsewhere' } : causeOf(alert)),
  };
}

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

export const alertSummary = lazily(() =>
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
      object: text(
        'What it is about, `pod/shop/web-1`, as an investigation reads the labels; null: they name nothing.',
      ).nullable(),
      since: time('Since when it fires.'),
      changedAt: time('Its last change: opened, reopened, worse, its investigation begun or ended, resolved.'),
      cause: text('Its cause in short, of the run that `causeState` says; null: none is known.').nullable(),
      causeState: z
        .enum(causeStates)
        .describe(
          'known, inconclusive, failed: what the newest run of this episode said (failed: it had no report); running: it is at work; earlier: the cause is of an episode before; waiting: a run is to come; none: there was none; elsewhere: a run of another namespace, which the caller may not look at, has it.',
        ),
      episode: count('1 for the first firing; each reopening adds one. 0: it came closed.'),
      receiveCount: count('Times that it was received.'),
      skewed: flag('A time of the sender lay more than 10 minutes ahead and was replaced by the time of receipt.'),
      announced: flag('Sinks were told that it fires, so they are also told of its end.'),
      mutedReason: z
        .enum(muteReasons)
        .nullable()
        .describe('Why this episode has started no run; null = nothing kept it.'),
      mutedUntil: time('When that is decided anew, if it still fires.').nullable(),
      workflowId: text('Id of the newest run, its own or of its group.').nullable(),
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
      transitions: z.array(transition()).optional().describe('With `history`: the newest 20, oldest first.'),
    })
    .meta({
      id: 'AlertSummary',
      description: 'An alert in a list. There is one for each identity: Source and fingerprint.',
    }),
);

export const alertDetail = lazily(() =>
  z
    .strictObject({
      ...alertSummary().shape,
      aiAnalysis: jsonObject('The last report, of its own run or of that of its group.').nullable(),
      transitions: z.array(transition()).describe('The newest 500, oldest first.'),
      runs: z
        .array(runSummary())
        .describe('The newest 20, newest first; also those of another alert that answer for its group.'),
      deliveries: z.array(deliverySummary()).describe('Of its newest 5 runs, the newest 20 of each.'),
    })
    .meta({ id: 'Alert', description: 'An alert with its history and its runs.' }),
);

const counted = {
  count: count('So many alerts.'),
  more: flag('There are more.'),
};

/** A page of alerts, and why it is empty. */
export const alertPageAnswer = lazily(() =>
  z
    .strictObject({
      ...pageOf(alertSummary(), 'What changed last first.').shape,
      empty: z
        .strictObject({
          stored: z.strictObject(counted).describe('Alerts without any filter.'),
          within: text(
            'The only namespace of Sources whose alerts were counted, because the caller may look in no other.',
          ).optional(),
          without: z
            .array(z.strictObject({ parameter: text('The parameter.'), value: text('Its value.'), ...counted }))
            .describe('For each filter, how many alerts all the others let through.'),
        })
        .optional()
        .describe('Only of a list that is empty: why it is.'),
    })
    .meta({ id: 'AlertPage', description: 'A page of alerts.' }),
);
