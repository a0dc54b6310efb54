import type { AgentResult, Recommendation } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';

/**
 * A report as a step's result keeps it. Those of earlier versions lack some of the fields: they get what says nothing, so
 * that everything that shows a report can show them too.
 */
export function readReport(kept: JsonObject): AgentResult {
  const { recommendations = [], ...report } = kept as unknown as Partial<AgentResult>;
  return {
    ...emptyResult,
    report: '',
    ...report,
    recommendations: recommendations.map(whole),
  };
}

function whole(step: Partial<Recommendation>): Recommendation {
  return { changes: null, undo: null, ...step } as Recommendation;
}

/** A result that says nothing, but for its report. */
export const emptyResult: Omit<AgentResult, 'report'> = {
  schema_version: 1,
  notice: null,
  recorded: null,
  alert: null,
  other_alerts: [],
  more_alerts: 0,
  object: null,
  cluster: null,
  observed_at: null,
  happened: '',
  cause: null,
  links: { runbook: null, query: null, silence: null },
  summary: '',
  findings: [],
  root_cause: null,
  causal_chain: [],
  measurements: [],
  timeline: [],
  also_broken: [],
  checked: [],
  confidence: 0,
  confidence_reasons: [],
  actions_taken: [],
  recommendations: [],
  can_auto_fix: false,
  fix_command: null,
  escalation_notes: null,
  open_questions: [],
  gaps: [],
  masked: [],
  conversation: [],
  evidence: [],
  model: null,
  model_use: null,
  rival_causes: [],
  hypotheses: [],
  earlier_verdicts: [],
};
