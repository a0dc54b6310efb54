import { nameOf } from '../analyzers/define.ts';
import type { TimelineEntry } from '../core/finding.ts';
import type { AlertSnapshot } from '../core/run.ts';
import type { Timestamp } from '../core/time.ts';
import { subjectOf } from './about.ts';
import type { EvidenceRecorder } from './evidence.ts';
import type { RankedFinding } from './findings.ts';
import type { Measured } from './metrics/measured.ts';
import { evidenceOf } from './metrics/measured.ts';
import { momentsOf } from './metrics/moments.ts';
import type { Ranking } from './rank.ts';

type Clean = (text: string, limit?: number) => string;

/** Entries after this many are left out: those of other findings than the chain's first. */
const mostEntries = 20;
/** Findings that are told where there is no cause. */
const mostFindings = 3;

/**
 * The moments of an incident, the earliest first: when the alert began and ended, when what was found on the way to the cause began
 * and was over (without a cause: the first findings), when the rollout came that explains it, and what metrics did. An entry without
 * evidence is left out, but for what the alert itself says.
 */
export function timelineOf(
  ranking: Ranking,
  measured: readonly Measured[],
  alert: AlertSnapshot | null,
  recorder: EvidenceRecorder,
  clean: Clean,
): readonly TimelineEntry[] {
  const told = ranking.chain.length > 0 ? ranking.chain : ranking.findings.slice(0, mostFindings);
  const entries = [
    ...alertEntries(alert),
    ...told.flatMap((finding) => findingEntries(finding, recorder)),
    ...(ranking.change === null ? [] : rolloutEntry(ranking.change, recorder)),
    ...measured.flatMap((one) => metricEntries(one, killOf(one, ranking.findings), recorder)),
  ];
  const known = new Set<string>();
  return entries
    .map((entry) => ({
      ...entry,
      text: clean(entry.text, 300),
      object: entry.object === null ? null : clean(entry.object),
    }))
    .filter(({ at, text }) => !known.has(`${at} ${text}`) && known.add(`${at} ${text}`))
    .slice(0, mostEntries)
    .sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
}

function alertEntries(alert: AlertSnapshot | null): readonly TimelineEntry[] {
  if (alert === null || alert.fingerprint === '') return [];
  const entry = (at: Timestamp | null, text: string): readonly TimelineEntry[] =>
    at === null ? [] : [{ at, source: 'alert', object: null, text: `${alert.name} ${text}`, evidence_ids: [] }];
  return [
    ...entry(alert.startsAt, 'began to fire'),
    ...(alert.status === 'resolved' ? entry(alert.endsAt, 'ended') : []),
  ];
}

function findingEntries(finding: RankedFinding, recorder: EvidenceRecorder): readonly TimelineEntry[] {
  const { draft, category, target } = finding;
  const ids = idsOf(finding, recorder);
  if (ids.length === 0) return [];
  const about = { source: 'finding', object: nameOf(target), evidence_ids: ids } as const;
  const { from, until } = draft.when;
  const restarts = Number(draft.facts['restarts'] ?? 0);
  // Only the time of an end is known to be that of the last one.
  const often = restarts > 1 && from === draft.facts['finished_at'] ? `, the last of ${restarts} times` : '';
  return [
    ...(from === null ? [] : [{ ...about, at: from, text: `${subjectOf(draft)} ${category.happened}${often}` }]),
    ...(until === null ? [] : [{ ...about, at: until, text: `${subjectOf(draft)} was well again` }]),
  ];
}

function rolloutEntry(change: RankedFinding, recorder: EvidenceRecorder): readonly TimelineEntry[] {
  const { object, facts } = change.draft;
  const at = facts['changed_at'];
  const ids = idsOf(change, recorder);
  if (at === undefined || ids.length === 0) return [];
  const text = `revision ${facts['revision']} of ${object} was rolled out`;
  return [{ at, source: 'change', object, text, evidence_ids: ids }];
}

function metricEntries(one: Measured, until: Timestamp | null, recorder: EvidenceRecorder): readonly TimelineEntry[] {
  const id = recorder.record(evidenceOf(one));
  if (id === null) return [];
  return momentsOf(one, until).map(({ at, text }) => ({
    at,
    source: 'metric' as const,
    object: one.object,
    text,
    evidence_ids: [id],
  }));
}

/** When the container that was measured was killed for its memory, as far as that was found. */
function killOf({ object, container }: Measured, findings: readonly RankedFinding[]): Timestamp | null {
  const killed = findings.find(
    ({ draft }) =>
      draft.object === object && draft.facts['container'] === container && draft.facts['finished_at'] !== undefined,
  );
  return killed?.draft.facts['finished_at'] ?? null;
}

function idsOf({ draft }: RankedFinding, recorder: EvidenceRecorder): readonly string[] {
  return [...new Set(draft.evidence.flatMap((evidence) => recorder.record(evidence) ?? []))];
}
