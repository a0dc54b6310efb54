import type { TemplateChange } from '../analyzers/define.ts';
import { addMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { isBefore } from './findings.ts';
import type { RankedFinding } from './findings.ts';

/** A rollout explains a failure that begins within this time after it. */
const rolloutExplainsMs = 3_600_000;

/**
 * The rollout that made the template which the failing pod runs, if something in it fits the failure and it came just before; not
 * one that came when a metric says that what the alert measures was so already (null = none says).
 */
export function explainingChange(
  cause: RankedFinding,
  findings: readonly RankedFinding[],
  measuredSince: Timestamp | null = null,
): RankedFinding | null {
  const hash = cause.draft.facts['pod_template_hash'];
  const { from } = cause.draft.when;
  return (
    findings.find(({ draft }) => {
      if (draft.changes === undefined) return false;
      const changedAt = draft.when.from;
      const sameTemplate = hash !== undefined && draft.facts['pod_template_hash'] === hash;
      const sameObject = cause.draft.object === draft.object;
      const justBefore =
        changedAt === null ||
        from === null ||
        (isBefore(changedAt, from) && from <= addMs(changedAt, rolloutExplainsMs));
      const isAfter = measuredSince !== null && !isBefore(changedAt, measuredSince);
      return (sameTemplate || sameObject) && justBefore && !isAfter && fittingChanges(cause, draft.changes).length > 0;
    }) ?? null
  );
}

/** The changes that can bring a finding about, by its category and its container. */
export function fittingChanges(
  { draft, category }: RankedFinding,
  changes: readonly TemplateChange[],
): readonly TemplateChange[] {
  const container = draft.facts['container'];
  return changes.filter(
    (change) =>
      category.changes?.test(change.field) === true &&
      (change.container === '' || container === undefined || change.container === container),
  );
}
