import { alertStatuses, severities } from '../../core/alert.ts';
import type { Clock } from '../../core/ports.ts';
import type { ServerReader } from '../options.ts';
import { present, readLabels, readPage, readTimes } from '../query.ts';
import type { Handlers } from '../routes.ts';
import { found, idOf, queryOf, viewPage } from './request.ts';
import { alertView, runView } from './views.ts';

/** Runs that are shown with an alert, newest first. */
const shownRuns = 20;

export function alertHandlers(
  { lists }: ServerReader,
  clock: Clock,
): Handlers<'GET /api/v1/alerts' | 'GET /api/v1/alerts/:id'> {
  return {
    'GET /api/v1/alerts': async (request) => {
      const query = queryOf(request);
      const filter = {
        ...readPage(query),
        ...readTimes(query, clock.now()),
        labels: readLabels(query),
        ...present({
          status: query.word('status', alertStatuses),
          severity: query.word('severity', severities),
          name: query.text('name'),
          namespace: query.text('namespace'),
          search: query.text('search'),
        }),
      };
      query.end();
      return viewPage(await lists.alerts(filter), alertView);
    },
    'GET /api/v1/alerts/:id': async (request) => {
      queryOf(request).end();
      const id = idOf(request);
      const alert = found(await lists.alert(id), 'alert', id, 'fist get alerts');
      const [transitions, runs] = await Promise.all([
        lists.transitions(id),
        lists.runs({ alertId: id, limit: shownRuns }),
      ]);
      return { ...alertView(alert), transitions, runs: runs.items.map(runView) };
    },
  };
}
