import { z } from 'zod';
import { severities } from '../../core/alert.ts';
import type { RunSummary } from '../../core/lists.ts';
import { runStatuses, stepStatuses } from '../../core/run.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import { defineRoute } from '../define-route.ts';
import type { RouteContext } from '../define-route.ts';
import { cancelBody } from './cancel-body.ts';
import { deliverySummary, deliveryView } from './deliveries.ts';
import { anyJson, count, flag, found, jsonObject, lazily, pageOf, pageParameters, present, text } from './fields.ts';
import { filterId, idOf } from './references.ts';
import { standingWord, standingWords, verdictView, viewOfVerdict } from './verdicts.ts';
import { textParameter, texts, time, timeParameters, timesOf, viewPage, wordParameter } from './fields.ts';

/** What the API shows of a run: all but what only workers need. */
export function runView<T extends RunSummary | RunRecord>(run: T): Omit<T, 'fence' | 'leaseOwner' | 'leaseUntil'> {
  const { fence: _fence, leaseOwner: _leaseOwner, leaseUntil: _leaseUntil, ...view } = run;
  return view;
}

export function stepView(step: StepRecord): Omit<StepRecord, 'fence' | 'process'> {
  const { fence: _fence, process: _process, ...view } = step;
  return view;
}

const alertSnapshot = lazily(() =>
  z
    .strictObject({
      id: text('Id of the alert.'),
      name: text('Its name.'),
      fingerprint: text('SHA-256 over name and sorted labels.'),
      severity: z.enum(severities).describe('Its severity.'),
      status: z.enum(['firing', 'resolved']).describe('Whether it fired.'),
      episode: count('Its episode.'),
      labels: texts('Its labels.'),
      annotations: texts('Its annotations.'),
      summary: text('Its summary.').nullable(),
      description: text('Its description.').nullable(),
      generatorUrl: text('Where it comes from, for people.').nullable(),
      startsAt: time('When the episode began.').nullable(),
      endsAt: time('When the episode before ended.').nullable(),
    })
    .meta({ id: 'AlertSnapshot', description: 'An alert as it was when a run was made for it.' }),
);

