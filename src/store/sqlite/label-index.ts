import { mostIndexedBytes } from '../alerts/labels.ts';
import type { LabelWriter } from '../alerts/labels.ts';
import { bulkInsert } from '../sql/bulk.ts';
import { alertLabelsDue } from '../tables/alerts.ts';
import type { Connection } from './open.ts';

/** So many alerts, or labels, are written to the index with one commit: many of them share a page. */
const mostBehind = { alerts: 2000, labels: 8000 } as const;
/** By one statement: nobody has a turn meanwhile. */
const labelsAtOnce = 2000;
/** The index is brought up to date with the first commit after so long. */
const longestBehindMs = 250;
/** Of an alert; what an earlier process left is taken to have so many. */
const mostLabels = 128;
/** Ids are UUID v7. */
const afterEveryId = 'z';

/**
 * Keeps `alert_labels` behind `alerts`, by a bounded number of alerts. Each label value has its own place in the index:
 * written with its alert, every one would change a page of its own, several times the cost of the alert itself. What is
 * behind is in `alert_labels_due`, so a crash loses nothing.
 */
export function createLabelIndex({ raw, query, turns }: Connection, monotonic: () => number) {
  const due = bulkInsert(query, alertLabelsDue);
  const lastOf = raw.prepare(
    'SELECT alert_id AS last FROM alert_labels_due WHERE alert_id > ? ORDER BY alert_id LIMIT 1 OFFSET ?',
  );
  const insert = raw.prepare(
    `INSERT OR IGNORE INTO alert_labels (name, value, alert_id)
     SELECT label.key, label.value, alerts.id
     FROM alert_labels_due AS due JOIN alerts ON alerts.id = due.alert_id JOIN json_each(alerts.labels) AS label
     WHERE due.alert_id > ? AND due.alert_id <= ? AND octet_length(label.key) + octet_length(label.value) <= ${mostIndexedBytes}
     ORDER BY 1, 2, 3`,
  );
  const clear = raw.prepare('DELETE FROM alert_labels_due');
  let behind = Number(raw.prepare('SELECT count(*) AS count FROM alert_labels_due').get()?.['count'] ?? 0);
  let labelsBehind = behind * mostLabels;
  let wanted = false;
  let written = 0;
  let caughtUpMs = Number.NEGATIVE_INFINITY;

  function isDue(): boolean {
    const isFar = behind >= mostBehind.alerts || labelsBehind >= mostBehind.labels;
    return behind > 0 && (wanted || isFar || monotonic() - caughtUpMs >= longestBehindMs);
  }

  const write: LabelWriter = async (alerts) => {
    behind += await due(alerts.map(({ id }) => ({ alertId: id })));
    for (const { labels } of alerts) labelsBehind += Object.keys(labels).length;
  };

  /** In pieces of about as many labels; sorted within each, so that they come to a page one after the other. */
  async function insertAll(): Promise<void> {
    const alerts = Math.max(1, Math.floor((labelsAtOnce * behind) / Math.max(labelsBehind, behind)));
    for (let from = ''; ;) {
      const last = lastOf.get(from, alerts - 1)?.['last'];
      const to = typeof last === 'string' ? last : afterEveryId;
      insert.run(from, to);
      if (to === afterEveryId) return;
      from = to;
      if (turns.isOver()) await turns.next();
    }
  }

  return {
    write,
    /** Whether committed alerts may be missing in the index. */
    isBehind: () => behind > 0,
    /** The next commit brings the index up to date, however little is behind. */
    want(): void {
      wanted = true;
    },
    /** The last work of each commit, inside its transaction. Whether it wrote anything. */
    async beforeCommit(): Promise<boolean> {
      written = 0;
      if (!isDue()) return false;
      await insertAll();
      clear.run();
      written = behind;
      caughtUpMs = monotonic();
      return true;
    },
    /** Only now it is true: a commit that failed has to write them again. */
    committed(): void {
      behind -= written;
      if (written === 0) return;
      labelsBehind = 0;
      wanted = false;
    },
  };
}
