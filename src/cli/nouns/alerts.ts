import type { AlertTransition, CauseState } from '../../core/alert.ts';
import type { AlertSummary } from '../../core/lists.ts';
import { timeText } from '../../core/time.ts';
import { shortId } from '../../lib/short-id.ts';
import { age } from '../output.ts';
import { emptyAlerts } from './empty-alerts.ts';
import type { EmptyAnswer } from './empty-alerts.ts';
import { idColumn, styleOf } from './columns.ts';
import type { Noun } from './noun.ts';

/** An alert as the API lists it. */
export interface ListedAlert extends AlertSummary {
  readonly object: string | null;
  readonly since: string;
  readonly changedAt: string;
  readonly causeState: CauseState;
  /** With `--history`. */
  readonly transitions?: readonly AlertTransition[];
}

export const alerts: Noun<ListedAlert> = {
  plural: 'alerts',
  singular: 'alert',
  short: ['al'],
  filters: [
    'since',
    'until',
    'search',
    'status',
    'all',
    'history',
    'severity',
    'name',
    'label',
    'namespace',
    'fistNamespace',
  ],
  defaults: { status: 'open' },
  whyEmpty: (answer) => emptyAlerts(answer as EmptyAnswer),
  key: 'id',
  listing: {
    name: (item) => `alert/${item.id}`,
    empty: 'no alerts; next: fist send alert --name TestAlert',
    columns: [
      { heading: 'SEVERITY', text: (item) => item.severity, style: (item) => styleOf(item.severity) },
      { heading: 'ALERT', text: (item) => item.name, cut: 12 },
      { heading: 'OBJECT', text: (item) => item.object ?? '-', cut: 14, keepsEnd: true },
      { heading: 'SINCE', text: (item) => age(item.since, Date.now()), ticks: true },
      { heading: 'CAUSE', text: causeText, cut: 16, givesLast: true },
      { heading: 'STATUS', text: (item) => item.status, wide: true, style: (item) => styleOf(item.status) },
      { heading: 'CHANGED', text: (item) => age(item.changedAt, Date.now()), wide: true, ticks: true },
      { heading: 'RECEIVED', text: (item) => String(item.receiveCount), wide: true },
      { heading: 'EPISODE', text: (item) => String(item.episode), wide: true },
      { heading: 'SOURCE', text: (item) => `${item.namespace}/${item.source}`, wide: true },
      { heading: 'RUN', text: (item) => (item.workflowId === null ? '-' : shortId(item.workflowId)), wide: true },
      { heading: 'SUMMARY', text: (item) => item.summary ?? '', wide: true, cut: 12 },
      idColumn(),
    ],
    details: historyOf,
    notes: (items) => {
      const escalated = items.filter(({ status }) => status === 'escalated').length;
      return escalated === 0 ? [] : [`${escalated} of ${items.length} investigated, still firing (escalated)`];
    },
  },
};

function historyOf({ id, name, transitions }: ListedAlert): readonly string[] {
  if (transitions === undefined) return [];
  return [
    `${shortId(id)}  ${name}`,
    ...transitions.map(
      ({ at, fromStatus, toStatus, reason }) => `  ${timeText(at)}  ${fromStatus ?? '-'} -> ${toStatus}  ${reason}`,
    ),
  ];
}

/** The cause, or what is going on instead; of a resolved alert that it is. */
function causeText(alert: ListedAlert): string {
  const { status, resolvedAt, causeState, mutedReason } = alert;
  const cause = causeAlone(alert);
  const said =
    mutedReason !== null && causeState !== 'known' ? `no run: ${mutedReason}` : causeWords[causeState](cause);
  return status === 'resolved' ? `resolved ${age(resolvedAt, Date.now())} ago; ${said}` : said;
}

/** The cause without the object before it, `Pod web-1: `: it stands in a column of its own. */
function causeAlone({ object, cause }: ListedAlert): string | null {
  const parts = object?.split('/') ?? [];
  const subject = `${parts[0] ?? ''} ${parts.at(-1) ?? ''}: `;
  return cause !== null && parts.length > 1 && cause.toLowerCase().startsWith(subject.toLowerCase())
    ? cause.slice(subject.length)
    : cause;
}

const causeWords: Readonly<Record<CauseState, (cause: string | null) => string>> = {
  known: (cause) => cause ?? '-',
  inconclusive: () => 'no cause found',
  failed: () => 'the run failed',
  running: () => 'investigating',
  earlier: (cause) => `before: ${cause ?? '-'}`,
  waiting: () => 'not yet investigated',
  none: () => '-',
  elsewhere: () => 'investigated in another namespace',
};
