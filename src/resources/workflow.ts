import { z } from 'zod';
import { stepDefinitions } from '../workflows/steps/index.ts';
import { mcpServers } from '../agent/mcp/config.ts';
import { beyond, rule } from '../lib/rule.ts';
import type { DeclaredCheck } from '../lib/rule.ts';
import { duration, map, namespaceName } from '../lib/schema.ts';
import { secretRef } from '../lib/secret-reference.ts';
import { clusterAccess } from './cluster-access.ts';
import { accessFrom, condition, objectReference, templateText } from './fields.ts';
import { mergeFields, optionalShape } from './merge.ts';

/** Fields that steps have beside the common ones, from the step types. */
export const stepFields = mergeFields(stepDefinitions);

/** Fields that hold a whole step, from the step types: `then`, `else`, `agent`. */
export const branchFields = [...new Set(stepDefinitions.flatMap(({ branches }) => branches.map(({ field }) => field)))];

/** Conditions within conditions: so deep and no deeper, because a CRD cannot be recursive. */
const branchDepth = 3;

export const stepName = z
  .string()
  .max(63)
  .regex(/^[A-Za-z0-9]([-_A-Za-z0-9]*[A-Za-z0-9])?$/, 'must be letters, digits, - and _')
  .meta({ description: 'Name of the step; templates see it as .steps.<name>.' });

const types = stepDefinitions.map(({ type }) => type);

const commonFields = {
  when: condition.optional().meta({ description: 'A condition; false skips the step.' }),
  timeout: duration.optional().meta({ description: 'Of one attempt. Default: what the type says.' }),
  timeoutMinutes: z.int().min(1).max(10_080).optional().meta({ description: 'The same in minutes.' }),
  retry: z
    .strictObject({
      limit: z
        .int()
        .min(0)
        .max(100)
        .default(0)
        .meta({ description: 'Further attempts after a failure that may pass.' }),
      backoff: duration
        .default('10s')
        .meta({ description: 'Before the second attempt; doubles each time, with jitter.' }),
      maxBackoff: duration.default('5m').meta({ description: 'The longest wait.' }),
    })
    .optional()
    .meta({ description: 'What to do after a failure that may pass. Default: nothing.' }),
  continueOnError: z.boolean().default(false).meta({ description: 'True: a failure does not end the run.' }),
  interrupted: z
    .enum(['repeat', 'fail'])
    .default('repeat')
    .meta({ description: 'An attempt whose process died is repeated, or fails for good.' }),
};

/** A step; as a branch it may be without a name, and without a type where the field says it. */
function stepSchema(depth: number, field: string | null): z.ZodObject {
  const typeField = z.enum(types).meta({ description: 'What the step does.' });
  const branches =
    depth === 0
      ? {}
      : Object.fromEntries(
          branchFields.map((branch) => [
            branch,
            stepSchema(depth - 1, branch)
              .optional()
              .meta({ description: branchDescription(branch) }),
          ]),
        );
  return z.strictObject({
    name: field === null ? stepName : stepName.optional(),
    type: field === null || defaultTypeOf(field) === null ? typeField : typeField.optional(),
    ...commonFields,
    ...optionalShape(stepFields),
    ...branches,
  });
}

/** The type of a step in a branch that does not say it; null = it must. */
export function defaultTypeOf(field: string): string | null {
  const uses = stepDefinitions.flatMap(({ branches }) => branches.filter((branch) => branch.field === field));
  return uses[0]?.defaultType ?? null;
}

/** What of a step the API server looks at too; {@link compileWorkflow} tells of it together with all else. */
export const stepRules: readonly DeclaredCheck<Timed>[] = [
  rule(
    '!has(self.timeout) || !has(self.timeoutMinutes)',
    'timeout and timeoutMinutes exclude each other',
    ({ timeout, timeoutMinutes }) => timeout === undefined || timeoutMinutes === undefined,
    ['timeoutMinutes'],
  ),
  rule(
    "!has(self.timeout) || self.timeout.matches('[1-9]')",
    'timeout must be longer than 0',
    ({ timeout }) => timeout === undefined || /[1-9]/.test(timeout),
    ['timeout'],
  ),
];

interface Timed {
  readonly timeout?: string;
  readonly timeoutMinutes?: number;
}

/** Lists of a Workflow in which no name may be twice. `member`: where it stands in an item; null = the item itself. */
export const distinctLists = [
  { field: 'steps', member: 'name' },
  { field: 'outputs', member: 'name' },
  { field: 'sinks', member: null },
] as const;

