import { z } from 'zod';
import { sourceDefinitions } from '../sources/index.ts';
import { maintenance, muteMatchers } from '../sources/mutes.ts';
import { celMilliseconds, duration, durationMs, map, objectReference } from '../lib/schema.ts';
import { distinct, rule } from '../lib/rule.ts';
import { parseDuration } from '../lib/duration.ts';
import type { DeclaredCheck } from '../lib/rule.ts';
import { mergeFields, optionalShape } from './merge.ts';

/** Fields of `config`, from the source types. */
export const sourceConfigFields = mergeFields(sourceDefinitions);

const cap = z.int().min(0).max(1_000_000);
const groupLabel = z
  .string()
  .min(1)
  .max(1024)
  .check(
    rule(
      "self != '...'",
      'is all labels for Alertmanager, so each alert would be a group of its own; leave groupBy out for that',
      (name) => name !== '...',
    ),
  )
  .meta({ description: 'Name of a label; alertname and severity are known for each alert.' });
/** Where groupBy is given. */
export const usualGroup = { wait: '10s', interval: '5m' } as const;

const atLeastOne = z.int().min(1).max(1_000_000);

interface Grouped {
  readonly groupBy?: readonly string[] | undefined;
  readonly groupWait?: string | undefined;
  readonly groupInterval?: string | undefined;
}

/** Whoever is paged waits for it. */
const longestWait = '10m';

function groupRules(): readonly DeclaredCheck<Grouped>[] {
  const given = (name: string, usual: string) => `[has(self.${name}) ? self.${name} : '${usual}']`;
  const [wait, interval] = [given('groupWait', usualGroup.wait), given('groupInterval', usualGroup.interval)];
  const longestMs = parseDuration(longestWait);
  const isShort = `${celMilliseconds('wait')} <= ${longestMs}`;
  const isShorter = `${celMilliseconds('wait')} < ${celMilliseconds('interval')}`;
  const msOf = ({ groupWait = usualGroup.wait, groupInterval = usualGroup.interval }: Grouped) => ({
    waitMs: durationMs(groupWait) ?? 0,
    intervalMs: durationMs(groupInterval) ?? Number.POSITIVE_INFINITY,
  });
  return [
    rule(
      `!has(self.groupBy) || ${wait}.all(wait, ${isShort})`,
      `must be ${longestWait} at most`,
      (spec) => spec.groupBy === undefined || msOf(spec).waitMs <= longestMs,
      ['groupWait'],
    ),
    // Where it is too long by itself that is all that is told.
    rule(
      `!has(self.groupBy) || ${wait}.all(wait, !(${isShort}) || ${interval}.all(interval, ${isShorter}))`,
      'must be longer than groupWait',
      (spec) => {
        const { waitMs, intervalMs } = msOf(spec);
        return spec.groupBy === undefined || waitMs > longestMs || waitMs < intervalMs;
      },
      ['groupInterval'],
    ),
  ];
}

/** `spec` of a Source. */
export const sourceSpec = z
  .strictObject({
    type: z.enum(sourceDefinitions.map(({ type }) => type)).meta({ description: 'Where alerts come from.' }),
    config: z.strictObject(optionalShape(sourceConfigFields)).meta({ description: 'Settings of the type.' }),
    triggerWorkflow: objectReference.meta({
      description:
        'The Workflow that each new alert starts: its name, or NAMESPACE/NAME of one in another namespace that grants it (accessFrom).',
    }),
    context: map(z.string().min(1).max(255), z.string().max(65_536), 100)
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
    groupBy: z.array(groupLabel).min(1).max(20).check(distinct('has a label twice')).optional().meta({
      description:
        'Alerts with the same values of these labels have one run together, which names them. A label that an alert lacks is empty; one that has none of them has a run of its own. Absent = each alert has its own.',
    }),
    groupWait: duration.optional().meta({
      default: usualGroup.wait,
      description: 'With groupBy: a run begins so long after the first alert of its group, so that others can join it.',
    }),
    groupInterval: duration.optional().meta({
      default: usualGroup.interval,
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
  .check(...groupRules())
  .meta({ description: 'Takes alerts in and says which Workflow they start.' });

export type SourceSpec = z.output<typeof sourceSpec>;