/** A run in a list. */
export const runSummary = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      name: text('Name of the Workflow; `namespace/name` where its Source was refused that one of another namespace.'),
      namespace: text('Namespace of the Workflow.'),
      triggerSource: text('`namespace/name` of the Source, or who asked.'),
      status: z.enum(runStatuses).describe('The last three are final.'),
      alertId: text('Id of the alert; null: it was made for none.').nullable(),
      episode: count('Of the alert; shown with an alert, of that one.'),
      planHash: text('Names the Workflow as it was when the run was made.').nullable(),
      stepsCompleted: count('Steps that have ended.'),
      totalSteps: count('Steps of the Workflow.'),
      currentStep: text('Name of the step in work.').nullable(),
      input: z
        .strictObject({
          source: z
            .strictObject({ name: text('Its name.'), namespace: text('Its namespace.'), type: text('Its type.') })
            .describe('The Source.'),
          alert: alertSnapshot().nullable(),
          data: jsonObject('`.source.data` of a run without an alert.').optional(),
          context: jsonObject('`spec.context` of the Source.'),
          asked: alertSnapshot().optional().describe('What a run without an alert is about, in the form of an alert.'),
          followUp: z
            .strictObject({
              runId: text('Id of the run whose conversation it goes on with.'),
              path: text('Place of the agent step in that run.'),
              question: text('What was asked, redacted.'),
              by: text('Who asked.').nullable(),
            })
            .optional()
            .describe('A person asked on; absent: nobody did.'),
          depth: count('How many `workflow` Sinks led here.'),
          group: z
            .strictObject({
              labels: texts('What its alerts have in common.'),
              alerts: count('How many there were beside the first when the run began.').optional(),
              others: z.array(alertSnapshot()).optional().describe('Those of them that it looks at, at most 19.'),
            })
            .optional()
            .describe('The group of alerts that it answers for; absent: it answers for one.'),
          parent: z
            .strictObject({
              runId: text('Id of the run that led here.'),
              workflows: z
                .array(text('`namespace/name` of a Workflow.'))
                .describe('Those that led here, oldest first.'),
            })
            .optional()
            .describe('The run whose Sink started this one; absent: a Source did.'),
        })
        .describe('What it starts with.'),
      error: text('Why it failed.').nullable(),
      errorCode: text('The code of that error; errors.md has them all.').nullable(),
      agentEvents: count('How many events its agent steps have so far; `agent-events` has them.'),
      modelTokens: count('Tokens that models used for it, with what is reserved for a request in work.'),
      modelCostMicros: count('What that cost, in millionths of a dollar; 0 where the price is unknown.'),
      retryOf: text('Id of the run that this one repeats.').nullable(),
      requestedBy: text('Id of the delivery whose Sink started it; null: none did.').nullable(),
      wakeAt: time(
        'When a worker takes it up again; null: nothing is to be done, or it waits for something else.',
      ).nullable(),
      waitingFor: z
        .enum(['slot', 'retry', 'timer', 'approval', 'child'])
        .nullable()
        .describe('What a run waits for that nobody works on.'),
      deadlineAt: time('When it fails with `RunTimeout`.'),
      cancelRequestedAt: time('When it was asked to stop.').nullable(),
      cancelReason: text('Why it was asked to stop.').nullable(),
      startedAt: time('When its first step began.').nullable(),
      completedAt: time('When it ended.').nullable(),
      createdAt: time('When it was made.'),
      verdict: z
        .enum(['confirmed', 'refuted'])
        .nullable()
        .optional()
        .describe('What a person said of the cause in its report; null: nothing. Absent where it was not asked for.'),
    })
    .meta({ id: 'RunSummary', description: 'A run of a Workflow, in a list.' }),
);

const run = lazily(() =>
  z
    .strictObject({ ...runSummary().shape, outputs: jsonObject('`spec.outputs` of the Workflow, once it has ended.') })
    .meta({ id: 'Run', description: 'A run of a Workflow.' }),
);

const step = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      runId: text('Id of the run.'),
      name: text('Name of the step.'),
      type: text('`cli`, `agent`, `conditional`.'),
      path: text('Place in the Workflow, from 1: `2`, `2.then`.'),
      attempt: count('From 1.'),
      status: z.enum(stepStatuses).describe('How it ended, or running.'),
      result: anyJson('What came out; of an agent step the report.'),
      error: text('Why it failed.').nullable(),
      errorCode: text('The code of that error.').nullable(),
      retryable: flag('The same attempt may succeed later.'),
      startedAt: time('When it began.').nullable(),
      completedAt: time('When it ended.').nullable(),
      createdAt: time('When it was written.'),
    })
    .meta({ id: 'StepAttempt', description: 'One attempt of one step.' }),
);

const evidence = lazily(() =>
  z
    .strictObject({
      id: text('`e1`, `e2`, ... within the run.'),
      kind: text('`object`, `events`, `logs`, `list`, `command`.'),
      object: text('What was looked at, `pod/shop/checkout-7d9f`.'),
      command: text('The command that shows it again.'),
      time: text('When it was observed.'),
      excerpt: text('The part that matters, redacted and bounded.'),
    })
    .meta({ id: 'Evidence', description: 'A piece of evidence that findings cite.' }),
);

const runDetail = lazily(() =>
  z
    .strictObject({
      ...run().shape,
      steps: z.array(step()).describe('Attempts, oldest first.'),
      evidence: z.array(evidence()).describe('What was looked at.'),
      deliveries: z.array(deliverySummary()).describe('The newest 100, oldest first.'),
      verdicts: z.array(verdictView()).describe('What people said of its report, oldest first.'),
    })
    .meta({ id: 'RunDetail', description: 'A run with what belongs to it.' }),
);

