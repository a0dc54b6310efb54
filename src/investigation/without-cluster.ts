import type { AgentResult, Gap } from '../core/finding.ts';
import { withCharts } from '../report/chart.ts';
import type { EvidenceRecorder } from './evidence.ts';
import type { InvestigationInput } from './input.ts';
import type { Measurements } from './metrics/measured.ts';
import { recordMeasured } from './metrics/words.ts';
import { nothingRanked } from './rank.ts';
import { alertLines, blankReport, clean, gapQuestion, withReport } from './result.ts';
import { timelineOf } from './timeline.ts';

/** What a report says where there is no cluster to look at. */
interface Absence extends Pick<AgentResult, 'recommendations'> {
  /** Ends the sentence `Inconclusive: ...`. */
  readonly why: string;
  readonly questions: readonly string[];
  readonly gap: Pick<Gap, 'kind' | 'reason' | 'remedy'>;
}

const notConfigured: Absence = {
  why: 'no cluster is configured, so nothing could be read',
  questions: [
    'Which cluster is the alert about? None is configured: start fist with --context NAME or --kubeconfig FILE for a live one, or --dump PATH for a captured one.',
  ],
  recommendations: [
    {
      priority: 1,
      action: 'fist serve --resources DIR --context NAME',
      rationale: 'With a cluster to read, the next run can look at the objects of the alert.',
      risk_level: 'low',
      requires_approval: false,
      changes: null,
      undo: null,
    },
  ],
  gap: {
    kind: 'unavailable',
    reason: 'none is configured',
    remedy: 'start fist with --context NAME or --kubeconfig FILE',
  },
};

/** Somebody decided so: there is nothing to ask or to recommend. */
function absenceOf({ closed = null }: InvestigationInput): Absence {
  if (closed === null) return notConfigured;
  const { reason, remedy } = closed;
  const why = `the cluster was not looked at: ${reason}`;
  return { why, questions: [], recommendations: [], gap: { kind: 'forbidden', reason, remedy } };
}

/** The result where there is no cluster to look at; metrics may say something all the same. */
export function emptyResult(
  input: InvestigationInput,
  notice: string | null,
  { measured, actions, gaps }: Measurements,
  recorder: EvidenceRecorder,
): AgentResult {
  const measurements = withCharts(recordMeasured(measured, recorder), input.alert?.startsAt ?? null);
  const timeline = timelineOf(nothingRanked, measured, input.alert, recorder, clean);
  const { why, questions, recommendations, gap } = absenceOf(input);
  return withReport({
    ...blankReport(input, notice, null),
    measurements,
    timeline,
    actions_taken: actions,
    evidence: recorder.list(),
    summary: `${notice === null ? '' : `${notice} `}Inconclusive: ${why}.`,
    confidence_reasons: ['0%: nothing could be read'],
    recommendations,
    escalation_notes: alertLines(input).join('\n') || null,
    open_questions: [...questions, ...gaps.map(gapQuestion)],
    gaps: [...gaps, { what: 'the cluster', ...gap, resource: null, namespace: null }],
  });
}
