import type { AlertTransition } from '../core/alert.ts';
import type { RunSummary } from '../core/lists.ts';
import { timeText } from '../core/time.ts';
import { shortId } from '../lib/short-id.ts';
import { deliveryColumns } from './delivery-text.ts';
import { fieldLines, titledTable } from './detail-text.ts';
import type { DetailView } from './detail-text.ts';
import { styleOf } from './nouns/columns.ts';
import type { Column } from './table.ts';
import { whyOf } from '../report/why.ts';
import type { AlertDetail, Why } from '../report/why.ts';
import { whyLines } from '../report/why-text.ts';
import { inWordsOf } from './called-as.ts';

/** What `fist describe alert/ID` prints: what `fist why` says, then all that belongs to it. */
export function alertText(alert: AlertDetail, view: DetailView): string {
  const why = whyOf(alert);
  const { mutedReason, mutedUntil } = alert;
  return [
    ...whyLines(why, alert, { ...view, inWords: (text) => inWordsOf(view.called, text) }),
    '',
    ...fieldLines(
      [
        ['Alert', `alert/${alert.id}`],
        ['Status', `${alert.status}${alert.status === 'escalated' ? ' (investigated, still firing)' : ''}`],
        [
          'No run',
          mutedReason === null
            ? null
            : `${mutedReason}${mutedUntil === null ? '' : `, decided anew at ${timeText(mutedUntil)}`}`,
        ],
        ['Source', `${alert.namespace}/${alert.source}`],
        ['Starts', alert.startsAt === null ? null : timeText(alert.startsAt)],
        ['Ends', alert.endsAt === null ? null : timeText(alert.endsAt)],
        ['Received', `last at ${timeText(alert.lastReceivedAt)}`],
        ['Summary', alert.summary],
        ['Details', alert.description],
      ],
      view,
    ),
    ...titledTable('Labels', Object.entries(alert.labels), labelColumns, view),
    ...titledTable('History', alert.transitions, historyColumns, view),
    ...titledTable('Runs', alert.runs, runColumns, view),
    ...titledTable('Deliveries', alert.deliveries, deliveryColumns, view),
    '',
    ...fieldLines([['Next', nextOf(why)]], view),
    '',
  ].join('\n');
}

/** Whoever reads this has the alert before them: what leads here leads on to the run. */
function nextOf({ next, run, alert }: Why): string {
  const isHere = next === `fist describe alert/${shortId(alert.id)}`;
  return isHere && run !== null ? `fist describe run/${shortId(run.id)} --evidence` : next;
}

const labelColumns: readonly Column<[string, string]>[] = [
  { heading: 'NAME', text: ([name]) => name },
  { heading: 'VALUE', text: ([, value]) => value, cut: 20 },
];

const historyColumns: readonly Column<AlertTransition>[] = [
  { heading: 'AT', text: ({ at }) => timeText(at) },
  { heading: 'EPISODE', text: ({ episode }) => String(episode) },
  { heading: 'FROM', text: ({ fromStatus }) => fromStatus ?? '-' },
  { heading: 'TO', text: ({ toStatus }) => toStatus, style: ({ toStatus }) => styleOf(toStatus) },
  { heading: 'REASON', text: ({ reason }) => reason },
];

const runColumns: readonly Column<RunSummary>[] = [
  { heading: 'RUN', text: ({ id }) => `run/${shortId(id)}` },
  { heading: 'WORKFLOW', text: ({ name }) => name, cut: 12 },
  { heading: 'STATUS', text: ({ status }) => status, style: ({ status }) => styleOf(status) },
  { heading: 'CREATED', text: ({ createdAt }) => timeText(createdAt) },
];
