import type { AgentResult, Finding, Gap } from '../core/finding.ts';
import type { Timestamp } from '../core/time.ts';
import { oneLine, printable } from '../lib/printable.ts';
import { redact } from '../lib/redact.ts';
import { withCharts } from '../report/chart.ts';
import { renderReport } from '../report/markdown.ts';
import { inconclusive, percent } from '../report/words.ts';
import { emptyResult } from '../report/read.ts';
import { aboutAlerts, causeOf, whatHappened } from './about.ts';
import { firstWords } from './bounds.ts';
import { confidenceOf } from './confidence.ts';
import type { EvidenceRecorder } from './evidence.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { maskedSoFar, mostMasked } from '../lib/redact/count.ts';
import { plural } from '../lib/words.ts';
import type { InvestigationInput } from './input.ts';
import type { RankedFinding } from './findings.ts';
import { nothingRanked, withoutCause } from './rank.ts';
import type { Ranking } from './rank.ts';
import { causalChain } from './chain.ts';
import { nothingNamed } from './targets.ts';
import type { Subject } from './targets.ts';
import { metricsResource } from './metrics/gaps.ts';
import type { Measurements } from './metrics/measured.ts';
import { recordMeasured } from './metrics/words.ts';
import type { Reads } from './reads.ts';
import { isOutdated, recordedText } from './recorded.ts';
import { recommend } from './recommend.ts';
import { silenceCommand } from './silence.ts';
import { timelineOf } from './timeline.ts';

/** Findings after this many are left out; the ranking put the telling ones first. */
const maxFindings = 15;
const maxQuestions = 12;
const maxGaps = 50;
const maxUnlinked = 6;
const maxChecked = 20;

interface Composition {
  readonly input: InvestigationInput;
  readonly notice: string | null;
  readonly reads: Reads;
  readonly ranking: Ranking;
  /** When the first of the alerts began; null where none says. */
  readonly firstStart: Timestamp | null;
  readonly recorder: EvidenceRecorder;
  readonly subject: Subject;
  /** Objects that were looked at and found well. */
  readonly checked: readonly string[];
  readonly questions: readonly string[];
  readonly clusterDescription: string;
  /** null where how it is read does not say. */
  readonly clusterName: string | null;
  readonly measured: Measurements;
}

/** Redacted and safe to show, on one line. Everything that people read passes here. */
export function clean(text: string, limit = 1500): string {
  return oneLine(redact(firstWords(text)), limit);
}

