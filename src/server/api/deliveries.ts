import { z } from 'zod';
import { deliveryEvents, deliveryStatuses } from '../../core/delivery.ts';
import type { DeliveryRecord } from '../../core/delivery.ts';
import type { DeliverySummary } from '../../core/lists.ts';
import { defineRoute } from '../define-route.ts';
import type { RouteContext } from '../define-route.ts';
import { anyJson, count, flag, found, jsonObject, lazily, pageOf, pageParameters, present, text } from './fields.ts';
import { textParameter, time, timeParameters, timesOf, viewPage, wordParameter } from './fields.ts';
import { filterId, idOf } from './references.ts';
import { cancelBody } from './cancel-body.ts';

/** What only workers need of a delivery. */
type WorkersPart = 'fence' | 'leaseOwner' | 'leaseUntil' | 'sortKey' | 'rendered';

const hidden: ReadonlySet<string> = new Set<WorkersPart>(['fence', 'leaseOwner', 'leaseUntil', 'sortKey', 'rendered']);

/**
 * What the API shows of a delivery: all but what only workers need. To a reader that may look at the namespace `within` alone (null =
 * at all) nothing of what a receiver in another one said.
 */
export function deliveryView<T extends DeliverySummary | DeliveryRecord>(
  delivery: T,
  within: string | null,
): Omit<T, WorkersPart> {
  const isElsewhere = within !== null && delivery.namespace !== within;
  const told = isElsewhere ? { ...delivery, error: null, errorCode: null, reference: null, incident: null } : delivery;
  return Object.fromEntries(Object.entries(told).filter(([field]) => !hidden.has(field))) as Omit<T, WorkersPart>;
}

/** A delivery in a list. */
export const deliverySummary = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      namespace: text('Namespace of the Sink.'),
      runId: text('Id of the run that it tells of.').nullable(),
      alertId: text('Id of the alert that it tells of.').nullable(),
      event: z.enum(deliveryEvents).describe('What it announces.'),
      sinkName: text('Name of the Sink.'),
      sinkType: text('Type of the Sink; empty until it was first tried.'),
      status: z.enum(deliveryStatuses).describe('skipped: the Sink did not want it, or a person cancelled it.'),
      attempts: count('Since it was written, or since a person asked to send it again.'),
      interruptions: count('Attempts in a row that no process recorded the end of.'),
      error: text('Why the last attempt failed, or why it was skipped.').nullable(),
      errorCode: text('The code of that error.').nullable(),
      ambiguous: flag('The receiver may have got it although no answer came.'),
      idempotencyKey: text('The same in all attempts.'),
      reference: text('What the receiver called it.').nullable(),
      wakeAt: time('When it is tried next.').nullable(),
      waitingFor: z
        .enum(['order', 'run', 'place', 'incident', 'group'])
        .nullable()
        .describe(
          'What it waits for: an earlier one, the end of the run, room at the Sink, the report of another alert with the same cause, or the end of the other alerts that the run answers for.',
        ),
      incident: text('The cause that it tells in full; null: none, or it points at the report that did.').nullable(),
      sentAt: time('When it was sent.').nullable(),
      retriedAt: time('When a person last asked to send it again.').nullable(),
      createdAt: time('When it was written.'),
    })
    .meta({ id: 'DeliverySummary', description: 'What a Sink is told, in a list.' }),
);

const delivery = lazily(() =>
  z
    .strictObject({
      ...deliverySummary().shape,
      data: jsonObject('Facts of what it announces.'),
      payload: anyJson('What is sent, whole; null before the first attempt.'),
    })
    .meta({ id: 'Delivery', description: 'What a Sink is told.' }),
);

