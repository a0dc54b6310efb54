import { z } from 'zod';
import { deliveryEvents } from '../../core/delivery.ts';
import { defineRoute } from '../define-route.ts';
import { flag, lazily, text } from './fields.ts';

export const testSink = defineRoute({
  name: 'testSink',
  method: 'POST',
  path: '/api/v1/sinks/:namespace/:name/test',
  access: 'token',
  summary: 'Sends a message that says that it is a test, and its end; tells what the receiver answered.',
  params: { namespace: 'Its namespace.', name: 'Its name.' },
  errors: ['NotFound'],
  answer: lazily(() =>
    z
      .strictObject({
        sent: flag('The receiver took all messages.'),
        conditionHolds: flag(
          'Whether the condition of the Sink lets the message through; it is sent all the same.',
        ).nullable(),
        messages: z
          .array(
            z.strictObject({
              event: z.enum(deliveryEvents).describe('What it announces.'),
              sent: flag('The receiver took it.'),
              reference: text('What the receiver calls it.').nullable(),
              reason: text('Why it was not sent.').nullable(),
            }),
          )
          .describe('In the order in which they were sent; after one that cannot have arrived none follows.'),
      })
      .meta({ id: 'SinkTest', description: 'What came of a test of a Sink.' }),
  ),
  handler: ({ sinkTester }, { params: { namespace, name } }) => sinkTester.test(namespace, name),
});