/** Numbers the evidence in the order of the findings and words the result. Findings without evidence are dropped. */
export function composeResult(composition: Composition): AgentResult {
  const { notice, reads, ranking, recorder, firstStart } = composition;
  const findings = ranking.findings.slice(0, maxFindings).flatMap((finding) => recordFinding(finding, recorder));
  const dropped = Math.min(ranking.findings.length, maxFindings) - findings.length;
  // A cause whose own finding was dropped is no cause.
  const supported =
    ranking.cause !== null &&
    findings[0]?.category === ranking.cause.draft.category &&
    findings[0].object === ranking.cause.draft.object;
  const kept: Ranking = supported ? ranking : { ...ranking, ...withoutCause };
  const chain = causalChain(kept, recorder);
  const alsoBroken = ranking.unlinked.slice(0, maxUnlinked).flatMap((finding) => recordFinding(finding, recorder));
  const confidence = confidenceOf(kept, reads.gaps(), reads.answered(), isOutdated(reads, firstStart));
  const rootCause = kept.rootCause === null ? null : clean(kept.rootCause, 2500);
  const recommendations = recommend(kept, confidence.value, composition.input.alert).map((item) => ({
    ...item,
    action: clean(item.action),
    rationale: clean(item.rationale),
    changes: item.changes === null ? null : clean(item.changes),
    undo: item.undo === null ? null : clean(item.undo),
  }));
  const { input, measured } = composition;
  const measurements = withCharts(recordMeasured(measured.measured, recorder), input.alert?.startsAt ?? null);
  const timeline = timelineOf(kept, measured.measured, input.alert, recorder, clean);
  // What metrics were wanting takes nothing from what the cluster says.
  const gaps = [...reads.gaps(), ...measured.gaps];
  return withReport({
    ...blankReport(input, notice, composition.clusterName),
    recorded: recordedText(reads, firstStart),
    observed_at: reads.now,
    happened: whatHappened(kept, chain, input.alert, clean),
    cause: causeOf(kept, confidence.value, clean),
    summary: summaryOf(composition, rootCause, findings, confidence.value),
    findings,
    root_cause: rootCause,
    causal_chain: chain.map((link) => ({ ...link, finding: clean(link.finding, 600) })),
    measurements,
    timeline,
    also_broken: alsoBroken,
    checked: composition.checked.slice(0, maxChecked),
    confidence: confidence.value,
    confidence_reasons: [
      ...confidence.reasons.map((reason) => clean(reason)),
      ...(dropped > 0 ? [`${plural(dropped, 'finding')} without evidence dropped`] : []),
    ],
    actions_taken: [...reads.actions(), ...measured.actions],
    recommendations,
    escalation_notes: escalationNotes(composition),
    open_questions: [...composition.questions, ...gaps.map(gapQuestion)]
      .slice(0, maxQuestions)
      .map((question) => clean(question, 500)),
    gaps: gaps.slice(0, maxGaps).map(cleanGap),
    evidence: recorder.list(),
  });
}

/** A result in which nothing was read, with all that the alerts alone say. */
export function blankReport(
  input: InvestigationInput,
  notice: string | null,
  clusterName: string | null,
): Omit<AgentResult, 'report'> {
  return {
    ...emptyResult,
    notice: notice === null ? null : printable(notice),
    ...aboutAlerts(input, clusterName, clean),
    happened: whatHappened(nothingRanked, [], input.alert, clean),
  };
}

function recordFinding({ draft, category, alike }: RankedFinding, recorder: EvidenceRecorder): readonly Finding[] {
  const ids = draft.evidence.flatMap((evidence) => recorder.record(evidence) ?? []);
  if (ids.length === 0) return [];
  const shown = alike.slice(0, 3).join(', ');
  const more = alike.length > 3 ? ` and ${alike.length - 3} more` : '';
  const same = alike.length === 0 ? '' : ` The same holds for ${shown}${more}.`;
  return [
    {
      category: draft.category,
      description: clean(`${draft.description}${same}`),
      happened: category.happened,
      severity: draft.severity,
      object: clean(draft.object),
      from: draft.when.from,
      until: draft.when.until,
      evidence_ids: [...new Set(ids)],
      evidence: Object.fromEntries(Object.entries(draft.facts).map(([name, value]) => [name, clean(value, 500)])),
    },
  ];
}

function summaryOf(
  { notice, subject, ranking }: Composition,
  rootCause: string | null,
  findings: readonly Finding[],
  confidence: number,
): string {
  const prefix = notice === null ? '' : `${notice} `;
  const scope = clean(subject.scope, 300);
  if (rootCause !== null)
    return `${prefix}${clean(ranking.cause?.draft.cause ?? rootCause, 600)} Confidence ${percent(confidence)}, ${plural(findings.length, 'finding')} about ${scope}.`;
  return `${prefix}${inconclusive} ${clean(whyInconclusive(subject, findings.length), 600)}`;
}

/** What keeps the answer from being one, in a sentence: the most telling first. */
function whyInconclusive(subject: Subject, found: number): string {
  if (subject.mismatch !== null) return subject.mismatch;
  if (subject.gone.length > 0) return `${subject.gone.join('; ')}.`;
  if (found > 0) return `${plural(found, 'finding')}, none of which explains the alert, about ${subject.scope}.`;
  if (subject.scope === nothingNamed) return 'its labels name no Kubernetes object.';
  return `no finding about ${subject.scope}.`;
}

