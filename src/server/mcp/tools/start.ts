import { z } from 'zod';
import { alertNamed } from '../../../report/meant-alert.ts';
import { alertRunBody } from '../../api/alert-runs.ts';
import { questionBody } from '../../api/messages.ts';
import { callRoute } from '../call-route.ts';
import { defineTool } from '../define.ts';
import { runArgument } from '../input.ts';
import { callOf } from '../lines.ts';
import { alertArgument } from './alerts.ts';

/** Who asked, as people see it with the run. */
const by = 'an assistant';

export const startInvestigation = defineTool({
  name: 'start_investigation',
  title: 'Investigate an alert',
  description:
    'Starts a run of a Workflow about an alert as it stands now: it reads the cluster, may ask a model (which costs money), and tells the Sinks of the Workflow. Only where the person asked for it; what is known already says why.',
  effect: 'starts',
  input: z.strictObject({
    alert: alertArgument,
    workflow: alertRunBody.shape.workflow,
  }),
  async run({ api }, { alert, workflow }) {
    const { id: wanted } = await alertNamed(api, alert);
    const { id, alertId, retryOf } = await callRoute(api, 'POST /api/v1/alerts/:id/runs', {
      params: { id: wanted },
      body: { by, ...(workflow === undefined ? {} : { workflow }) },
    });
    const repeats = retryOf === null ? '' : `; it repeats run ${retryOf}`;
    return { head: `Run ${id} was started about alert ${alertId}${repeats}.`, data: null, next: whenEnded(id) };
  },
});

export const askAboutRun = defineTool({
  name: 'ask_about_run',
  title: 'Ask on about a run',
  description:
    'Asks the model that wrote the report of a run a question about it: it may look at more of the cluster, within what the budget of the run has left. Starts a run whose report is the answer; costs money. Only where the person asked for it, and what get_report and get_evidence say does not answer it.',
  effect: 'starts',
  input: z.strictObject({
    run: runArgument,
    question: questionBody.shape.question,
  }),
  async run({ api }, { run, question }) {
    const { id, followUpOf } = await callRoute(api, 'POST /api/v1/runs/:id/messages', {
      params: { id: run },
      body: { question, by },
    });
    return { head: `Run ${id} was started; it goes on from run ${followUpOf}.`, data: null, next: whenEnded(id) };
  },
});

/** How to hear of what was started. */
function whenEnded(run: string): readonly string[] {
  return [`${callOf('get_report', { run, wait: 30 })}: what it found, once it has ended`];
}
