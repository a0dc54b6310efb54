import type { Catalog } from '../core/catalog.ts';
import type { ListReader } from '../core/lists.ts';
import type { MetricsRegistry } from '../lib/metrics.ts';
import type { Handlers } from './routes.ts';

export interface MetricsRouteOptions {
  readonly metrics: MetricsRegistry;
  readonly lists: ListReader;
  readonly catalog: { current(): Catalog | null };
}

/** `/metrics`; what is rows or objects is counted at each scrape. */
export function metricsHandlers({ metrics, lists, catalog }: MetricsRouteOptions): Handlers<'GET /metrics'> {
  metrics.beforeScrape(async () => {
    const depths = await lists.depths();
    metrics.set('fist_queue_depth', { queue: 'runs' }, depths.runs);
    metrics.set('fist_queue_depth', { queue: 'deliveries' }, depths.deliveries);
  });
  metrics.beforeScrape(async () => {
    const current = catalog.current();
    for (const [kind, objects] of [
      ['Source', current?.sources ?? []],
      ['Workflow', current?.workflows ?? []],
      ['Sink', current?.sinks ?? []],
    ] as const) {
      const ready = objects.filter((object) => object.ready).length;
      metrics.set('fist_resources', { kind, ready: 'true' }, ready);
      metrics.set('fist_resources', { kind, ready: 'false' }, objects.length - ready);
    }
  });
  return {
    'GET /metrics': async (_request, reply) => {
      const { contentType, body } = await metrics.render();
      return reply.type(contentType).send(body);
    },
  };
}
