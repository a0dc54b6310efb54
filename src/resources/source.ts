import { z } from 'zod';
import { sourceDefinitions } from '../sources/index.ts';
import { maintenance, muteMatchers } from '../sources/mutes.ts';
import { duration } from '../lib/schema.ts';
import { objectName } from './fields.ts';
import { mergeFields, optionalShape } from './merge.ts';

/** Fields of `config`, from the source types. */
export const sourceConfigFields = mergeFields(sourceDefinitions);

const cap = z.int().min(0).max(1_000_000);
const groupLabel = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (name) => name !== '...',
    'is all labels for Alertmanager, so each alert would be a group of its own; leave groupBy out for that',
  )
  .meta({ description: 'Name of a label; alertname and severity are known for each alert.' });
const atLeastOne = z.int().min(1).max(1_000_000);

/** `spec` of a Source. */
export const sourceSpec = z
  .strictObject({
    type: z.enum(sourceDefinitions.map(({ type }) => type)).meta({ description: 'Where alerts come from.' }),
    config: z.strictObject(optionalShape(sourceConfigFields)).meta({ description: 'Settings of the type.' }),
    triggerWorkflow: objectName.meta({ description: 'The Workflow in the same namespace that each new alert starts.' }),
    context: z
      .record(z.string(), z.string())
      .default({})
      .meta({ description: 'Facts for templates: .source.context.<name>.' }),
    suspend: z.boolean().default(false).meta({
      description: 'True: alerts are stored, nothing runs. What still fires when it is false again gets its run.',
    }),
    muteMatchers: muteMatchers.default([]).meta({
      description:
        'Alerts that start no run: each text is matchers as Alertmanager writes them, and one that matches whole is enough. They are stored.',
    }),
    maintenance: maintenance.default([]).meta({
      description:
        'Windows in which alerts start no run, all or those that its matchers match. What still fires after it gets its run.',
    }),
    expireAfter: duration
      .default('24h')
      .meta({ description: 'Open alerts that were not received for so long are resolved; 0 = never.' }),
    cooldown: duration
      .default('0')
      .meta({ description: 'After a run has ended, no new run of the same alert for so long; 0 = off.' }),
    flapCapPerHour: cap.default(0).meta({ description: 'Runs of one alert per hour at most; 0 = no cap.' }),
    groupBy: z
      .array(groupLabel)
      .min(1)
      .max(20)
      .refine((labels) => new Set(labels).size === labels.length, 'has a label twice')
      .optional()
      .meta({
        description:
          'Alerts with the same values of these labels have one run together, which names them. A label that an alert lacks is empty; one that has none of them has a run of its own. Absent = each alert has its own.',
      }),
    groupWait: duration.default('10s').meta({
      description: 'With groupBy: a run begins so long after the first alert of its group, so that others can join it.',
    }),
    groupInterval: duration.default('5m').meta({
      description:
        'With groupBy: so long after a run of a group was made, and until it has ended, there is no other one for the group. What comes too late for the first is in the next one, if it still fires.',
    }),
    rateLimit: z
      .strictObject({
        requestsPerMinute: atLeastOne.meta({ description: 'Requests a minute, on average.' }),
        burst: atLeastOne
          .optional()
          .meta({ description: 'Requests at once, after a pause. Absent = as many as requestsPerMinute.' }),
      })
      .optional()
      .meta({
        description:
          'How many requests each replica takes in: beyond it they are answered 503 with Retry-After, and their senders send them again. Absent = no limit of its own.',
      }),
    stormCapPerMinute: cap.default(60).meta({
      description:
        'New runs of this Source per minute at most, over all replicas; 0 = no cap. Alerts beyond it are stored, and get their runs when there is room.',
    }),
  })
  .meta({ description: 'Takes alerts in and says which Workflow they start.' });

export type SourceSpec = z.output<typeof sourceSpec>;
