import { z } from 'zod';
import { runStatuses, stepStatuses } from '../../core/run.ts';
import type { RunRecord, StepRecord } from '../../core/run.ts';
import { defineRoute } from '../define-route.ts';
import { anyJson, count, jsonObject, lazily, text, time } from './fields.ts';
import { offsetParameters, pageAtOffset } from './offset.ts';
import { findRun } from './runs.ts';

// Runs in the routes of the first version, with its column names; it calls them workflows.

const runRow = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      name: text('Name of the Workflow.'),
      namespace: text('Namespace of the Workflow.'),
      trigger_source: text('`namespace/name` of the Source, or who asked.'),
      status: z.enum(runStatuses).describe('The last three are final.'),
      steps_completed: count('Steps that have ended.'),
      total_steps: count('Steps of the Workflow.'),
      current_step: text('Name of the step in work.').nullable(),
      input_context: jsonObject('What it starts with: source, alert, context.'),
      outputs: jsonObject('`spec.outputs` of the Workflow.'),
      error: text('Why it failed.').nullable(),
      started_at: time('When it began.').nullable(),
      completed_at: time('When it ended.').nullable(),
      created_at: time('When it was made.'),
    })
    .meta({ id: 'RunRow', description: 'A run in the shape of the first version.' }),
);

function runRowOf(run: RunRecord) {
  return {
    id: run.id,
    name: run.name,
    namespace: run.namespace,
    trigger_source: run.triggerSource,
    status: run.status,
    steps_completed: run.stepsCompleted,
    total_steps: run.totalSteps,
    current_step: run.currentStep,
    input_context: { ...run.input },
    outputs: run.outputs,
    error: run.error,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    created_at: run.createdAt,
  };
}

const stepRow = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      workflow_id: text('Id of the run.'),
      name: text('Name of the step.'),
      step_type: text('Its type.'),
      status: z.enum(stepStatuses).describe('How it ended, or running.'),
      started_at: time('When it began.').nullable(),
      completed_at: time('When it ended.').nullable(),
      result: anyJson('What came out.'),
      error: text('Why it failed.').nullable(),
      created_at: time('When it was written.'),
    })
    .meta({ id: 'StepRow', description: 'A step attempt in the shape of the first version.' }),
);

function stepRowOf(step: StepRecord) {
  return {
    id: step.id,
    workflow_id: step.runId,
    name: step.name,
    step_type: step.type,
    status: step.status,
    started_at: step.startedAt,
    completed_at: step.completedAt,
    result: step.result,
    error: step.error,
    created_at: step.createdAt,
  };
}

export const listRunRows = defineRoute({
  name: 'listRunRows',
  method: 'GET',
  path: '/workflows',
  access: 'token',
  summary: 'Runs in the shape of the first version, newest first.',
  query: offsetParameters,
  answer: lazily(() => z.array(runRow())),
  async handler({ reader: { lists } }, { query }) {
    const { items } = await lists.runs(pageAtOffset(query));
    return (await lists.runsOf(items.map(({ id }) => id))).map(runRowOf);
  },
});

export const getRunRow = defineRoute({
  name: 'getRunRow',
  method: 'GET',
  path: '/workflows/:id',
  access: 'token',
  summary: 'One run in the shape of the first version.',
  errors: ['NotFound'],
  answer: runRow,
  async handler(context, { params: { id } }) {
    return runRowOf(await findRun(context, id));
  },
});

export const listStepRows = defineRoute({
  name: 'listStepRows',
  method: 'GET',
  path: '/workflows/:id/steps',
  access: 'token',
  summary: 'The step attempts of a run, oldest first.',
  errors: ['NotFound'],
  answer: lazily(() => z.array(stepRow())),
  async handler(context, { params: { id } }) {
    await findRun(context, id);
    return (await context.reader.runs.steps(id)).map(stepRowOf);
  },
});

export const getRunOutputs = defineRoute({
  name: 'getRunOutputs',
  method: 'GET',
  path: '/workflows/:id/outputs',
  access: 'token',
  summary: 'The outputs of a run.',
  errors: ['NotFound'],
  answer: lazily(() => jsonObject('`spec.outputs` of the Workflow; empty until it has ended.')),
  async handler(context, { params: { id } }) {
    return (await findRun(context, id)).outputs;
  },
});
