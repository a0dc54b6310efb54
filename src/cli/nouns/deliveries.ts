import type { DeliverySummary } from '../../core/lists.ts';
import { deliveryState } from '../delivery-text.ts';
import { shortId } from '../../lib/short-id.ts';
import { age } from '../output.ts';
import { idColumn, styleOf } from './columns.ts';
import type { Noun } from './noun.ts';

export const deliveries: Noun<DeliverySummary> = {
  plural: 'deliveries',
  singular: 'delivery',
  short: ['dl'],
  filters: ['since', 'until', 'status', 'run', 'sink', 'namespace'],
  key: 'id',
  listing: {
    name: (item) => `delivery/${item.id}`,
    empty: 'no deliveries; a Workflow names the Sinks that are told of its runs',
    columns: [
      idColumn(),
      { heading: 'SINK', text: (item) => item.sinkName, cut: 12 },
      { heading: 'EVENT', text: (item) => item.event },
      { heading: 'STATUS', text: deliveryState, style: (item) => styleOf(item.status) },
      { heading: 'ATTEMPTS', text: (item) => String(item.attempts), wide: true },
      { heading: 'RUN', text: (item) => (item.runId === null ? '-' : shortId(item.runId)), wide: true },
      { heading: 'AGE', text: (item) => age(item.createdAt, Date.now()), ticks: true },
      { heading: 'ERROR', text: (item) => item.error ?? '', cut: 12 },
    ],
  },
};
