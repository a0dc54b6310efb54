import type { ListReader } from '../core/store.ts';
import type { MetricsRegistry } from '../lib/metrics.ts';
import type { Handlers } from './routes.ts';

/** `/metrics`; gauges that are rows are counted at each scrape. */
export function metricsHandlers(metrics: MetricsRegistry, lists: ListReader): Handlers<'GET /metrics'> {
  metrics.beforeScrape(async () => {
    const depths = await lists.depths();
    metrics.set('fist_queue_depth', { queue: 'runs' }, depths.runs);
    metrics.set('fist_queue_depth', { queue: 'deliveries' }, depths.deliveries);
  });
  return {
    'GET /metrics': async (_request, reply) => {
      const { contentType, body } = await metrics.render();
      return reply.type(contentType).send(body);
    },
  };
}
