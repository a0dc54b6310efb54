import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import type { Runbooks } from '../../core/readers.ts';
import { oneLine } from '../../lib/printable.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer, ToolWorld } from './define.ts';
import { mostFound, runbooksAbout, runbooksFor } from './runbook-match.ts';

const noRunbooks = 'no runbooks are configured';

/** Why no tool of runbooks can be offered; null = they can. */
export function withoutRunbooks({ runbooks }: Pick<ToolWorld, 'runbooks'>): string | null {
  return runbooks === null ? noRunbooks : null;
}

/** The runbooks of a tool that is offered. */
export function runbooksOf({ runbooks }: Pick<ToolWorld, 'runbooks'>): Runbooks {
  if (runbooks === null) throw new AppError('InvalidInput', noRunbooks);
  return runbooks;
}

/** Which runbooks there are for it. */
export const runbookSearch = defineTool({
  name: 'runbook_search',
  description:
    'Runbooks of this team: without query those for this very alert, with query those about a subject. A runbook says how people look into such an alert; it is no evidence of what is wrong here.',
  input: z.strictObject({
    query: z
      .string()
      .min(3)
      .max(200)
      .optional()
      .describe('Words of the subject: postgres replication lag. Absent: for this alert.'),
  }),
  reference: {
    example: { query: 'postgres replication lag' },
    command: null,
    bounds: [`${mostFound} runbooks`],
  },
  unavailable: withoutRunbooks,
  reaches: () => [{ of: 'runbooks' }],
  async run(io, { query }): Promise<ToolAnswer> {
    const all = await runbooksOf(io).all();
    const { alert } = io;
    const found = query === undefined ? (alert === null ? [] : runbooksFor(alert, all)) : runbooksAbout(query, all);
    const rest = { command: null, evidence: null };
    if (found.length === 0) {
      const what = query === undefined ? 'for this alert' : 'whose headings have most of these words';
      return { status: 'no_data', text: `none of ${all.length} runbooks is one ${what}.`, ...rest };
    }
    const lines = found.map(({ runbook, why }) => `${runbook.name}: ${oneLine(runbook.title, 120)} (${why})`);
    const caution = found.every(({ isForAlert }) => isForAlert)
      ? []
      : ['They were found by words alone: use one only if its symptoms are those seen here.'];
    return { status: 'ok', text: [...lines, ...caution].join('\n'), ...rest };
  },
});
