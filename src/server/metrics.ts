import type { FastifyInstance } from 'fastify';
import type { Catalog } from '../core/catalog.ts';
import type { ListReader } from '../core/lists.ts';
import type { Clock } from '../core/ports.ts';
import { toEpochMs } from '../core/time.ts';
import type { MetricsRegistry } from '../lib/metrics.ts';
import type { ServerOptions } from './options.ts';
import type { Handlers } from './routes.ts';

export interface MetricsRouteOptions {
  readonly metrics: MetricsRegistry;
  readonly lists: ListReader;
  readonly catalog: { current(): Catalog | null };
  readonly clock: Clock;
}

/** `/metrics`; what is rows or objects is counted at each scrape. */
export function metricsHandlers({ metrics, lists, catalog, clock }: MetricsRouteOptions): Handlers<'GET /metrics'> {
  metrics.beforeScrape(async () => {
    const depths = await lists.depths();
    metrics.set('fist_queue_depth', { queue: 'runs' }, depths.runs);
    metrics.set('fist_queue_depth', { queue: 'deliveries' }, depths.deliveries);
  });
  /** Sinks that had deliveries at the scrape before. */
  let late: ReadonlyMap<string, string> = new Map();
  metrics.beforeScrape(async () => {
    const oldest = await lists.oldestDeliveries();
    for (const sink of late.keys()) metrics.set('fist_deliveries_oldest_due_seconds', { sink }, 0);
    for (const [sink, since] of oldest) {
      const seconds = Math.max(0, (clock.now() - toEpochMs(since)) / 1000);
      metrics.set('fist_deliveries_oldest_due_seconds', { sink }, seconds);
    }
    late = oldest;
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

const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts and times requests, by route templates and known words only: what a caller chooses never becomes a label. */
export function addMeasures(app: FastifyInstance, { metrics }: ServerOptions): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const method = knownMethods.has(request.method) ? request.method : 'OTHER';
    metrics.increment('fist_http_requests_total', { method, route, status: String(reply.statusCode) });
    metrics.observe('fist_http_request_duration_seconds', { route }, reply.elapsedTime / 1000);
    done();
  });
}
