import type { Analyzer, FindingDraft, Target, TemplateChange } from '../analyzers/define.ts';
import { objectName } from '../analyzers/define.ts';
import { timeText } from '../analyzers/fields.ts';
import type { FindingSeverity } from '../core/finding.ts';

/** A draft with what ranks it. */
export interface RankedFinding {
  readonly draft: FindingDraft;
  readonly relation: Target['relation'];
  readonly score: number;
  /** Other objects of the same owner with the same finding. */
  readonly alike: readonly string[];
}

export interface Ranking {
  /** The cause first where there is one, then by score. */
  readonly findings: readonly RankedFinding[];
  readonly cause: RankedFinding | null;
  /** The rollout that explains the cause. */
  readonly change: RankedFinding | null;
  /** The parts of it that fit the cause. */
  readonly changes: readonly TemplateChange[];
  /** One or two sentences; null = inconclusive. */
  readonly rootCause: string | null;
}

/** How near a category is to a cause: what stops a container from starting or kills it, before what follows from that. */
const categoryScores: Readonly<Record<string, number>> = {
  'node-not-ready': 96,
  'config-error': 92,
  'image-pull': 92,
  'oom-killed': 90,
  'volume-mount': 88,
  'sandbox-error': 86,
  evicted: 86,
  'create-refused': 85,
  pending: 84,
  'claim-pending': 85,
  'node-pressure': 80,
  'crash-loop': 74,
  'container-failed': 72,
  'no-endpoints': 64,
  'probe-failure': 60,
  'job-failed': 52,
  'rollout-stuck': 50,
  'replicas-unavailable': 44,
  'recent-change': 40,
  'node-cordoned': 24,
  'warning-event': 20,
};
const otherCategoryScore = 30;
const severityScores: Readonly<Record<FindingSeverity, number>> = {
  critical: 8,
  high: 5,
  medium: 2,
  low: -12,
  info: -20,
};
const relationScores: Readonly<Record<Target['relation'], number>> = { alert: 12, owned: 7, owner: 7, near: 0 };

/** An analyzer's findings about one target, before they are ranked. */
export interface Analysis {
  readonly analyzer: Analyzer;
  readonly target: Target;
  readonly findings: readonly FindingDraft[];
  /** Why the analyzer could not do its work; null where it did. */
  readonly problem: string | null;
}

/** Orders findings and chooses the cause. Pure; ties keep the order of targets and analyzers. */
export function rank(analyses: readonly Analysis[], container: string | null): Ranking {
  const all = analyses.flatMap(({ target, findings }) =>
    findings.map((draft): RankedFinding => ({
      draft,
      relation: target.relation,
      score: scoreOf(draft, target.relation, container),
      alike: [],
    })),
  );
  const findings = fold(dropExplained(all, analyses)).sort((one, other) => other.score - one.score);
  const cause =
    findings.find(({ draft }) => draft.cause !== null && draft.severity !== 'low' && draft.severity !== 'info') ?? null;
  const change = cause === null ? null : explainingChange(cause, findings);
  const fitting = cause === null || change === null ? [] : fittingChanges(cause.draft, change.draft.changes ?? []);
  const ordered = cause === null ? findings : [cause, ...findings.filter((finding) => finding !== cause)];
  return {
    findings: ordered,
    cause,
    change,
    changes: fitting,
    rootCause: cause === null ? null : rootCauseText(cause, change, fitting),
  };
}

function scoreOf(draft: FindingDraft, relation: Target['relation'], container: string | null): number {
  const base = categoryScores[draft.category] ?? otherCategoryScore;
  const named = container !== null && draft.facts['container'] === container ? 3 : 0;
  return base + severityScores[draft.severity] + relationScores[relation] + named;
}