function escalationNotes({ input, subject, reads, clusterDescription }: Composition): string {
  return [
    ...alertLines(input),
    `Looked at: ${clean(subject.scope, 500)}, in ${clean(clusterDescription, 200)} as of ${reads.now}.`,
  ].join('\n');
}

/** What was asked and by which alert, in lines that begin a text for people; nothing where there is neither. */
export function alertLines({
  alert,
  others = [],
  othersInAll = 0,
  asked: question,
}: InvestigationInput): readonly string[] {
  const [firstLine = ''] = question.split('\n');
  const asked = firstLine.trim() === '' ? [] : [`Asked: ${clean(firstLine, 500)}`];
  if (alert === null) return asked;
  const count = Math.max(others.length, othersInAll);
  const more = count === 0 ? [] : [`and ${plural(count, 'more alert')} that came together with it.`];
  return [...aboutAlert(alert), ...more, ...asked];
}

function aboutAlert(alert: AlertSnapshot): readonly string[] {
  const { name, severity, startsAt, description, summary, annotations, generatorUrl } = alert;
  const since = startsAt === null ? '' : `, firing since ${startsAt}`;
  const says = description ?? summary;
  const runbook = annotations['runbook_url'] ?? '';
  const silence = silenceCommand(alert);
  return [
    `Alert ${clean(name, 200)} (${severity}${since}).`,
    ...(says === null ? [] : [`The alert says: "${clean(says, 400)}"`]),
    ...(runbook === '' ? [] : [`Runbook: ${clean(runbook, 400)}`]),
    ...(generatorUrl === null || generatorUrl === '' ? [] : [`Its query: ${clean(generatorUrl, 600)}`]),
    ...(silence === null ? [] : [`To silence it while somebody works on it: ${silence}`]),
  ];
}

function cleanGap(gap: Gap): Gap {
  return { ...gap, what: clean(gap.what, 400), reason: clean(gap.reason, 400), remedy: clean(gap.remedy, 400) };
}

/** A gap as the question that it leaves open. */
export function gapQuestion(gap: Gap): string {
  const why = {
    not_captured: 'It was not captured',
    forbidden: 'Reading it is forbidden',
    unavailable: 'The cluster could not be read',
  }[gap.kind];
  if (gap.resource === metricsResource)
    return gap.kind === 'unavailable'
      ? `What do the metrics say? They could not be read: ${gap.reason}`
      : `How did ${gap.what} go? Metrics do not say: ${gap.reason}`;
  return gap.kind === 'unavailable'
    ? `What does the cluster say? It could not be read, beginning with ${gap.what}: ${gap.reason}`
    : `What would ${gap.what} say? ${why}: ${gap.reason}`;
}

/** A result with what others than the analyzers asked for and were not given; the same is said once. Its Markdown is not made anew. */
export function withGaps(result: AgentResult, more: readonly Gap[]): AgentResult {
  const known = new Set(result.gaps.map(({ what }) => what));
  const added = more.map(cleanGap).filter(({ what }) => !known.has(what));
  const questions = added.map(({ what, reason }) =>
    clean(`What would ${what} say? They could not be asked: ${reason}`, 500),
  );
  return {
    ...result,
    gaps: [...result.gaps, ...added].slice(0, maxGaps),
    open_questions: [
      ...result.open_questions.slice(0, Math.max(0, maxQuestions - questions.length)),
      ...questions.slice(0, maxQuestions),
    ],
  };
}

/** A result with what was masked by the work that this is a part of (`countingMasked`), in its Markdown, too. */
export function withMasked(result: AgentResult): AgentResult {
  const masked = mostMasked(result.masked, maskedSoFar());
  return masked.length === 0 ? result : withReport({ ...result, masked });
}

/** The result with its Markdown. */
export function withReport(result: Omit<AgentResult, 'report'>): AgentResult {
  return { ...result, report: renderReport(result) };
}
