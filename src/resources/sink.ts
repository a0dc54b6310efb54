import { z } from 'zod';
import { defaultSinkLimits } from '../core/catalog.ts';
import { sinks } from '../sinks/index.ts';
import { between, duration } from '../lib/schema.ts';
import { accessFrom, condition } from './fields.ts';
import { mergeFields, optionalShape } from './merge.ts';

/** Fields of `config`, from the sink types. */
export const sinkConfigFields = mergeFields(sinks);

/** More than these would let one Sink take all senders of a replica. */
const mostConcurrent = 16;

const delivery = z
  .strictObject({
    maxConcurrent: z.int().min(1).max(mostConcurrent).default(defaultSinkLimits.maxConcurrent).meta({
      description: 'Deliveries in work at the same time, from all replicas together.',
    }),
    ratePerMinute: z.int().min(1).max(60_000).optional().meta({
      description:
        'Attempts per minute at most, spread evenly (30 = one each 2 s). Absent = 30 for chats, no limit for others.',
    }),
    retryFor: duration
      .check(between('1m', '7d'))
      .default('24h')
      .meta({ description: 'How long a delivery is tried before it fails; a refusal (4xx) fails it at once.' }),
    sameCauseFor: duration.default('1h').meta({
      description:
        'For so long after a report other alerts with the same cause are told in a few lines that name it. 0 = each has its own report.',
    }),
  })
  .meta({
    description: 'How fast the receiver may be told, and how long it is tried. What has to wait counts as no attempt.',
  });

/** `spec` of a Sink. */
export const sinkSpec = z
  .strictObject({
    type: z.enum(sinks.map(({ type }) => type)).meta({ description: 'Where results go.' }),
    config: z.strictObject(optionalShape(sinkConfigFields)).meta({ description: 'Settings of the type.' }),
    condition: condition.optional().meta({
      description: 'A template over the payload; a delivery for which it is false is skipped. Absent = always.',
    }),
    delivery: delivery.optional(),
    accessFrom: accessFrom.meta({
      description:
        'Other namespaces whose Workflows may name this Sink. It is told all that their runs found, as its templates and its receiver want it. Absent = none.',
    }),
    sendResolved: z.boolean().default(false).meta({ description: 'Also tells when an alert is resolved.' }),
    sendStarted: z.boolean().default(false).meta({ description: 'Also tells when a run starts.' }),
  })
  .meta({ description: 'Takes the results of runs to where people look.' });

export type SinkSpec = z.output<typeof sinkSpec>;
