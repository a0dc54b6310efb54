import { z } from 'zod';
import { nextOfUnknown } from '../../lib/similar.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { runbooksOf, withoutRunbooks } from './runbook-search.ts';
import { runbooksFor } from './runbook-match.ts';

/** One runbook. */
export const runbookRead = defineTool({
  name: 'runbook_read',
  description: 'One runbook that runbook_search found, by its name.',
  input: z.strictObject({ name: z.string().min(1).max(300).describe('Its name, as runbook_search gives it.') }),
  reference: {
    example: { name: 'kubernetes/KubePodCrashLooping.md' },
    command: null,
    bounds: [],
  },
  unavailable: withoutRunbooks,
  reaches: () => [{ of: 'runbooks' }],
  async run(io, { name }): Promise<ToolAnswer> {
    const all = await runbooksOf(io).all();
    const runbook = all.find((one) => one.name === name);
    const rest = { command: null, evidence: null };
    if (runbook === undefined) {
      const next = nextOfUnknown(
        name,
        all.map((one) => one.name),
        'runbook_search finds them',
      );
      return { status: 'no_data', text: `there is no such runbook; ${next}`, ...rest };
    }
    const isForAlert = io.alert !== null && runbooksFor(io.alert, [runbook]).length > 0;
    const note = isForAlert
      ? []
      : [
          `[It is not known to be for this alert${runbook.alerts.length === 0 ? '' : `: it is for ${runbook.alerts.join(', ')}`}. Use it only if its symptoms are those seen here.]`,
        ];
    return { status: 'ok', text: [...note, runbook.text].join('\n'), ...rest };
  },
});
