import { z } from 'zod';
import { defineSource } from './define.ts';

/** Starts workflows by the clock. */
export const schedule = defineSource({
  type: 'schedule',
  description: 'Starts a Workflow by the clock.',
  notImplemented: 'schedule Sources are not part of this version; post an alert to /alerts from a CronJob meanwhile',
  config: z.strictObject({
    cron: z
      .string()
      .regex(
        /^(@(yearly|annually|monthly|weekly|daily|hourly)|\S+( +\S+){4,5})$/,
        'must be a cron expression of five or six fields',
      )
      .meta({ description: 'Cron expression, five fields, or six with seconds.' }),
    timezone: z.string().default('UTC').meta({ description: 'IANA time zone of the expression.' }),
  }),
});
