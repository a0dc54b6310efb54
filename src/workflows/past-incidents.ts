import type { AlertRecord } from '../core/alert.ts';
import type { AgentResult } from '../core/finding.ts';
import type { AlertSummary, ListReader } from '../core/lists.ts';
import type { PastIncident, PastIncidents } from '../core/readers.ts';
import { namedObjects } from '../investigation/labels.ts';

/** Alerts of the same name that are looked at, those that changed last. */
const mostLookedAt = 200;

/**
 * What the last reports of alerts of the same name said, of Sources in this namespace, without this run. Only what this program
 * itself worded: of a report its category, object and confidence, never a sentence, which may quote what others wrote.
 */
export function pastIncidents(
  lists: Pick<ListReader, 'alerts' | 'alertsOf' | 'runs'>,
  { namespace, runId }: { readonly namespace: string; readonly runId: string },
): PastIncidents {
  return {
    async similar(alert, limit) {
      const { items } = await lists.alerts({ name: alert.name, namespace, limit: mostLookedAt });
      const alike = items
        .filter(({ cause }) => cause !== null)
        .map((summary) => ({ summary, likeness: likenessOf(summary, alert) }))
        .sort((one, other) => ranks.indexOf(one.likeness) - ranks.indexOf(other.likeness))
        .slice(0, limit);
      const records = new Map(
        (await lists.alertsOf(alike.map(({ summary }) => summary.id))).map((one) => [one.id, one]),
      );
      const found = await Promise.all(
        alike.map(async ({ summary, likeness }) => {
          const record = records.get(summary.id);
          const run = record === undefined ? null : await runOf(lists, record, runId);
          return record === undefined || run === null ? null : incidentOf(record, run, likeness);
        }),
      );
      return found.filter((incident) => incident !== null);
    },
  };
}

const ranks: readonly PastIncident['likeness'][] = [
  'the same alert',
  'the same rule in the same namespace',
  'the same rule',
];

function likenessOf(
  summary: AlertSummary,
  alert: { readonly fingerprint: string; readonly namespace: string | null },
): PastIncident['likeness'] {
  if (summary.fingerprint === alert.fingerprint) return 'the same alert';
  const { namespace } = namedObjects(summary.name, summary.labels);
  return namespace !== null && namespace === alert.namespace ? 'the same rule in the same namespace' : 'the same rule';
}

interface EndedRun {
  readonly id: string;
  readonly completedAt: string;
}

/** The newest run of the alert that has ended: its report is the one that the alert keeps. */
async function runOf(lists: Pick<ListReader, 'runs'>, { id }: AlertRecord, exceptId: string): Promise<EndedRun | null> {
  const { items } = await lists.runs({ alertId: id, limit: 10 });
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
  };
}
