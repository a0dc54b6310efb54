import { fullName } from '../core/run.ts';
import type { DeliveryRecord } from '../core/delivery.ts';
import type { DeliverySummary } from '../core/lists.ts';
import { timeText } from '../core/time.ts';
import { printableJson } from '../lib/printable.ts';
import { plural } from '../lib/words.ts';
import { shortId } from '../lib/short-id.ts';
import { fieldLines } from './detail-text.ts';
import type { DetailView } from './detail-text.ts';
import { styleOf } from './nouns/columns.ts';
import type { Column } from './table.ts';

/** What `fist describe delivery/ID` prints. */
export function deliveryText(delivery: DeliveryRecord, view: DetailView): string {
  const { namespace, sinkName, sinkType, runId, alertId, error, errorCode, payload, attempts } = delivery;
  const of = [runId === null ? '' : `run/${shortId(runId)}`, alertId === null ? '' : `alert/${shortId(alertId)}`];
  const time = (at: string | null) => (at === null ? null : timeText(at));
  return [
    ...fieldLines(
      [
        ['Delivery', delivery.id],
        ['Sink', `${fullName({ namespace, name: sinkName })}${sinkType === '' ? '' : ` (${sinkType})`}`],
        ['Event', delivery.event],
        ['Of', of.filter(Boolean).join(', ') || '-'],
        ['Status', `${deliveryState(delivery)}, ${plural(attempts, 'attempt')}`],
        ['Created', time(delivery.createdAt)],
        ['Sent', time(delivery.sentAt)],
        ['Due', time(delivery.wakeAt)],
        ['Retried', time(delivery.retriedAt)],
        ['Key', delivery.idempotencyKey],
        ['Reference', delivery.reference],
        // What is skipped has a reason and no error, unless a person wanted it.
        [
          errorCode === null ? 'Reason' : 'Error',
          errorCode === null || error === null ? error : `${errorCode}: ${error}`,
        ],
        [
          'Ambiguous',
          delivery.ambiguous ? 'an attempt got no answer, so the receiver may have it, once or more' : null,
        ],
        ['Next', nextOf(delivery)],
      ],
      view,
    ),
    '',
    'Payload',
    payload === null ? '  not rendered yet' : printableJson(JSON.stringify(payload, null, 2)),
    '',
  ].join('\n');
}

/** Deliveries of one run or alert. */
export const deliveryColumns: readonly Column<DeliverySummary>[] = [
  { heading: 'DELIVERY', text: ({ id }) => `delivery/${shortId(id)}` },
  { heading: 'SINK', text: ({ sinkName }) => sinkName, cut: 12 },
  { heading: 'EVENT', text: ({ event }) => event },
  { heading: 'STATUS', text: deliveryState, style: ({ status }) => styleOf(status) },
  { heading: 'ERROR', text: ({ error }) => error ?? '', cut: 20 },
];

/** Its status, and what one should know with it. */
export function deliveryState({
  status,
  waitingFor,
  ambiguous,
}: Pick<DeliveryRecord, 'status' | 'waitingFor' | 'ambiguous'>): string {
  const state = waitingFor === null ? status : `${status} (waits for ${waitingFor})`;
  return ambiguous ? `${state} (ambiguous)` : state;
}

function nextOf({ id, status, namespace, sinkName, error }: DeliveryRecord): string | null {
  if (status === 'failed') return `fist retry delivery/${shortId(id)}, once the reason is gone`;
  return status === 'pending' && error !== null ? `fist describe sink/${namespace}/${sinkName}` : null;
}
