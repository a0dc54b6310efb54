import type { AgentResult, Finding, ModelUse, Recommendation, RivalCause } from '../core/finding.ts';
import type { Evidence } from '../core/run.ts';
import { withReport } from '../investigation/result.ts';
import { oneLine } from '../lib/printable.ts';
import { distinct } from '../lib/words.ts';
import { certaintyOf, percent } from '../report/words.ts';
import type { CheckedCause, CheckedFinding, CheckedReport } from './check.ts';

/** Findings of a model beside those of the analyzers. */
const mostFindings = 8;
/** What two causes that speak against each other leave of the confidence in the first. */
const mostDisputed = 0.6;

/** What a model came to. */
export interface ModelPart {
  readonly model: string;
  readonly use: ModelUse;
  /** null: it gave no answer that can be used. */
  readonly checked: CheckedReport | null;
  /** What its tools read, in the order of the ids. */
  readonly evidence: readonly Evidence[];
}

/**
 * One report of what the analyzers and the model found. The analyzers' cause stays; where the model gives another one, both stand
 * side by side. Where they found none, the model's is the cause only if the evidence itself shows it, and never a sure one. Pure.
 */
export function mergeResults(analysis: AgentResult, part: ModelPart): AgentResult {
  const { checked, model, use } = part;
  const claimed = checked?.cause ?? null;
  const shown = { ...analysis, model, model_use: use, evidence: [...analysis.evidence, ...part.evidence] };
  if (checked === null) return withReport(shown);
  const own = checked.findings.slice(0, mostFindings).map(findingOf);
  const base: AgentResult = {
    ...shown,
    findings: [...analysis.findings, ...own],
    hypotheses: checked.hypotheses.map((one) => ({ ...one, statement: oneLine(one.statement, 400) })),
    recommendations: [...analysis.recommendations, ...nextSteps(checked.next, analysis.recommendations)],
  };
  if (claimed === null) return withReport(base);
  if (analysis.cause === null) return withReport(claimed.isDecisive ? caused(base, claimed) : possible(base, claimed));
  return withReport(isSame(analysis, claimed) ? agreed(base) : disputed(base, claimed));
}

function findingOf({ statement, object, severity, evidenceIds, quotes }: CheckedFinding): Finding {
  return {
    category: 'model',
    description: oneLine(statement, 600),
    happened: '',
    severity,
    object: oneLine(object, 300),
    from: null,
    until: null,
    evidence_ids: evidenceIds,
    evidence: Object.fromEntries(quotes.map((quote, index) => [`quote ${index + 1}`, oneLine(quote, 300)])),
  };
}

/** For a person to think of: nobody has checked what a command in it does. Said of each, for a report says no long sentence twice. */
function nextSteps(next: readonly string[], before: readonly Recommendation[]): readonly Recommendation[] {
  const known = new Set(before.map(({ action }) => action));
  return distinct(next.map((text) => oneLine(text, 400)))
    .filter((text) => text !== '' && !known.has(text))
    .slice(0, 3)
    .map((text, index) => ({
      priority: before.length + index + 1,
      action: `The model proposes: ${text}`,
      rationale: '',
      risk_level: 'high',
      requires_approval: true,
      changes: 'nobody has checked what it does',
      undo: null,
    }));
}

/** Whether both mean the same object, or one above or below it on the way. */
function isSame({ cause, causal_chain: chain, findings }: AgentResult, { object }: CheckedCause): boolean {
  if (cause === null) return false;
  const owner = findings[0]?.evidence['owner']?.toLowerCase().split('/').at(-1);
  return (
    object === cause.object || (owner !== undefined && object.endsWith(`/${owner}`)) || chain.at(-1)?.object === object
  );
}

function rival(by: RivalCause['by'], cause: CheckedCause): RivalCause {
  return {
    by,
    sentence: oneLine(cause.statement, 600),
    object: oneLine(cause.object, 300),
    confidence: cause.confidence,
    evidence_ids: cause.evidenceIds,
    doubts: cause.doubts.map((doubt) => oneLine(doubt, 300)),
  };
}

function agreed(base: AgentResult): AgentResult {
  return { ...base, confidence_reasons: [...base.confidence_reasons, 'the model gives the same cause (+0)'] };
}

/** Two causes: the analyzers' stays the stated one, less sure where nothing speaks against the other. */
function disputed(base: AgentResult, claimed: CheckedCause): AgentResult {
  const { cause, findings } = base;
  if (cause === null) return base;
  const isOpen = claimed.doubts.length === 0;
  const confidence = isOpen ? Math.min(base.confidence, mostDisputed) : base.confidence;
  const own: RivalCause = {
    by: 'analyzers',
    sentence: cause.sentence,
    object: cause.object,
    confidence,
    evidence_ids: findings[0]?.evidence_ids ?? [],
    doubts: [],
  };
  const reason = isOpen
    ? `the model gives another cause, about ${claimed.object}: at most ${percent(mostDisputed)}`
    : null;
  return {
    ...base,
    cause: { ...cause, certainty: certaintyOf(confidence) },
    confidence,
    confidence_reasons: [...base.confidence_reasons, ...(reason === null ? [] : [oneLine(reason, 400)])],
    rival_causes: [own, rival('model', claimed)],
  };
}

/** A cause that nothing shows is only named as possible. */
function possible(base: AgentResult, claimed: CheckedCause): AgentResult {
  return { ...base, rival_causes: [rival('model', claimed)] };
}

/** The model's cause, with its evidence as the first finding. */
function caused(base: AgentResult, claimed: CheckedCause): AgentResult {
  const sentence = oneLine(claimed.statement, 600);
  const { object, evidenceIds, confidence, since } = claimed;
  const quotes = base.findings.find(
    ({ object: other, category }) => category === 'model' && other === object,
  )?.evidence;
  const finding: Finding = {
    category: 'model',
    description: sentence,
    happened: '',
    severity: 'high',
    object,
    from: since,
    until: null,
    evidence_ids: evidenceIds,
    evidence: quotes ?? {},
  };
  const notice = base.notice === null ? '' : `${base.notice} `;
  return {
    ...base,
    findings: [finding, ...base.findings],
    cause: { sentence, category: 'model', object, certainty: certaintyOf(confidence), since, change: null },
    root_cause: sentence,
    confidence,
    confidence_reasons: [
      `${percent(confidence)}: the model gives this cause and evidence about ${object} shows it; the analyzers found none (at most 55%)`,
    ],
    summary: `${notice}${sentence} Confidence ${percent(confidence)}; the model gives this cause, the analyzers found none.`,
  };
}
