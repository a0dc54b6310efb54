import type { GapSummary } from '../../core/gaps.ts';
import { shortId } from '../../lib/short-id.ts';
import { age } from '../output.ts';
import type { Noun } from './noun.ts';

export const gaps: Noun<GapSummary> = {
  plural: 'gaps',
  singular: 'gap',
  short: [],
  filters: ['since', 'until', 'workflow', 'namespace'],
  key: null,
  listing: {
    name: ({ kind, resource, namespace }) => ['gap', kind, namespace, resource ?? 'cluster'].filter(Boolean).join('/'),
    empty: 'no gaps; the newest investigations were given all that they asked for',
    columns: [
      { heading: 'RUNS', text: (item) => `${item.runs} of ${item.of}` },
      { heading: 'KIND', text: (item) => item.kind.replace('_', ' ') },
      { heading: 'WHAT', text: placeOf, cut: 12 },
      { heading: 'AGE', text: (item) => age(item.lastSeen, Date.now()), ticks: true },
      { heading: 'RUN', text: (item) => shortId(item.lastRun), wide: true },
      { heading: 'FOR', text: (item) => `${item.what}: ${item.reason}`, wide: true, cut: 12 },
      { heading: 'REMEDY', text: (item) => item.remedy, cut: 12 },
    ],
  },
};

/** `pods/log in shop`. */
function placeOf({ resource, namespace }: GapSummary): string {
  return `${resource ?? 'the cluster'}${namespace === null ? '' : ` in ${namespace}`}`;
}