export const listDeliveries = defineRoute({
  name: 'listDeliveries',
  method: 'GET',
  path: '/api/v1/deliveries',
  access: 'token',
  summary: 'Deliveries, newest first.',
  query: {
    ...pageParameters,
    ...timeParameters,
    status: wordParameter('Only with this status.', deliveryStatuses).optional(),
    run: textParameter('Only of this run: its id, or a beginning of it.').optional(),
    sink: textParameter('Only to the Sink with this name.', 'chat').optional(),
    namespace: textParameter('Only to Sinks in this namespace.', 'default').optional(),
  },
  example: { query: 'status=failed' },
  answer: lazily(() => pageOf(deliverySummary())),
  async handler({ reader, clock }, { query, within }) {
    const { lists } = reader;
    const { limit, cursor, status, run, sink, namespace } = query;
    const runId = run === undefined ? undefined : await filterId(reader, 'run', run, within);
    const filters = present({ cursor, status, runId, sink, namespace });
    const page = await lists.deliveries({ limit, ...filters, ...timesOf(query, clock.now()) });
    return viewPage(page, (delivery) => deliveryView(delivery, null));
  },
});

async function showDelivery({ reader: { deliveries } }: RouteContext, id: string, within: string | null) {
  return deliveryView(found(await deliveries.find(id), 'delivery', id, 'fist get deliveries'), within);
}

export const getDelivery = defineRoute({
  name: 'getDelivery',
  method: 'GET',
  path: '/api/v1/deliveries/:id',
  access: 'token',
  summary: 'One delivery with what is sent.',
  errors: ['NotFound'],
  answer: delivery,
  handler: async (context, { params }) =>
    showDelivery(context, await idOf(context.reader, 'delivery', params.id), null),
});

export const retryDelivery = defineRoute({
  name: 'retryDelivery',
  method: 'POST',
  path: '/api/v1/deliveries/:id/retry',
  access: 'token',
  summary: 'Sends a failed delivery again: same key, same payload, attempts counted anew.',
  errors: ['NotFound', 'Conflict'],
  answer: delivery,
  async handler(context, { params, within }) {
    const id = await idOf(context.reader, 'delivery', params.id);
    await context.control.retryDelivery(id);
    // It may be of a Sink of another namespace now.
    return showDelivery(context, id, within);
  },
});

export const retryDeliveries = defineRoute({
  name: 'retryDeliveries',
  method: 'POST',
  path: '/api/v1/deliveries/retry',
  access: 'token',
  summary: 'Sends all failed deliveries of a Sink again.',
  body: z.strictObject({
    sink: z.string().min(1).max(253).describe('Name of the Sink.'),
    namespace: z.string().min(1).max(253).default('default').describe('Namespace of the Sink.'),
    status: z.literal('failed').default('failed').describe('Only these can be sent again.'),
  }),
  errors: ['NotFound'],
  example: { body: { sink: 'chat' } },
  answer: lazily(() => z.strictObject({ retried: count('How many.') })),
  async handler({ control }, { body: { namespace, sink } }) {
    return { retried: await control.retryDeliveries(namespace, sink) };
  },
});

export const cancelDeliveries = defineRoute({
  name: 'cancelDeliveries',
  method: 'POST',
  path: '/api/v1/deliveries/cancel',
  access: 'token',
  summary: 'Ends all pending deliveries to a Sink without sending them, also to one that is gone.',
  body: z.strictObject({
    ...cancelBody.shape,
    sink: z.string().min(1).max(253).describe('Name of the Sink.'),
    namespace: z.string().min(1).max(253).default('default').describe('Namespace of the Sink.'),
  }),
  errors: ['NotFound'],
  example: { body: { sink: 'chat', reason: 'the channel is gone' } },
  answer: lazily(() => z.strictObject({ cancelled: count('How many.') })),
  async handler({ control }, { body: { namespace, sink, reason } }) {
    return { cancelled: await control.cancelDeliveries(namespace, sink, reason) };
  },
});

export const cancelDelivery = defineRoute({
  name: 'cancelDelivery',
  method: 'POST',
  path: '/api/v1/deliveries/:id/cancel',
  access: 'token',
  summary: 'Ends a pending delivery without sending it.',
  body: cancelBody,
  errors: ['NotFound', 'Conflict'],
  example: { body: { reason: 'told by telephone' } },
  answer: delivery,
  async handler(context, { params, body: { reason } }) {
    const id = await idOf(context.reader, 'delivery', params.id);
    await context.control.cancelDelivery(id, reason);
    return showDelivery(context, id, null);
  },
});
