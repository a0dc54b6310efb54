import { z } from 'zod';
import type { PastIncident, PastVerdict } from '../../core/readers.ts';
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
    'Earlier alerts like this one, the cause that their reports stated, and whether a person confirmed or refuted it: hypotheses to check here, no evidence. Do not propose a refuted cause again without new evidence.',
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

function lineOf({ at, alertName, object, cause, likeness, runId, verdict }: PastIncident): string {
  const what = `${at} ${alertName} ${object ?? ''}`.trim();
  const said =
    cause === null ? 'no cause was found' : `${cause.category} of ${cause.object} (${percent(cause.confidence)})`;
  return `${what} (${likeness}, run ${runId}): ${said}; ${verdictWords(verdict)}`;
}

/** What people wrote is quoted: it is data as everything here. */
function verdictWords(verdict: PastVerdict | null): string {
  if (verdict === null) return 'nobody said whether it was right';
  const { cause, note } = verdict;
  const was = cause === null ? '' : `, who says that it was ${JSON.stringify(cause)}`;
  return `${verdict.verdict} by a person${was}${note === null ? '' : `, with the note ${JSON.stringify(note)}`}`;
}
