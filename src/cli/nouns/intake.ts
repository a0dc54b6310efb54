import type { DeadLetterSummary, EventSummary } from '../../core/lists.ts';
import { age } from '../output.ts';
import { idColumn } from './columns.ts';
import type { Noun } from './noun.ts';

export const events: Noun<EventSummary> = {
  plural: 'events',
  singular: 'event',
  short: ['ev'],
  filters: ['since', 'until', 'source', 'namespace'],
  key: 'id',
  listing: {
    name: (item) => `event/${item.id}`,
    empty: 'no events; each notification that a Source took in is one',
    columns: [
      idColumn(),
      { heading: 'SOURCE', text: (item) => `${item.namespace}/${item.sourceName}`, cut: 12 },
      { heading: 'TYPE', text: (item) => item.sourceType, wide: true },
      { heading: 'RECEIVED', text: (item) => String(item.receiveCount) },
      { heading: 'WORKFLOW', text: (item) => item.workflowTriggered ?? '-', cut: 12 },
      { heading: 'AGE', text: (item) => age(item.receivedAt, Date.now()), ticks: true },
      { heading: 'OUTCOME', text: outcomeOf, cut: 12 },
    ],
  },
};

export const deadLetters: Noun<DeadLetterSummary> = {
  plural: 'dead-letters',
  singular: 'dead-letter',
  short: ['dead'],
  filters: ['since', 'until', 'source', 'reason', 'namespace'],
  key: 'id',
  listing: {
    name: (item) => `dead-letter/${item.id}`,
    empty: 'no dead-letters; input that could not be used is kept here',
    columns: [
      idColumn(),
      { heading: 'SOURCE', text: (item) => `${item.namespace}/${item.sourceName}`, cut: 12 },
      { heading: 'REASON', text: (item) => item.reason },
      { heading: 'AGE', text: (item) => age(item.receivedAt, Date.now()), ticks: true },
      { heading: 'MESSAGE', text: (item) => item.message, cut: 12 },
    ],
  },
};

/** `Opened 1, BadItem 2`: what became of its alerts. */
function outcomeOf({ outcome }: EventSummary): string {
  return Object.entries(outcome)
    .map(([reason, times]) => `${reason} ${JSON.stringify(times)}`)
    .join(', ');
}
