import { z } from 'zod';
import { deliveryStatuses } from '../../core/delivery.ts';
import type { Clock, Control } from '../../core/ports.ts';
import type { ServerReader } from '../options.ts';
import { present, readPage, readTimes } from '../query.ts';
import type { Handlers } from '../routes.ts';
import { cancelBody, readBody } from './body.ts';
import { found, idOf, queryOf, viewPage } from './request.ts';
import { deliveryView } from './views.ts';

type Routes =
  | `GET /api/v1/${'deliveries' | 'events' | 'dead-letters'}`
  | `GET /api/v1/${'deliveries' | 'events' | 'dead-letters'}/:id`
  | 'POST /api/v1/deliveries/retry'
  | `POST /api/v1/deliveries/:id/${'retry' | 'cancel'}`;

const retryBody = z.strictObject({
  sink: z.string().min(1).max(253),
  namespace: z.string().min(1).max(253).default('default'),
  status: z.literal('failed').default('failed'),
});

/** What came in and what went out, as it was. */
export function recordHandlers({ lists, deliveries }: ServerReader, control: Control, clock: Clock): Handlers<Routes> {
  const delivery = async (id: string) =>
    deliveryView(found(await deliveries.find(id), 'delivery', id, 'fist get deliveries'));
  return {
    'GET /api/v1/deliveries': async (request) => {
      const query = queryOf(request);
      const filter = {
        ...readPage(query),
        ...readTimes(query, clock.now()),
        ...present({
          status: query.word('status', deliveryStatuses),
          runId: query.text('run'),
          sink: query.text('sink'),
          namespace: query.text('namespace'),
        }),
      };
      query.end();
      return viewPage(await lists.deliveries(filter), deliveryView);
    },
    'GET /api/v1/deliveries/:id': async (request) => {
      queryOf(request).end();
      return delivery(idOf(request));
    },
    'POST /api/v1/deliveries/:id/retry': async (request) => {
      queryOf(request).end();
      readBody(z.strictObject({}), request.body ?? {});
      await control.retryDelivery(idOf(request));
      return delivery(idOf(request));
    },
    'POST /api/v1/deliveries/retry': async (request) => {
      queryOf(request).end();
      const { namespace, sink } = readBody(retryBody, request.body);
      return { retried: await control.retryDeliveries(namespace, sink) };
    },
    'POST /api/v1/deliveries/:id/cancel': async (request) => {
      queryOf(request).end();
      const { reason } = readBody(cancelBody, request.body ?? {});
      await control.cancelDelivery(idOf(request), reason);
      return delivery(idOf(request));
    },
    'GET /api/v1/events': async (request) => {
      const query = queryOf(request);
      const filter = {
        ...readPage(query),
        ...readTimes(query, clock.now()),
        ...present({ source: query.text('source'), namespace: query.text('namespace') }),
      };
      query.end();
      return lists.events(filter);
    },
    'GET /api/v1/events/:id': async (request) => {
      queryOf(request).end();
      const id = idOf(request);
      return found(await lists.event(id), 'event', id, 'GET /api/v1/events lists them');
    },
    'GET /api/v1/dead-letters': async (request) => {
      const query = queryOf(request);
      const filter = {
        ...readPage(query),
        ...readTimes(query, clock.now()),
        ...present({
          source: query.text('source'),
          namespace: query.text('namespace'),
          reason: query.text('reason'),
        }),
      };
      query.end();
      return lists.deadLetters(filter);
    },
    'GET /api/v1/dead-letters/:id': async (request) => {
      queryOf(request).end();
      const id = idOf(request);
      return found(await lists.deadLetter(id), 'dead letter', id, 'GET /api/v1/dead-letters lists them');
    },
  };
}