function branchDescription(field: string): string {
  const uses = stepDefinitions.flatMap(({ type, branches }) =>
    branches
      .filter((branch) => branch.field === field)
      .map(({ branch, defaultType }) => ({ type, branch, defaultType })),
  );
  const [use] = uses;
  const kind = use?.defaultType == null ? 'A step' : `A step of type ${use.defaultType}`;
  return `${kind} that runs where a ${uses.map(({ type }) => type).join(' or ')} step chooses its branch ${use?.branch ?? field}.`;
}

const dollars = z.number().min(0).max(100_000);

const llmTarget = z.strictObject({
  provider: z
    .string()
    .min(1)
    .max(63)
    .meta({ description: 'Model provider; none = analyzers only. An unknown one fails the agent steps.' }),
  model: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .meta({ description: 'Name of the model, as its provider calls it; of Azure, of its deployment.' }),
  endpoint: z
    .string()
    .max(2048)
    .optional()
    .meta({ description: 'Address of the provider, where it is not the usual one. It gets no key of the server.' }),
  apiKeySecret: secretRef
    .optional()
    .meta({ description: 'Secret with the key: name, or name/key. Absent: the key of the server.' }),
  contextTokens: z
    .int()
    .min(2048)
    .max(100_000_000)
    .optional()
    .meta({ description: 'Tokens that the model takes, its answer included; absent: what is known of it.' }),
  price: z
    .strictObject({
      input: dollars.meta({ description: 'Of what is sent.' }),
      output: dollars.meta({ description: 'Of what is answered.' }),
      cacheRead: dollars.optional().meta({ description: 'Of what is sent and was kept; default: as input.' }),
      cacheWrite: dollars.optional().meta({ description: 'Of what is sent to be kept; default: as input.' }),
    })
    .optional()
    .meta({ description: 'Dollars for a million tokens; absent: the list price, where it is known.' }),
});

/** A model, as a Workflow names it. */
export type LlmTargetSpec = z.output<typeof llmTarget>;

const llmConfig = llmTarget.extend({
  maxOutputTokens: z
    .int()
    .min(256)
    .max(1_000_000)
    .optional()
    .meta({ description: 'Tokens of one answer at most; absent: LLM_MAX_TOKENS of the server, or a default.' }),
  fallbacks: z
    .array(llmTarget)
    .max(5)
    .optional()
    .meta({ description: 'Models that are asked in this order where those before have failed for good.' }),
});

const modelBudget = (description: string) =>
  z
    .strictObject({
      tokens: z
        .int()
        .min(1)
        .max(1_000_000_000_000)
        .optional()
        .meta({ description: 'In and out, of all requests. Absent = no limit.' }),
      dollars: z
        .number()
        .min(0.000001)
        .max(1_000_000)
        .optional()
        .meta({ description: 'As the price table says; what has no price there costs nothing. Absent = no limit.' }),
    })
    .optional()
    .meta({ description });

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
          .default('busybox:1.37')
          .meta({ description: 'Container image of cli steps in a cluster.' }),
        llmConfig: llmConfig.optional().meta({ description: 'The model of agent steps. Absent: analyzers only.' }),
        mcpServers: mcpServers.optional(),
        environment: map(environmentName, z.string().max(65_536), 200)
          .default({})
          .meta({ description: 'Environment of cli steps, and .env of templates.' }),
      })
      .optional()
      .meta({ description: 'What steps run with.' }),
    steps: z
      .array(stepSchema(branchDepth, null))
      .min(1)
      .max(100)
      .meta({ description: 'Run in order; a failed one ends the run.' }),
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
    budget: z
      .strictObject({
        run: modelBudget('Of one run, together with what was asked on about it.'),
        day: modelBudget('Of all runs of the Workflow on a day (UTC), on all replicas.'),
      })
      .optional()
      .meta({
        description:
          'What models may use at most, asked before each request. A request that does not fit is not sent: the report is then what is known by then, with the reason BudgetExceeded.',
      }),
    onResolve: z
      .enum(['continue', 'cancel'])
      .default('continue')
      .meta({ description: 'What happens to a run whose alert is resolved.' }),
  })
  .meta({ description: 'What is done about an alert, step by step.' });

export type WorkflowSpec = z.output<typeof workflowSpec>;
