import { z } from 'zod';
import { fullName, isFinal } from '../../../core/run.ts';
import { plural } from '../../../lib/words.ts';
import { listRuns as route } from '../../api/runs.ts';
import type { AnswerOf } from '../../routes.ts';
import { defineTool } from '../define.ts';
import { argumentsOf, pageSize, runArgument } from '../input.ts';
import { brief, callOf, jsonLine, pageOfLines } from '../lines.ts';
import type { Shown } from '../lines.ts';
import { runWhenDone, waitArgument } from '../when-done.ts';
import type { RunDetail } from '../when-done.ts';
import { deliveryLine, nextPage, titled } from './alerts.ts';

type RunSummary = AnswerOf<'GET /api/v1/runs'>['items'][number];

export const listRuns = defineTool({
  name: 'list_runs',
  title: 'List runs',
  description:
    'Lists runs of Workflows (investigations), newest first: status, the alert that each is about, errors, what models cost. The filters are those of `fist get runs`; all of them must hold.',
  effect: 'reads',
  input: z.strictObject({
    ...argumentsOf(route, ['status', 'workflow', 'namespace', 'alert', 'error', 'since', 'until']),
    limit: pageSize(40, 20),
    ...argumentsOf(route, ['cursor']),
  }),
  async run({ api }, { limit, ...query }) {
    const page = await pageOfLines(api, { plural: 'runs', query, limit }, runLine);
    const [newest] = page.items;
    if (newest === undefined) return { head: 'No run matches.', data: null, next: nextPage(page) };
    return {
      head: `${plural(page.items.length, 'run')}, newest first, one a line.`,
      data: { origin: 'the store of runs', text: page.text, narrow: 'ask with a smaller limit' },
      next: [...nextPage(page), `${callOf('get_report', { run: newest.id })}: what a run found`],
    };
  },
});

function runLine(run: RunSummary | RunDetail): Shown {
  const { id, status, waitingFor, stepsCompleted, totalSteps, currentStep, createdAt, startedAt, completedAt } = run;
  const { alert, asked, followUp } = run.input;
  const about = alert ?? asked ?? null;
  return {
    id,
    workflow: fullName(run),
    status,
    waitingFor,
    alert: run.alertId,
    about: brief(about?.name, 200),
    question: brief(followUp?.question, 300),
    followUpOf: followUp?.runId ?? null,
    retryOf: run.retryOf,
    steps: `${stepsCompleted}/${totalSteps}`,
    currentStep: brief(currentStep, 100),
    createdAt,
    startedAt,
    completedAt,
    errorCode: run.errorCode,
    error: brief(run.error, 400),
    verdict: run.verdict,
    modelTokens: run.modelTokens === 0 ? null : run.modelTokens,
    modelCostDollars: run.modelCostMicros === 0 ? null : run.modelCostMicros / 1_000_000,
  };
}

const shown = { steps: 30, verdicts: 10, deliveries: 15 } as const;

export const getRun = defineTool({
  name: 'get_run',
  title: 'Show a run',
  description:
    'Shows one run: how far it is, its steps and errors, the list of its evidence and what was sent. What it found says `get_report`.',
  effect: 'reads',
  input: z.strictObject({ run: runArgument, wait: waitArgument }),
  async run(world, { run: id, wait }) {
    const run = await runWhenDone(world, id, wait);
    const [piece] = run.evidence;
    return {
      head: `Run ${run.id}, ${run.status}.`,
      data: {
        origin: 'the store of runs',
        text: detailLines(run).join('\n'),
        narrow: 'get_report and get_evidence show single parts of it',
      },
      next: isFinal(run.status)
        ? [
            `${callOf('get_report', { run: run.id })}: what it found`,
            ...(piece === undefined
              ? []
              : [`${callOf('get_evidence', { run: run.id, evidence: piece.id })}: a piece of evidence`]),
          ]
        : [`${callOf('get_run', { run: run.id, wait: 30 })}: waits for its end`],
    };
  },
});

function detailLines(run: RunDetail): readonly string[] {
  return [
    jsonLine(runLine(run)),
    '',
    ...titled(
      'Steps, attempts oldest first',
      run.steps.slice(-shown.steps).map(({ path, name, type, status, attempt, errorCode, error }) => ({
        path,
        name: brief(name, 100),
        type,
        status,
        attempt,
        errorCode,
        error: brief(error, 400),
      })),
    ),
    ...titled(
      'Evidence',
      run.evidence.map(({ id, kind, object, command }) => ({
        id,
        kind,
        object: brief(object, 200),
        command: brief(command, 300),
      })),
    ),
    ...titled(
      'What people said of its report, oldest first',
      run.verdicts.slice(-shown.verdicts).map(({ verdict, cause, note, by, at }) => ({
        verdict,
        cause: brief(cause, 500),
        note: brief(note, 500),
        by: brief(by, 100),
        at,
      })),
    ),
    ...titled('Deliveries', run.deliveries.slice(-shown.deliveries).map(deliveryLine)),
  ];
}
