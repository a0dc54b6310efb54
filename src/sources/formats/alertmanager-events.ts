import type { Labels } from '../../core/alert.ts';
import { bounds } from '../bounds.ts';
import { isObject } from '../envelope.ts';
import { readAnnotations, wrongLabels } from '../pairs.ts';
import type { Wrong } from '../pairs.ts';
import { alertItem, readText, readTime, withoutEmpty } from './alert.ts';
import { noCorrelation } from './define.ts';
import type { Format, ReadAlert } from './define.ts';

/**
 * What rulers post to Alertmanager's API v2 (prometheus/alertmanager: api/v2/openapi.yaml): Prometheus, vmalert, the rulers of
 * Mimir and Loki, Grafana. They send again what fires each minute or so, and what has ended for some minutes. vmalert took no
 * answer but 200 for success, and since 1.151 at the latest any 2xx; none of them asks for anything before.
 */
export const alertmanagerEvents: Format = {
  name: 'alertmanager-events',
  description:
    "Lists of alerts, as rulers (Prometheus, vmalert, Mimir, Loki, Grafana) post them to Alertmanager's API v2.",
  mediaTypes: ['application/json'],
  mapping: 'none',
  isState: true,
  list: () => [],
  subpaths: ['/api/v2/alerts'],
  differs({ isList, isEmpty, first }) {
    if (!isList) return { field: '', message: 'is no list' };
    const alert = first();
    if (isEmpty || (isObject(alert) && isObject(alert['labels']))) return null;
    return { field: '[0].labels', message: 'must be an object' };
  },
  async read({ items }, reading, { request: { receivedAt } }) {
    const refused = await items((item, index) =>
      reading.add(item, index, `[${index}]`, (alert) => readEvent(alert, receivedAt)),
    );
    return refused ?? noCorrelation;
  },
};

/** An alert has ended where its `endsAt` is not ahead: of one that fires it says until when that holds without further news. */
export function readEvent(alert: unknown, receivedAt: string): ReadAlert | Wrong {
  if (!isObject(alert)) return { field: '', message: 'must be an object' };
  const wrong = wrongLabels('.labels', alert['labels']);
  if (wrong !== null) return wrong;
  const labels = withoutEmpty(alert['labels'] as Labels);
  if (Object.keys(labels).length === 0) return { field: '.labels', message: 'must have a label with a value' };
  const unread: Wrong[] = [];
  const annotations = readAnnotations(alert['annotations'], unread);
  const startsAt = readTime('.startsAt', alert['startsAt'], unread);
  const endsAt = readTime('.endsAt', alert['endsAt'], unread);
  const hasEnded = typeof endsAt === 'string' && endsAt <= receivedAt;
  const item = alertItem({
    status: hasEnded ? 'resolved' : 'firing',
    labels,
    annotations,
    generatorUrl: readText('.generatorURL', alert['generatorURL'], bounds.valueBytes, unread),
    externalId: null,
    startsAt: startsAt ?? null,
    endsAt: hasEnded ? endsAt : null,
    skewed: startsAt === undefined,
  });
  return { item, unread };
}
