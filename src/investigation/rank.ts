import type { Category, FindingDraft, Pointer, Question, Target, TemplateChange } from '../analyzers/define.ts';
import type { FindingSeverity } from '../core/finding.ts';
import { addMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { rootCauseText } from './cause-words.ts';
import { bearingScores } from './bearing.ts';
import type { Bearing, BearingsOf } from './bearing.ts';
import { dropExplained, fold, isBefore } from './findings.ts';
import type { Analysis, RankedFinding } from './findings.ts';
import { isLinked, isSurrounding, pathTo } from './graph.ts';
import { explainingChange, fittingChanges } from './rollout.ts';

export interface Ranking {
  /** What is linked to the alert: the cause first where there is one, then by score. */
  readonly findings: readonly RankedFinding[];
  /** What is also broken, with no link to the alert. */
  readonly unlinked: readonly RankedFinding[];
  readonly cause: RankedFinding | null;
  /** From the finding about what the alert names to the cause, each explained by the next; the cause is the last. */
  readonly chain: readonly RankedFinding[];
  /** The rollout that explains the cause. */
  readonly change: RankedFinding | null;
  /** The parts of it that fit the cause. */
  readonly changes: readonly TemplateChange[];
  /** One or two sentences; null = inconclusive. */
  readonly rootCause: string | null;
  /** What metrics say for and against the cause. */
  readonly bearings: readonly Bearing[];
}

/** What of a ranking says that nothing is known to be the cause. */
export const withoutCause = {
  cause: null,
  chain: [],
  change: null,
  changes: [],
  rootCause: null,
  bearings: [],
} as const;

/** The ranking of nothing. */
export const nothingRanked: Ranking = { findings: [], unlinked: [], ...withoutCause };

/** What the alert asks for. */
export interface Asked {
  /** Of the alerts; one question that is `anything` lets every category answer. */
  readonly questions: readonly Question[];
  /** The container that the alert names. */
  readonly container: string | null;
  readonly startsAt: Timestamp | null;
  /** The moment of the evidence; null = not compared. */
  readonly now: Timestamp | null;
  /** Since when, at the latest, what the alert measures is so, by its metric; null where no metric says. */
  readonly measuredSince: Timestamp | null;
}

/** A question for anything, of nobody and of no time. */
export const nothingAsked: Asked = {
  questions: ['anything'],
  container: null,
  startsAt: null,
  now: null,
  measuredSince: null,
};

const severityScores: Readonly<Record<FindingSeverity, number>> = {
  critical: 8,
  high: 5,
  medium: 2,
  low: -12,
  info: -20,
};

/** What the cluster itself names comes before what is concluded. */
const decisiveScore = 6;
/** Where only a namespace is named, a symptom that nothing explains further is no answer. */
const nearnessOfAnswers = 76;

/** Alerts look back this far: what ended earlier before an alert began to fire is history. */
const alertLooksBackMs = 3_600_000;

/** Orders findings and chooses the cause. Pure; ties keep the order of targets and analyzers. */
export function rank(analyses: readonly Analysis[], asked: Asked, bearingsOf: BearingsOf = () => []): Ranking {
  const told = weighed(ordered(analyses, asked), bearingsOf);
  const findings = told.filter(({ target }) => isLinked(target));
  const unlinked = told.filter(({ target, draft }) => !isLinked(target) && !isSlight(draft));
  const chain = chooseChain(findings, asked);
  const cause = chain.at(-1) ?? null;
  const change = cause === null ? null : explainingChange(cause, findings, asked.measuredSince);
  const fitting = cause === null || change === null ? [] : fittingChanges(cause, change.draft.changes ?? []);
  return {
    findings: [...chain.toReversed(), ...findings.filter((finding) => !chain.includes(finding))],
    unlinked,
    cause,
    chain,
    change,
    changes: fitting,
    rootCause: cause === null ? null : rootCauseText(cause, chain, change, fitting),
    bearings: cause === null ? [] : bearingsOf(cause),
  };
}

/** Findings with what metrics say of them as evidence and in their scores, in their new order. */
function weighed(findings: readonly RankedFinding[], bearingsOf: BearingsOf): readonly RankedFinding[] {
  return findings
    .map((finding) => {
      const bearings = bearingsOf(finding);
      const score = bearings.reduce((sum, { reason }) => sum + bearingScores[reason], finding.score);
      const evidence = [...finding.draft.evidence, ...bearings.map((bearing) => bearing.evidence)];
      return bearings.length === 0 ? finding : { ...finding, score, draft: { ...finding.draft, evidence } };
    })
    .sort((one, other) => other.score - one.score);
}

/** What is broken, each with what it brought about: the chains of all findings, one for each cause, worst first. */
export function causes(analyses: readonly Analysis[]): readonly (readonly RankedFinding[])[] {
  const current = ordered(analyses, nothingAsked).filter(({ draft }) => !isSlight(draft) && draft.when.until === null);
  const chains = current.map((finding) => deepen(finding, current, [])).filter((chain) => chain.length > 0);
  const byCause = new Map<RankedFinding, RankedFinding[]>();
  for (const chain of chains) {
    const cause = chain.at(-1);
    if (cause === undefined) continue;
    const affected = byCause.get(cause) ?? [cause];
    byCause.set(cause, [...affected, ...chain.filter((one) => !affected.includes(one))]);
  }
  return [...byCause.values()];
}

function ordered(analyses: readonly Analysis[], asked: Asked): readonly RankedFinding[] {
  const all = analyses.flatMap(({ analyzer, target, findings }) =>
    findings.flatMap((draft): readonly RankedFinding[] => {
      const category = analyzer.categories[draft.category];
      if (category === undefined) throw new Error(`analyzer ${analyzer.name} gives no category ${draft.category}`);
      return [{ draft, category, target, score: scoreOf(draft, category, target, asked), alike: [] }];
    }),
  );
  return fold(dropExplained(all, analyses)).sort((one, other) => other.score - one.score);
}

function scoreOf(draft: FindingDraft, category: Category, target: Target, { container, startsAt }: Asked): number {
  const own = draft.facts['container'];
  const named =
    container === null || own === undefined || target.relation !== 'alert' ? 0 : own === container ? 3 : -25;
  const place = target.relation === 'alert' ? 12 : isLinked(target) && !isSurrounding(target) ? 7 : 0;
  const decisive = draft.decisive ? decisiveScore : 0;
  const old = pathTo(target)[0]?.relation === 'holds' && isLongBefore(draft.when.from, startsAt) ? oldScore : 0;
  return category.nearness + severityScores[draft.severity] + decisive + place + named + old;
}

/** Whether it is too slight to be a cause, or to give advice for. */
export const isSlight = ({ severity }: FindingDraft): boolean => severity === 'low' || severity === 'info';

/** In a place what has been broken for long did not make the alert begin now. */
const oldScore = -30;
const longMs = 6 * 3_600_000;

function isLongBefore(from: Timestamp | null, startsAt: Timestamp | null): boolean {
  return from !== null && startsAt !== null && from < addMs(startsAt, -longMs);
}

/** Whether it was over before the alert could see it, or has been for so long that no rule looks back at it any more. */
function isHistory({ when }: FindingDraft, { startsAt, now }: Asked): boolean {
  if (when.until === null) return false;
  return [startsAt, now].some(
    (moment) => moment !== null && when.until !== null && when.until < addMs(moment, -alertLooksBackMs),
  );
}

/** The best finding that answers the alert, and what it points at as long as that is broken too and was so before. */
function chooseChain(findings: readonly RankedFinding[], asked: Asked): readonly RankedFinding[] {
  const current = findings.filter(({ draft }) => !isSlight(draft) && !isHistory(draft, asked));
  const answers = ({ category }: RankedFinding): boolean =>
    asked.questions.some((question) => question === 'anything' || category.answers.includes(question));
  const own = current.filter(
    (finding) => answers(finding) && !isSurrounding(finding.target) && !isSibling(finding, asked),
  );
  const chains = own
    .map((finding) => deepen(finding, current, []))
    .filter((chain) => chain.length > 0 && isAnswer(chain, asked));
  const best = chains[0];
  // What only surrounds the object answers where nothing of its own does, and where it came first.
  const around = current.find(
    (finding) =>
      answers(finding) &&
      isSurrounding(finding.target) &&
      finding.draft.cause !== null &&
      finding.draft.decisive &&
      isBefore(finding.draft.when.from, asked.startsAt),
  );
  return best ?? (around === undefined ? rolledOut(own, findings, asked) : [around]);
}

/** Whether it is about another container of the pod than the one whose ends the alert is about: that only supports. */
function isSibling({ draft, target }: RankedFinding, { questions, container }: Asked): boolean {
  const own = draft.facts['container'];
  return (
    questions.includes('exits') &&
    target.relation === 'alert' &&
    container !== null &&
    own !== undefined &&
    own !== container
  );
}

/** A failure that says nothing of why, right after a rollout that can have brought it about: the rollout is what is known. */
function rolledOut(
  own: readonly RankedFinding[],
  findings: readonly RankedFinding[],
  { measuredSince }: Asked,
): readonly RankedFinding[] {
  const failing = own.find(
    (finding) => finding.category.changes !== null && explainingChange(finding, findings, measuredSince) !== null,
  );
  if (failing === undefined) return [];
  return [{ ...failing, draft: { ...failing.draft, cause: failing.draft.description, decisive: false } }];
}

/** Whether a chain says more than that something in the namespace is unwell. */
function isAnswer(chain: readonly RankedFinding[], { startsAt }: Asked): boolean {
  const [symptom] = chain;
  const cause = chain.at(-1);
  if (symptom === undefined || cause === undefined) return false;
  const inPlace = pathTo(symptom.target)[0]?.relation === 'holds';
  const says = cause.draft.decisive || cause.draft.facts['log_kind'] !== undefined;
  if (!inPlace) return true;
  const old = [symptom, cause].every(({ draft }) => isLongBefore(draft.when.from, startsAt));
  return !old && (says || cause.category.nearness >= nearnessOfAnswers);
}

/** The finding, then the cause of what it points at; empty where neither it nor anything behind it is a cause. */
function deepen(
  finding: RankedFinding,
  all: readonly RankedFinding[],
  seen: readonly RankedFinding[],
): readonly RankedFinding[] {
  const path = [...seen, finding];
  for (const pointer of finding.draft.pointers ?? []) {
    const behind = all.filter(
      (other) =>
        !path.includes(other) &&
        isBelow(other.target, pointer) &&
        isBefore(other.draft.when.from, finding.draft.when.from),
    );
    for (const one of behind) {
      const chain = deepen(one, all, path);
      if (chain.length > 0) return [finding, ...chain];
    }
  }
  return finding.draft.cause === null ? [] : [finding];
}

/** Whether the way to this target goes through what the pointer names, or ends there. */
function isBelow(target: Target, pointer: Pointer): boolean {
  return pathTo(target).some(
    ({ kind, namespace, name }) =>
      kind === pointer.kind &&
      namespace === pointer.namespace &&
      // Of a custom resource what was made for it speaks for it: the request `web-tls-1` for `web-tls`.
      (name === pointer.name || (kind === 'customresource' && name.startsWith(`${pointer.name}-`))),
  );
}