export const listRuns = defineRoute({
  name: 'listRuns',
  method: 'GET',
  path: '/api/v1/runs',
  access: 'token',
  summary: 'Runs, newest first.',
  query: {
    ...pageParameters,
    ...timeParameters,
    status: wordParameter('Only with this status.', runStatuses).optional(),
    workflow: textParameter('Only of the Workflow with this name.', 'triage').optional(),
    namespace: textParameter('Only of Workflows in this namespace.', 'default').optional(),
    alert: textParameter('Only of this alert: its id, a beginning of it, or its name.').optional(),
    error: textParameter('Only with this error code.', 'Timeout').optional(),
  },
  example: { query: 'status=failed&since=24h' },
  answer: lazily(() => pageOf(runSummary())),
  async handler({ reader, clock }, { query, within }) {
    const { lists } = reader;
    const { limit, cursor, status, workflow, namespace, alert, error: errorCode } = query;
    const alertId = alert === undefined ? undefined : await filterId(reader, 'alert', alert, within);
    const filters = present({ cursor, status, workflow, namespace, alertId, errorCode });
    const page = await lists.runs({ limit, ...filters, ...timesOf(query, clock.now()) });
    const said = await standingWords(
      reader,
      page.items.map(({ id }) => id),
    );
    return viewPage(page, (run) => ({ ...runView(run), verdict: said.get(run.id) ?? null }));
  },
});

const shownDeliveries = 100;

/** The run of a whole id. Throws NotFound. */
export async function findRun({ reader: { runs } }: RouteContext, id: string): Promise<RunRecord> {
  return found(await runs.find(id), 'run', id, 'fist get runs');
}

export const getRun = defineRoute({
  name: 'getRun',
  method: 'GET',
  path: '/api/v1/runs/:id',
  access: 'token',
  summary: 'One run with its steps, evidence and deliveries.',
  errors: ['NotFound'],
  answer: runDetail,
  async handler(context, { params, within }) {
    const { lists, runs, learned } = context.reader;
    const id = await idOf(context.reader, 'run', params.id);
    const run = await findRun(context, id);
    const [steps, evidence, deliveries, verdicts] = await Promise.all([
      runs.steps(id),
      runs.evidence(id),
      lists.deliveries({ runId: id, limit: shownDeliveries }),
      learned.verdictsOf([id]),
    ]);
    return {
      ...runView(run),
      verdict: standingWord(verdicts),
      steps: steps.map(stepView),
      evidence,
      deliveries: deliveries.items.toReversed().map((delivery) => deliveryView(delivery, within)),
      verdicts: verdicts.map(viewOfVerdict),
    };
  },
});

export const cancelRun = defineRoute({
  name: 'cancelRun',
  method: 'POST',
  path: '/api/v1/runs/:id/cancel',
  access: 'token',
  summary: 'Asks a run to stop.',
  description: 'It stops within a second or so; a result that came first is kept.',
  body: cancelBody,
  errors: ['NotFound', 'Conflict'],
  example: { body: { reason: 'the wrong cluster' } },
  answer: run,
  async handler(context, { params, body: { reason } }) {
    const id = await idOf(context.reader, 'run', params.id);
    await context.control.cancel(id, reason);
    return runView(await findRun(context, id));
  },
});

export const retryRun = defineRoute({
  name: 'retryRun',
  method: 'POST',
  path: '/api/v1/runs/:id/retry',
  access: 'token',
  summary: 'Makes a new run of a finished one.',
  status: 201,
  errors: ['NotFound', 'Conflict', 'WorkflowNotReady'],
  answer: lazily(() =>
    z.strictObject({ id: text('Id of the new run.'), retryOf: text('Id of the run that it repeats.') }),
  ),
  async handler({ control, reader }, { params }) {
    const id = await idOf(reader, 'run', params.id);
    return { id: await control.retry(id), retryOf: id };
  },
});
