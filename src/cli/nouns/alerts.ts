import { labelledObject } from '../../core/alert.ts';
import type { AlertSummary } from '../../core/lists.ts';
import { emptyAlerts } from './empty-alerts.ts';
import type { EmptyAnswer } from './empty-alerts.ts';
import { age } from '../output.ts';
import type { Noun } from './noun.ts';

export const alerts: Noun<AlertSummary> = {
  plural: 'alerts',
  singular: 'alert',
  short: ['al'],
  filters: ['since', 'until', 'search', 'status', 'all', 'severity', 'name', 'label', 'namespace', 'fistNamespace'],
  defaults: { status: 'open' },
  whyEmpty: (answer) => emptyAlerts(answer as EmptyAnswer),
  key: 'id',
  listing: {
    name: (item) => `alert/${item.id}`,
    empty: 'no alerts; next: fist send alert --name TestAlert',
    columns: [
      { heading: 'ID', text: (item) => item.id },
      { heading: 'ALERT', text: (item) => item.name, cut: 12 },
      {
        heading: 'STATUS',
        text: (item) => (item.mutedReason === null ? item.status : `${item.status} (no run: ${item.mutedReason})`),
      },
      { heading: 'SEVERITY', text: (item) => item.severity },
      { heading: 'RECEIVED', text: (item) => String(item.receiveCount), wide: true },
      { heading: 'EPISODE', text: (item) => String(item.episode), wide: true },
      { heading: 'SOURCE', text: (item) => `${item.namespace}/${item.source}`, wide: true },
      { heading: 'RUN', text: (item) => item.workflowId ?? '-', wide: true },
      { heading: 'AGE', text: (item) => age(item.receivedAt, Date.now()), ticks: true },
      { heading: 'SUMMARY', text: (item) => item.summary ?? '', wide: true, cut: 12 },
      { heading: 'OBJECT', text: (item) => labelledObject(item.labels), cut: 12 },
    ],
  },
};
