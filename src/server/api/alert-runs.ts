import { z } from 'zod';
import { objectReference } from '../../lib/schema.ts';
import { defineRoute } from '../define-route.ts';
import { callerName } from '../rights.ts';
import { lazily, text } from './fields.ts';
import { idOf, referenceText } from './references.ts';

/** What may be said with the request. */
export const alertRunBody = z.strictObject({
  workflow: objectReference
    .optional()
    .describe(
      'Name of a Workflow in the namespace of its Source, or `namespace/name` of one that grants that namespace; else the one that it triggers.',
    ),
  by: z.string().trim().min(1).max(200).optional().describe('Who asks, for people.'),
});

export const startAlertRun = defineRoute({
  name: 'startAlertRun',
  method: 'POST',
  path: '/api/v1/alerts/:id/runs',
  access: 'token',
  summary: 'Starts a run about an alert, as it stands now.',
  description:
    'Whatever policies of its Source say (cooldown, maintenance, groups), because somebody asks for it. One run of a Workflow at a time; one that has ended is repeated. Its Sinks are told as of any other.',
  params: { id: referenceText },
  body: alertRunBody,
  status: 201,
  errors: ['NotFound', 'Conflict', 'WorkflowNotReady'],
  example: { body: { by: 'Mia' } },
  answer: lazily(() =>
    z.strictObject({
      id: text('Id of the new run.'),
      alertId: text('Id of the alert.'),
      workflow: text('The Workflow, `namespace/name`.'),
      retryOf: text('Id of the run that it repeats.').nullable(),
    }),
  ),
  async handler({ alertRuns, reader }, { params, body: { workflow = null, by = null } }, { request }) {
    const alertId = await idOf(reader, 'alert', params.id);
    const { runId, ...run } = await alertRuns.startForAlert({ alertId, workflow, by: callerName(request, by) });
    return { id: runId, alertId, ...run };
  },
});
