import { z } from 'zod';
import type { PastIncident } from '../../core/readers.ts';
import { namedObjects } from '../../investigation/labels.ts';
import { percent } from '../../report/words.ts';
import { AppError } from '../../core/errors.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';

const none = 'no store of earlier investigations is at hand';

/** What earlier reports said of such alerts. */
export const pastIncidents = defineTool({
  name: 'past_incidents',
  description:
    'Earlier alerts like this one and the cause that their reports stated, as hypotheses to check here: nobody may have confirmed them, and they are no evidence.',
  input: z.strictObject({ limit: z.int().min(1).max(20).default(5).describe('Incidents at most.') }),
  reference: {
    example: { limit: 5 },
    command: null,
    bounds: ['20 incidents, in words of this program alone'],
  },
  unavailable: ({ incidents, alert }) => (incidents === null ? none : alert === null ? 'there is no alert' : null),
  reaches: () => [{ of: 'incidents' }],
  async run({ incidents, alert }, { limit }): Promise<ToolAnswer> {
    if (incidents === null || alert === null) throw new AppError('InvalidInput', none);
    const { name, fingerprint, labels } = alert;
    const found = await incidents.similar(
      { name, fingerprint, namespace: namedObjects(name, labels).namespace },
      limit,
    );
    const rest = { command: null, evidence: null };
    if (found.length === 0)
      return { status: 'no_data', text: 'no alert like this one was investigated before.', ...rest };
    return { status: 'ok', text: ['Hypotheses, not evidence:', ...found.map(lineOf)].join('\n'), ...rest };
  },
});

function lineOf({ at, alertName, object, cause, likeness, runId }: PastIncident): string {
  const what = `${at} ${alertName} ${object ?? ''}`.trim();
  const said =
    cause === null ? 'no cause was found' : `${cause.category} of ${cause.object} (${percent(cause.confidence)})`;
  return `${what} (${likeness}, run ${runId}): ${said}`;
}
