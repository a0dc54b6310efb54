import { describe, expect, test } from 'vitest';
import { withModel } from '../../src/app/asked-model.ts';
import { readCases } from '../../src/app/evaluation/cases.ts';
import { evaluate } from '../../src/app/evaluation/evaluate.ts';
import type { Outcome } from '../../src/app/evaluation/evaluate.ts';
import { usualBudget } from '../../src/agent/budget.ts';
import type { AgentResult } from '../../src/core/finding.ts';
import { reportSchema } from '../../src/report/schema.ts';
import { repositoryRoot } from '../support/processes.ts';

// A real model behind a real server: FIST_SMALL_MODEL="http://127.0.0.1:18090/v1 qwen2.5-coder-0.5b", how many incidents in
// FIST_SMALL_MODEL_CASES. What a small one says is worth little, which is what is tried here: nothing of it may do harm.

const [endpoint, name] = (process.env['FIST_SMALL_MODEL'] ?? '').split(' ');
const wanted = Number(process.env['FIST_SMALL_MODEL_CASES'] ?? 20);
const isThere = endpoint !== undefined && endpoint !== '' && name !== undefined;
const allMs = wanted * 600_000;

/** Spread over all recorded incidents. */
async function someCases() {
  const all = await readCases(`${repositoryRoot}examples/eval`);
  const step = Math.max(1, Math.floor(all.length / wanted));
  return all.filter((_, index) => index % step === 0).slice(0, wanted);
}

describe.skipIf(!isThere)(
  isThere
    ? `the model ${name}`
    : 'skipped: no small model (FIST_SMALL_MODEL="http://127.0.0.1:18090/v1 qwen2.5-coder-0.5b")',
  { timeout: allMs },
  () => {
    test('ends every incident in a report within its budget, invents nothing, and makes no answer worse', async () => {
      const reports = new Map<string, AgentResult>();
      const cases = await someCases();
      const { outcomes } = await withModel(
        { model: `openai-compatible/${name}`, endpoint: endpoint ?? null },
        'always',
        { LLM_MAX_TOKENS: '800' },
        (asked) =>
          evaluate(cases, {
            now: () => performance.now(),
            hear: (of, report) => void reports.set(of, report),
            progress: (outcome) => console.info(JSON.stringify(outcome)),
            model: { kind: 'live', asked, keep: null },
          }),
      );
      expect(outcomes).toHaveLength(wanted);
      expect(outcomes.flatMap((outcome) => problemsOf(outcome, reports.get(outcome.name)))).toEqual([]);
    });
  },
);

const rank = { right: 2, missed: 1, wrong: 0 } as const;

function problemsOf({ name: of, verdict, alone, model }: Outcome, report: AgentResult | undefined): readonly string[] {
  if (report === undefined || model === null || model === undefined) return [`${of}: it was not asked`];
  const parsed = reportSchema.safeParse(report);
  const ids = new Set(report.evidence.map(({ id }) => id));
  const cited = [
    ...report.findings.flatMap(({ evidence_ids: all }) => all),
    ...report.rival_causes.flatMap(({ evidence_ids: all }) => all),
    ...report.hypotheses.flatMap(({ evidence_for: one, evidence_against: other }) => [...one, ...other]),
  ];
  const invented = cited.filter((id) => !ids.has(id));
  const isOver = model.requests > usualBudget.turns || model.tokens > usualBudget.tokens;
  return [
    ...(parsed.success ? [] : [`${of}: no report: ${parsed.error.message}`]),
    ...(invented.length === 0 ? [] : [`${of}: cites ${invented.join(', ')}`]),
    ...(isOver ? [`${of}: ${model.requests} requests, ${model.tokens} tokens`] : []),
    ...(model.ended === 'ModelUnavailable' ? [`${of}: the model could not be asked`] : []),
    ...(rank[verdict] >= rank[alone ?? 'right'] ? [] : [`${of}: ${verdict}, the analyzers alone ${alone}`]),
  ];
}
