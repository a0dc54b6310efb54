import { deliveryStatuses } from '../../core/delivery.ts';
import type { ServerReader } from '../options.ts';
import { present, readPage } from '../query.ts';
import type { Handlers } from '../routes.ts';
import { found, idOf, queryOf, viewPage } from './request.ts';
import { deliveryView } from './views.ts';

type Routes =
  | `GET /api/v1/${'deliveries' | 'events' | 'dead-letters'}`
  | `GET /api/v1/${'deliveries' | 'events' | 'dead-letters'}/:id`;

/** What came in and what went out, as it was. */
export function recordHandlers({ lists, deliveries }: ServerReader): Handlers<Routes> {
  return {
    'GET /api/v1/deliveries': async (request) => {
      const query = queryOf(request);
      const filter = {
        ...readPage(query),
        ...present({ status: query.word('status', deliveryStatuses), runId: query.text('run') }),
      };
      query.end();
      return viewPage(await lists.deliveries(filter), deliveryView);
    },
    'GET /api/v1/deliveries/:id': async (request) => {
      queryOf(request).end();
      const id = idOf(request);
      return deliveryView(found(await deliveries.find(id), 'delivery', id, 'fist get deliveries'));
    },
    'GET /api/v1/events': async (request) => {
      const query = queryOf(request);
      const filter = {
        ...readPage(query),
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
      const page = readPage(query);
      query.end();
      return lists.deadLetters(page);
    },
    'GET /api/v1/dead-letters/:id': async (request) => {
      queryOf(request).end();
      const id = idOf(request);
      return found(await lists.deadLetter(id), 'dead letter', id, 'GET /api/v1/dead-letters lists them');
    },
  };
}
