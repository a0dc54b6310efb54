import { z } from 'zod';
import { callRoute } from '../call-route.ts';
import { defineTool } from '../define.ts';
import { runArgument } from '../input.ts';
import { callOf } from '../lines.ts';

/** Who asked, as people see it with the run. */
const by = 'an assistant';

export const askAboutRun = defineTool({
  name: 'ask_about_run',
  title: 'Ask on about a run',
  description:
    'Asks the model that wrote the report of a run a question about it: it may look at more of the cluster, within what the budget of the run has left. Starts a run whose report is the answer; costs money. Only where the person asked for it, and what get_report and get_evidence say does not answer it.',
  effect: 'starts',
  input: z.strictObject({
    run: runArgument,
    question: z.string().trim().min(1).max(4000).describe('What to answer.'),
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
  return [
    `${callOf('get_run', { run })}: how far it is, in some seconds`,
    `${callOf('get_report', { run })}: the answer, once it has ended`,
  ];
}
