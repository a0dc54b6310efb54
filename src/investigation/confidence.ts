import type { Gap } from '../core/finding.ts';
import type { FindingDraft } from '../analyzers/define.ts';
import type { BearingReason } from './bearing.ts';
import { isSurrounding } from './graph.ts';
import type { Ranking } from './rank.ts';

export interface Confidence {
  /** 0 to 1, in hundredths. */
  readonly value: number;
  /** Each rule that counted, in words, with its part. */
  readonly reasons: readonly string[];
}

/** What a rule adds or takes away; in hundredths, so that sums are exact. */
const points = {
  cause: 35,
  decisive: 30,
  change: 15,
  alertObject: 10,
  nearObject: 5,
  log: 5,
  events: 5,
  gap: -10,
  rival: -10,
} as const;

/** What metrics add or take away. */
const bearingPoints: Readonly<Record<BearingReason, number>> = {
  MemoryAtLimit: 10,
  MemoryFarFromLimit: -10,
  BeganAfterMetrics: -20,
};

/** Gaps that count; more say nothing new. */
const maxGaps = 2;
const maxConfidence = 95;
/** Without evidence in which the cluster (or the process) names the cause. */
const maxWithoutDecisive = 60;
/** Where nothing but the neighbourhood links the cause to what the alert names. */
const maxNear = 60;
/** Where only a line of a log names it: another line may have been the one. */
const maxOfLog = 80;
/** Where the alert began after what is read was captured. */
const maxOutdated = 50;
/** Where a metric says otherwise: no cause is stated as a fact against what was measured. */
const maxAgainst: Readonly<Partial<Record<BearingReason, readonly [number, string]>>> = {
  MemoryFarFromLimit: [80, 'metrics do not show it coming'],
  BeganAfterMetrics: [50, 'what the alert measures was so before it began'],
};

/**
 * The confidence in the root cause, from these rules and nothing else:
 *
 * | rule | points |
 * |---|---|
 * | a finding explains the alert | +35 |
 * | decisive: a status, an event or the process's own last words name the cause | +30 |
 * | a rollout changed what fits the cause, and the failing pod runs it | +15 |
 * | it is about the object that the alert names, or one above or below it (else +5) | +10 |
 * | the log of the run that ended was read | +5 |
 * | warning events agree | +5 |
 * | something that was asked for was not captured or forbidden (at most twice) | -10 each |
 * | another decisive cause ranks within 5 points, on another owner | -10 |
 * | metrics: the memory of a killed container was at 90 % of its limit or more just before | +10 |
 * | metrics: it was under half of its limit, in a run of two minutes or more | -10 |
 * | metrics: what the alert measures was so for over 5 minutes when the cause began | -20 |
 * | at most | 95; 80 where metrics show no memory that was near its limit; 50 where the cause began after what the alert measures; 80 where only a line of a log names the cause and no rollout fits it; 60 without decisive evidence or about an object (but a node) that is only near; 50 where the recorded cluster is older than the alert |
 *
 * Inconclusive: 10 where something was read, 0 where nothing was.
 */
export function confidenceOf(
  ranking: Ranking,
  gaps: readonly Pick<Gap, 'what' | 'kind'>[],
  readsAnswered: number,
  isOutdated = false,
): Confidence {
  const { cause, change, chain } = ranking;
  if (cause === null) {
    const reason =
      readsAnswered === 0 ? '0%: nothing could be read' : '10%: inconclusive, no finding explains the alert';
    return { value: readsAnswered === 0 ? 0 : 0.1, reasons: [reason] };
  }
  const { draft } = cause;
  // What a finding itself points at is linked by evidence, what merely surrounds the object is not.
  const around = isSurrounding(cause.target) && chain.length === 1;
  const kinds = new Set(draft.evidence.map((evidence) => evidence.read.kind));
  const rules: readonly (readonly [boolean, number, string])[] = [
    [true, points.cause, `a finding explains the alert (${draft.category})`],
    [
      draft.decisive,
      points.decisive,
      'decisive evidence: the cause is named by the cluster itself or by the last words of the process',
    ],
    [change !== null, points.change, 'a rollout changed what fits the cause, and the failing pod runs it'],
    [!around, points.alertObject, 'it is about the object of the alert, or one above or below it'],
    [around, points.nearObject, 'it is about an object that the one of the alert stands on'],
    [kinds.has('logs'), points.log, 'the log of the container was read'],
    [kinds.has('events'), points.events, 'warning events agree'],
    ...gaps
      .filter((gap) => concerns(gap, draft))
      .slice(0, maxGaps)
      .map((gap) => [true, points.gap, `${gap.what}: ${gapWord(gap)}`] as const),
    [hasRival(ranking), points.rival, 'another decisive cause ranks nearly as high'],
    ...ranking.bearings.map(({ reason, message }) => [true, bearingPoints[reason], message] as const),
  ];
  const counted = rules.filter(([applies]) => applies);
  const sum = counted.reduce((total, [, part]) => total + part, 0);
  const told = draft.facts['log_line'] !== undefined && change === null;
  const [cap, why] = lowest([
    isOutdated
      ? [maxOutdated, 'the recorded cluster is older than the alert']
      : capOf(draft.decisive, !around || draft.object.startsWith('node/'), told),
    ...ranking.bearings.flatMap(({ reason }) => (maxAgainst[reason] === undefined ? [] : [maxAgainst[reason]])),
  ]);
  const reasons = counted.map(([, part, text]) => `${part > 0 ? '+' : ''}${part}%: ${text}`);
  if (sum > cap) reasons.push(`at most ${cap}%: ${why}`);
  return { value: Math.max(5, Math.min(cap, sum)) / 100, reasons };
}

type Cap = readonly [number, string];

function lowest(caps: readonly Cap[]): Cap {
  return caps.reduce(
    (least, one) => (one[0] < least[0] ? one : least),
    [maxConfidence, 'an analysis is never certain'],
  );
}

function capOf(decisive: boolean, linked: boolean, told: boolean): Cap {
  if (!decisive) return [maxWithoutDecisive, 'no decisive evidence'];
  if (linked && told) return [maxOfLog, 'only a line of a log names the cause'];
  return linked
    ? [maxConfidence, 'an analysis is never certain']
    : [maxNear, 'nothing but its place links it to what the alert names'];
}

/** A log that is not there says nothing against a cause that no log could show. */
function concerns({ what }: Pick<Gap, 'what'>, { facts }: FindingDraft): boolean {
  return facts['log'] !== undefined || !/ log of container /.test(` ${what}`);
}

function gapWord(gap: Pick<Gap, 'kind'>): string {
  return gap.kind === 'not_captured' ? 'not captured' : gap.kind;
}

function hasRival({ cause, chain, findings }: Ranking): boolean {
  if (cause === null) return false;
  const owner = cause.draft.facts['owner'];
  return findings.some(
    (finding) =>
      !chain.includes(finding) &&
      finding.draft.decisive &&
      finding.draft.cause !== null &&
      cause.score - finding.score < 5 &&
      (finding.draft.facts['owner'] ?? finding.draft.object) !== (owner ?? cause.draft.object),
  );
}
