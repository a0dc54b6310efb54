import type { FastifyInstance } from 'fastify';
import { toEpochMs } from '../core/time.ts';
import { lazily, text } from './api/fields.ts';
import { defineRoute } from './define-route.ts';
import type { ServerOptions } from './options.ts';

export type ScrapeOptions = Pick<ServerOptions, 'metrics' | 'catalog' | 'clock'> & {
  readonly reader: Pick<ServerOptions['reader'], 'lists'>;
};

export const getMetrics = defineRoute({
  name: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  access: 'token',
  needs: 'metrics',
  summary: 'Metrics in the text format of Prometheus.',
  contentType: 'text/plain',
  answer: lazily(() => text('metrics.md has them all.')),
  async handler({ metrics }, _input, { reply }) {
    const { contentType, body } = await metrics.render();
    return reply.type(contentType).send(body);
  },
});

/** What is rows or objects is counted at each scrape. */
export function countAtScrapes({ metrics, reader: { lists }, catalog, clock }: ScrapeOptions): void {
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
}

const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Counts and times requests, by route templates and known words only: what a caller chooses never becomes a label. */
export function addMeasures(app: FastifyInstance, { metrics }: ServerOptions): void {
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const method = knownMethods.has(request.method) ? request.method : 'OTHER';
    metrics.increment('fist_http_requests_total', { method, route, status: String(reply.statusCode) });
    const { isStream } = request.routeOptions.config;
    if (isStream !== true) metrics.observe('fist_http_request_duration_seconds', { route }, reply.elapsedTime / 1000);
    done();
  });
}
