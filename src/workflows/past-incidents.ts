import type { AlertRecord } from '../core/alert.ts';
import { causesElsewhere } from '../core/causes.ts';
import type { AgentResult } from '../core/finding.ts';
import type { LearnedReader } from '../core/learned-store.ts';
import type { AlertSummary, ListReader } from '../core/lists.ts';
import type { JudgedIncident, LikeAlert, PastIncident, PastIncidents, PastVerdict } from '../core/readers.ts';
import { standingVerdicts } from '../core/verdict.ts';
import type { VerdictRecord } from '../core/verdict.ts';
import { namedObjects } from '../investigation/labels.ts';

/** Alerts of the same name that are looked at, those that changed last. */
const mostLookedAt = 200;
/** What people said of runs for alerts of the same name, the newest. */
const mostVerdictsLookedAt = 200;

/** What is read of the store. */
interface PastReader {
  readonly lists: Pick<ListReader, 'alerts' | 'alertsOf' | 'foundWithin' | 'runs'>;
  readonly learned: Pick<LearnedReader, 'verdictsOf' | 'verdictsOnAlerts'>;
}

/**
 * What the last reports of alerts of the same name said, of Sources and Workflows in this namespace, without this run, and what people said of
 * them. Only what this program itself worded: of a report its category, object and confidence, never a sentence, which may quote
 * what others wrote. What people said outlives the runs that it is of.
 */
export function pastIncidents(
  { lists, learned }: PastReader,
  { namespace, runId }: { readonly namespace: string; readonly runId: string },
): PastIncidents {
  async function reported(alert: LikeAlert, limit: number): Promise<readonly PastIncident[]> {
    const { items } = await lists.alerts({ name: alert.name, namespace, limit: mostLookedAt });
    const known = items.filter(({ cause }) => cause !== null);
    const elsewhere = await causesElsewhere(lists, known, namespace);
    const alike = known
      .filter(({ id }) => !elsewhere.has(id))
      .map((summary) => ({ summary, likeness: likenessOf(aboutOf(summary), alert) }))
      .sort((one, other) => rankOf(one) - rankOf(other))
      .slice(0, limit);
    const records = new Map((await lists.alertsOf(alike.map(({ summary }) => summary.id))).map((one) => [one.id, one]));
    const incidents = await Promise.all(
      alike.map(async ({ summary, likeness }) => {
        const record = records.get(summary.id);
        const run = record === undefined ? null : await runOf(lists, record, { namespace, runId });
        return record === undefined || run === null ? null : incidentOf(record, run, likeness);
      }),
    );
    return incidents.filter((incident) => incident !== null);
  }

  async function judged(alert: LikeAlert): Promise<readonly JudgedIncident[]> {
    const said = await learned.verdictsOnAlerts({ namespace, alertName: alert.name }, mostVerdictsLookedAt);
    return [...standingVerdicts(said).values()]
      .filter((record) => record.runId !== runId)
      .flatMap((record) => judgedIncident(record, alert))
      .sort((one, other) => rankOf(one) - rankOf(other) || (one.verdict.at < other.verdict.at ? 1 : -1));
  }

  return {
    judged,
    async similar(alert, limit) {
      const [all, known] = await Promise.all([reported(alert, limit), judged(alert)]);
      const verdicts = new Map(known.map((one) => [one.runId, one]));
      const others = all.filter((incident) => !verdicts.has(incident.runId));
      // Of those that are alike in the same way, what a person spoke of is worth more.
      return [...known, ...others].sort((one, other) => rankOf(one) - rankOf(other)).slice(0, limit);
    },
  };
}

const ranks: readonly PastIncident['likeness'][] = [
  'the same alert',
  'the same rule in the same namespace',
  'the same rule',
];

function rankOf({ likeness }: Pick<PastIncident, 'likeness'>): number {
  return ranks.indexOf(likeness);
}

interface About {
  readonly fingerprint: string | null;
  readonly namespace: string | null;
}

function aboutOf({ fingerprint, name, labels }: AlertSummary): About {
  return { fingerprint, namespace: namedObjects(name, labels).namespace };
}

function likenessOf({ fingerprint, namespace }: About, alert: Omit<LikeAlert, 'name'>): PastIncident['likeness'] {
  // What a person asked about has none.
  if (fingerprint !== null && fingerprint !== '' && fingerprint === alert.fingerprint) return 'the same alert';
  return namespace !== null && namespace === alert.namespace ? 'the same rule in the same namespace' : 'the same rule';
}

interface EndedRun {
  readonly id: string;
  readonly completedAt: string;
}

/** The newest run of the alert that has ended: its report is the one that the alert keeps. */
async function runOf(
  lists: Pick<ListReader, 'runs'>,
  { id }: AlertRecord,
  { namespace, runId: exceptId }: { readonly namespace: string; readonly runId: string },
): Promise<EndedRun | null> {
  const { items } = await lists.runs({ alertId: id, namespace, limit: 10 });
  const ended = items.find((run) => run.id !== exceptId && run.completedAt !== null);
  return ended === undefined || ended.completedAt === null ? null : { id: ended.id, completedAt: ended.completedAt };
}

function incidentOf(
  { name, aiAnalysis }: AlertRecord,
  { id, completedAt }: EndedRun,
  likeness: PastIncident['likeness'],
): PastIncident {
  const { object = null, cause = null, confidence = 0 } = (aiAnalysis ?? {}) as unknown as Partial<AgentResult>;
  return {
    runId: id,
    alertName: name,
    object,
    at: completedAt,
    cause: cause === null ? null : { category: cause.category, object: cause.object, confidence },
    likeness,
    verdict: null,
  };
}

function judgedIncident(record: VerdictRecord, alert: LikeAlert): readonly JudgedIncident[] {
  const { runId, judged, fingerprint, objectNamespace, alertName } = record;
  const verdict = verdictOf(record);
  if (verdict === null || alertName === null) return [];
  const likeness = likenessOf({ fingerprint, namespace: objectNamespace }, alert);
  return [{ runId, alertName, ...judged, likeness, verdict }];
}

function verdictOf({ verdict, cause, note, by, at }: VerdictRecord): PastVerdict | null {
  return verdict === 'withdrawn' ? null : { verdict, cause, note, by, at };
}
