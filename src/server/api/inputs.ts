import { z } from 'zod';
import { defineRoute } from '../define-route.ts';
import {
  count,
  found,
  jsonObject,
  lazily,
  pageOf,
  pageParameters,
  present,
  text,
  textParameter,
  time,
} from './fields.ts';
import { timeParameters, timesOf } from './fields.ts';
import { idOf } from './references.ts';

// What came in, as it was: notifications, and what could not be used of them.

const eventSummary = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      namespace: text('Namespace of the Source.'),
      sourceName: text('Name of the Source.'),
      sourceType: text('Type of the Source.'),
      contentHash: text('SHA-256 of the body.'),
      deliveryKey: text("The sender's delivery id (`Idempotency-Key`).").nullable(),
      workflowTriggered: text('Name of the Workflow that runs were made for.').nullable(),
      outcome: jsonObject('What became of its alerts, counted by reason: `{"Opened": 1}`.'),
      receiveCount: count('Times that the same body came in a row.'),
      receivedAt: time('When it first came.'),
      lastReceivedAt: time('When it last came.'),
    })
    .meta({ id: 'EventSummary', description: 'A notification, in a list.' }),
);

const event = lazily(() =>
  z
    .strictObject({ ...eventSummary().shape, eventData: text('The body as it came; a long one is cut and marked.') })
    .meta({ id: 'Event', description: 'A notification as it came.' }),
);

const deadLetterSummary = lazily(() =>
  z
    .strictObject({
      id: text('The id.'),
      namespace: text('Namespace of the Source.'),
      sourceName: text('Name of the Source.'),
      reason: text('`Malformed`: no notification at all; `BadItem`: one alert of several.'),
      message: text('What is wrong, and where.'),
      receivedAt: time('When it came.'),
    })
    .meta({ id: 'DeadLetterSummary', description: 'Input that could not be used, in a list.' }),
);

const deadLetter = lazily(() =>
  z
    .strictObject({ ...deadLetterSummary().shape, body: text('What came, at most 64 KiB; longer is cut and marked.') })
    .meta({ id: 'DeadLetter', description: 'Input that could not be used.' }),
);

const sourceParameters = {
  source: textParameter('Only of the Source with this name.', 'alertmanager').optional(),
  namespace: textParameter('Only of Sources in this namespace.', 'default').optional(),
};

export const listEvents = defineRoute({
  name: 'listEvents',
  method: 'GET',
  path: '/api/v1/events',
  access: 'token',
  summary: 'Notifications as they came, newest first.',
  query: { ...pageParameters, ...timeParameters, ...sourceParameters },
  example: { query: 'source=alertmanager&since=1h' },
  answer: lazily(() => pageOf(eventSummary())),
  handler({ reader: { lists }, clock }, { query }) {
    const { limit, cursor, source, namespace } = query;
    return lists.events({ limit, ...present({ cursor, source, namespace }), ...timesOf(query, clock.now()) });
  },
});

export const getEvent = defineRoute({
  name: 'getEvent',
  method: 'GET',
  path: '/api/v1/events/:id',
  access: 'token',
  summary: 'One notification with its body.',
  errors: ['NotFound'],
  answer: event,
  async handler({ reader }, { params }) {
    const id = await idOf(reader, 'event', params.id);
    return found(await reader.lists.event(id), 'event', id, 'fist get events');
  },
});

export const listDeadLetters = defineRoute({
  name: 'listDeadLetters',
  method: 'GET',
  path: '/api/v1/dead-letters',
  access: 'token',
  summary: 'Input that could not be used, newest first.',
  query: {
    ...pageParameters,
    ...timeParameters,
    ...sourceParameters,
    reason: textParameter('Only with this reason.', 'BadItem').optional(),
  },
  answer: lazily(() => pageOf(deadLetterSummary())),
  handler({ reader: { lists }, clock }, { query }) {
    const { limit, cursor, source, namespace, reason } = query;
    const filters = present({ cursor, source, namespace, reason });
    return lists.deadLetters({ limit, ...filters, ...timesOf(query, clock.now()) });
  },
});

export const getDeadLetter = defineRoute({
  name: 'getDeadLetter',
  method: 'GET',
  path: '/api/v1/dead-letters/:id',
  access: 'token',
  summary: 'One of them with its body.',
  errors: ['NotFound'],
  answer: deadLetter,
  async handler({ reader }, { params }) {
    const id = await idOf(reader, 'dead letter', params.id);
    return found(await reader.lists.deadLetter(id), 'dead letter', id, 'fist get dead-letters');
  },
});
