import { z } from 'zod';
import { sinks } from '../sinks/index.ts';
import { condition } from './fields.ts';
import { mergeFields, optionalShape } from './merge.ts';

/** Fields of `config`, from the sink types. */
export const sinkConfigFields = mergeFields(sinks);

/** `spec` of a Sink. */
export const sinkSpec = z
  .strictObject({
    type: z.enum(sinks.map(({ type }) => type)).meta({ description: 'Where results go.' }),
    config: z.strictObject(optionalShape(sinkConfigFields)).meta({ description: 'Settings of the type.' }),
    condition: condition.optional().meta({
      description: 'A template over the payload; a delivery for which it is false is skipped. Absent = always.',
    }),
    sendResolved: z.boolean().default(false).meta({ description: 'Also tells when an alert is resolved.' }),
    sendStarted: z.boolean().default(false).meta({ description: 'Also tells when a run starts.' }),
  })
  .meta({ description: 'Takes the results of runs to where people look.' });

export type SinkSpec = z.output<typeof sinkSpec>;
