import { z } from 'zod';
import { mcpServers } from '../agent/mcp/config.ts';
import { beyond } from '../lib/rule.ts';
import { duration, map, namespaceName, objectReference } from '../lib/schema.ts';
import { secretRef } from '../lib/secret-reference.ts';
import { clusterAccess } from './cluster-access.ts';
import { accessFrom, templateText } from './fields.ts';
import { budget, llmConfig } from './model-spec.ts';
import { stepName, stepSpec } from './step-spec.ts';

/** Of cli steps, where a Workflow names none. */
export const defaultImage = 'busybox:1.37';

/** Lists of a Workflow in which no name may be twice. `member`: where it stands in an item; null = the item itself. */
export const distinctLists = [
  { field: 'steps', member: 'name' },
  { field: 'outputs', member: 'name' },
  { field: 'sinks', member: null },
] as const;

const readServer = (description: string) =>
  z
    .strictObject({
      url: z
        .string()
        .max(2048)
        .regex(
          /^https?:\/\/[^\p{Z}\p{Cc}@/?#\\]+(\/[^\p{Z}\p{Cc}?#]*)?$/u,
          'must be an address such as http://prometheus.monitoring:9090, without credentials',
        )
        .check(beyond('Address', 'is no URL', (text) => URL.canParse(text)))
        .meta({ description: 'Address of the server, with the path before /api where it has one.' }),
      tokenSecret: secretRef.optional(),
    })
    .optional()
    .meta({ description });

const environmentName = z
  .string()
  .max(255)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of an environment variable');

const hasData = (what: string) =>
  z
    .boolean()
    .optional()
    .meta({ description: `Whether there are ${what} of it.` });

const capabilities = map(
  namespaceName,
  z.strictObject({ metrics: hasData('metrics'), logs: hasData('logs'), traces: hasData('traces') }),
  200,
).meta({
  description:
    'Of what there are data, by namespace of the cluster: {shop: {metrics: true, logs: false}}. The model is not offered a tool for what there is none of. What is not said here is learned from earlier runs, and forgotten after a day.',
});

/** `spec` of a Workflow. */
export const workflowSpec = z
  .strictObject({
    runtime: z
      .strictObject({
        image: z
          .string()
          .min(1)
          .max(1024)
          .default(defaultImage)
          .meta({ description: 'Container image of cli steps in a cluster.' }),
        llmConfig: llmConfig.optional().meta({ description: 'The model of agent steps. Absent: analyzers only.' }),
        mcpServers: mcpServers.optional(),
        environment: map(environmentName, z.string().max(65_536), 200)
          .default({})
          .meta({ description: 'Environment of cli steps, and .env of templates.' }),
      })
      .optional()
      .meta({ description: 'What steps run with.' }),
    steps: z.array(stepSpec).min(1).max(100).meta({ description: 'Run in order; a failed one ends the run.' }),
    prometheus: readServer(
      'Prometheus, or what speaks as it does: metrics are evidence, also without a model. Absent: --prometheus of the server.',
    ),
    loki: readServer('Loki, whose logs the model of agent steps may read. Absent: --loki of the server.'),
    capabilities: capabilities.optional(),
    clusterAccess: clusterAccess.optional(),
    outputs: z
      .array(
        z.strictObject({
          name: stepName.meta({ description: 'Name of the output.' }),
          value: templateText.meta({ description: 'A template, rendered at the end of the run.' }),
        }),
      )
      .max(100)
      .default([])
      .meta({ description: 'Results of the run by name.' }),
    sinks: z.array(objectReference).max(100).default([]).meta({
      description:
        'Sinks that are told of runs: names, or NAMESPACE/NAME of those in other namespaces that grant it (accessFrom).',
    }),
    accessFrom: accessFrom.meta({
      description:
        'Other namespaces whose Sources and Sinks may start this Workflow. Its runs stay its own: they have the rights and the Secrets of this namespace, and are read by who may read here. Absent = none.',
    }),
    deadline: duration.default('24h').meta({ description: 'Of a whole run, waits included.' }),
    maxConcurrent: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .meta({ description: 'Runs that execute at the same time. Absent = no limit.' }),
    budget: budget.optional(),
    onResolve: z
      .enum(['continue', 'cancel'])
      .default('continue')
      .meta({ description: 'What happens to a run whose alert is resolved.' }),
  })
  .meta({ description: 'What is done about an alert, step by step.' });

export type WorkflowSpec = z.output<typeof workflowSpec>;
