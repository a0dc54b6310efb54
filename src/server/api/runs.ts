import { z } from 'zod';
import type { Clock, Control } from '../../core/ports.ts';
import { runStatuses } from '../../core/run.ts';
import type { ServerReader } from '../options.ts';
import { present, readPage, readTimes } from '../query.ts';
import type { Handlers } from '../routes.ts';
import { cancelBody, readBody } from './body.ts';
import { found, idOf, queryOf, viewPage } from './request.ts';
import { deliveryView, runView, stepView } from './views.ts';

type Routes =
  | 'GET /api/v1/runs'
  | 'GET /api/v1/runs/:id'
  | 'POST /api/v1/runs/:id/cancel'
  | 'POST /api/v1/runs/:id/retry';

const shownDeliveries = 100;

export function runHandlers(reader: ServerReader, control: Control, clock: Clock): Handlers<Routes> {
  const { lists, runs } = reader;
  const find = async (id: string) => found(await runs.find(id), 'run', id, 'fist get runs');
  return {
    'GET /api/v1/runs': async (request) => {
      const query = queryOf(request);
      const filter = {
        ...readPage(query),
        ...readTimes(query, clock.now()),
        ...present({
          status: query.word('status', runStatuses),
          workflow: query.text('workflow'),
          namespace: query.text('namespace'),
          alertId: query.text('alert'),
          errorCode: query.text('error'),
        }),
      };
      query.end();
      return viewPage(await lists.runs(filter), runView);
    },
    'GET /api/v1/runs/:id': async (request) => {
      queryOf(request).end();
      const id = idOf(request);
      const run = await find(id);
      const [steps, evidence, deliveries] = await Promise.all([
        runs.steps(id),
        runs.evidence(id),
        lists.deliveries({ runId: id, limit: shownDeliveries }),
      ]);
      return {
        ...runView(run),
        steps: steps.map(stepView),
        evidence,
        deliveries: deliveries.items.toReversed().map(deliveryView),
      };
    },
    'POST /api/v1/runs/:id/cancel': async (request) => {
      queryOf(request).end();
      const { reason } = readBody(cancelBody, request.body ?? {});
      await control.cancel(idOf(request), reason);
      return runView(await find(idOf(request)));
    },
    'POST /api/v1/runs/:id/retry': async (request, reply) => {
      queryOf(request).end();
      readBody(z.strictObject({}), request.body ?? {});
      const id = await control.retry(idOf(request));
      return reply.code(201).send({ id, retryOf: idOf(request) });
    },
  };
}
