import { nameOf } from '../analyzers/define.ts';
import type { Analyzer, Category, FindingDraft, Target } from '../analyzers/define.ts';
import { addMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';

/** An analyzer's findings about one target, before they are ranked. */
export interface Analysis {
  readonly analyzer: Pick<Analyzer, 'name' | 'explains' | 'categories'>;
  readonly target: Target;
  readonly findings: readonly FindingDraft[];
  /** Why the analyzer could not do its work; null where it did. */
  readonly problem: string | null;
}

/** A draft with what ranks it. */
export interface RankedFinding {
  readonly draft: FindingDraft;
  readonly category: Category;
  readonly target: Target;
  readonly score: number;
  /** Other objects of the same owner with the same finding. */
  readonly alike: readonly string[];
}

/** Without what gives way to another finding about the same object that explains its reason. */
export function dropExplained(all: readonly RankedFinding[], analyses: readonly Analysis[]): readonly RankedFinding[] {
  const explained = new Set(
    analyses.flatMap(({ analyzer, target, findings }) =>
      findings.length === 0 ? [] : analyzer.explains.map((reason) => `${nameOf(target)} ${reason}`),
    ),
  );
  return all.filter(
    ({ draft, category }) =>
      category.givesWay !== true || !explained.has(`${draft.object} ${draft.facts['reason'] ?? ''}`),
  );
}

/** One finding for the pods of one owner that have the same trouble; the highest ranked one stays. */
export function fold(all: readonly RankedFinding[]): RankedFinding[] {
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

/** Clocks of a cluster differ, and conditions are written in seconds. */
const slackMs = 120_000;

/** Whether one moment does not come after another; what is unknown does not. */
export function isBefore(one: Timestamp | null, other: Timestamp | null): boolean {
  return one === null || other === null || one <= addMs(other, slackMs);
}
