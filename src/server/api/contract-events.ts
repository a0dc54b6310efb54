import { z } from 'zod';
import type { JsonValue } from '../../core/json.ts';
import type { BoundedEvent } from '../../core/lists.ts';
import { defineRoute } from '../define-route.ts';
import { anyJson, lazily, text, time } from './fields.ts';
import { largestLimit, limitOfFirstVersion } from './offset.ts';

// Notifications in the route of the first version, with its column names.

const eventRow = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      source_name: text('Name of the Source.'),
      source_type: text('Type of the Source.'),
      event_data: anyJson('The body, as JSON where it is; null: it is longer than 64 KiB.'),
      workflow_triggered: text('Name of the Workflow that runs were made for.').nullable(),
      received_at: time('When it came.'),
    })
    .meta({ id: 'EventRow', description: 'A notification in the shape of the first version.' }),
);

/** A larger body is left out of lists: a page of them could take 300 MiB. */
const shownBodyBytes = 64 * 1024;

function eventRowOf(event: BoundedEvent) {
  return {
    id: event.id,
    source_name: event.sourceName,
    source_type: event.sourceType,
    event_data: event.eventData === null ? null : bodyOf(event.eventData),
    workflow_triggered: event.workflowTriggered,
    received_at: event.receivedAt,
  };
}

/** The body as JSON, or as text where it is none. */
function bodyOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

const defaultLimit = 50;

export const listEventRows = defineRoute({
  name: 'listEventRows',
  method: 'GET',
  path: '/source-events',
  access: 'token',
  summary: 'Notifications of a Source in the shape of the first version, newest first.',
  query: {
    source_name: z
      .string()
      .min(1)
      .meta({ description: 'Name of the Source.', examples: ['alertmanager'], next: 'fist get sources' }),
    limit: limitOfFirstVersion(defaultLimit),
  },
  example: { query: 'source_name=alertmanager' },
  answer: lazily(() => z.array(eventRow())),
  async handler({ reader: { lists } }, { query }) {
    const { source_name: source, limit } = query;
    const { items } = await lists.events({ source, limit: Math.min(limit, largestLimit) });
    const ids = items.map(({ id }) => id);
    return (await lists.eventsOf(ids, shownBodyBytes)).map(eventRowOf);
  },
});
