import type { DeliveryRecord } from '../core/delivery.ts';
import { plain, printableJson } from '../lib/printable.ts';

/** What `fist describe delivery/ID` prints. */
export function deliveryText(delivery: DeliveryRecord): string {
  const { id, namespace, sinkName, sinkType, runId, alertId, error, payload } = delivery;
  return [
    `Delivery   ${id}`,
    `Sink       ${namespace}/${sinkName}${sinkType === '' ? '' : ` (${sinkType})`}`,
    `Event      ${delivery.event}`,
    `Of         ${[runId === null ? '' : `run/${runId}`, alertId === null ? '' : `alert/${alertId}`].filter(Boolean).join(', ') || '-'}`,
    `Status     ${deliveryState(delivery)}, ${delivery.attempts === 1 ? '1 attempt' : `${delivery.attempts} attempts`}`,
    `Times      created ${delivery.createdAt}, sent ${delivery.sentAt ?? '-'}, next attempt ${delivery.wakeAt ?? '-'}`,
    ...(delivery.retriedAt === null ? [] : [`Retried    ${delivery.retriedAt}`]),
    `Key        ${plain(delivery.idempotencyKey)}`,
    ...(delivery.reference === null ? [] : [`Reference  ${plain(delivery.reference)}`]),
    ...(error === null ? [] : [`${errorOf(delivery)}${plain(error)}`]),
    ...(delivery.ambiguous ? ['Ambiguous  an attempt got no answer, so the receiver may have it more than once'] : []),
    ...nextOf(delivery),
    '',
    'Payload',
    payload === null ? '  not rendered yet' : printableJson(JSON.stringify(payload, null, 2)),
    '',
  ].join('\n');
}

/** What is skipped has a reason and no error, unless a person wanted it. */
function errorOf({ errorCode }: DeliveryRecord): string {
  return errorCode === null ? 'Reason     ' : `Error      ${errorCode}: `;
}

/** Its status, and what one should know with it. */
export function deliveryState({
  status,
  waitingFor,
  ambiguous,
}: Pick<DeliveryRecord, 'status' | 'waitingFor' | 'ambiguous'>): string {
  const state = waitingFor === null ? status : `${status} (waits for ${waitingFor})`;
  return ambiguous ? `${state} (ambiguous)` : state;
}

function nextOf({ id, status, namespace, sinkName, error }: DeliveryRecord): readonly string[] {
  if (status === 'failed') return [`Next       fist retry delivery/${id}, once the reason is gone`];
  if (status === 'pending' && error !== null) return [`Next       fist describe sink/${namespace}/${sinkName}`];
  return [];
}