/** Warning events whose reason another finding about the same object (or any object, for what its owner says) explains. */
function dropExplained(all: readonly RankedFinding[], analyses: readonly Analysis[]): readonly RankedFinding[] {
  const explained = new Set(
    analyses.flatMap(({ analyzer, target, findings }) =>
      findings.length === 0
        ? []
        : analyzer.explains.map((reason) => `${objectName(target.kind, target.namespace, target.name)} ${reason}`),
    ),
  );
  return all.filter(
    ({ draft }) =>
      draft.category !== 'warning-event' || !explained.has(`${draft.object} ${draft.facts['reason'] ?? ''}`),
  );
}

/** One finding for the pods of one owner that have the same trouble; the highest ranked one stays. */
function fold(all: readonly RankedFinding[]): RankedFinding[] {
  const groups = new Map<string, RankedFinding[]>();
  for (const finding of all) {
    const { draft } = finding;
    const owner = draft.facts['owner'];
    const detail = draft.facts['image'] ?? draft.facts['message'] ?? draft.facts['probe'] ?? '';
    const key =
      owner === undefined
        ? `${draft.category} ${draft.object} ${draft.facts['container'] ?? ''} ${draft.description}`
        : `${draft.category} ${owner} ${draft.facts['container'] ?? ''} ${detail}`;
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first, ...others] = group.sort((one, other) => other.score - one.score);
    if (first === undefined) return [];
    const alikeEvidence = others.slice(0, 4).flatMap(({ draft }) => draft.evidence.slice(0, 1));
    const draft = { ...first.draft, evidence: [...first.draft.evidence, ...alikeEvidence] };
    return [
      { ...first, draft, alike: others.map((other) => other.draft.object).filter((object) => object !== draft.object) },
    ];
  });
}

/** The rollout that made the template which the failing pod runs, if something in it fits the failure. */
function explainingChange(cause: RankedFinding, findings: readonly RankedFinding[]): RankedFinding | null {
  const hash = cause.draft.facts['pod_template_hash'];
  const changes = findings.filter(({ draft }) => draft.category === 'recent-change');
  return (
    changes.find(({ draft }) => {
      const sameTemplate = hash !== undefined && draft.facts['pod_template_hash'] === hash;
      const sameObject = cause.draft.object === draft.object;
      return (sameTemplate || sameObject) && fittingChanges(cause.draft, draft.changes ?? []).length > 0;
    }) ?? null
  );
}

/** Fields of a template that can bring a category about. */
const fittingFields: Readonly<Record<string, RegExp>> = {
  'oom-killed': /^(?:memory limit|image|command|environment|environment sources)$/,
  'image-pull': /^(?:image|image pull secrets|service account)$/,
  'config-error':
    /^(?:environment|environment sources|volumes|volume mounts|command|image|container|security context)$/,
  'volume-mount': /^(?:volumes|volume mounts)$/,
  pending: /(?:request|node selector|affinity|tolerations|volumes|priority class|host network|ports)/,
  'create-refused': /./,
  'rollout-stuck': /./,
};

function fittingChanges(cause: FindingDraft, changes: readonly TemplateChange[]): readonly TemplateChange[] {
  const pattern = fittingFields[cause.category] ?? /./;
  const container = cause.facts['container'];
  return changes.filter(
    (change) =>
      pattern.test(change.field) &&
      (change.container === '' || container === undefined || change.container === container),
  );
}

function rootCauseText(cause: RankedFinding, change: RankedFinding | null, fitting: readonly TemplateChange[]): string {
  const text = cause.draft.cause ?? '';
  if (change === null) return text;
  const { facts, object } = change.draft;
  const revision = `revision ${facts['revision']} of ${object}, rolled out at ${timeText(facts['changed_at'] ?? null)},`;
  const changed = `changed: ${fitting.map((one) => one.text).join('; ')}.`;
  return cause.draft.object.startsWith('pod/')
    ? `${text} The pod runs ${revision} which ${changed}`
    : `${text} R${revision.slice(1)} ${changed}`;
}
