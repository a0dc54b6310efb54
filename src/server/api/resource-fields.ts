import { z } from 'zod';
import { dataKinds } from '../../core/namespace-data.ts';
import type { ResourceRecord } from '../../core/resource.ts';
import { runStatuses } from '../../core/run.ts';
import type { DeepReadonly } from '../define-route.ts';
import { count, flag, jsonObject, lazily, text, time } from './fields.ts';

const condition = lazily(() =>
  z
    .strictObject({
      type: text(
        '`Ready`, or what is wrong: `Degraded`, `Refusing`, `StormGuard`, `Vanished`, `Doubtful`, `ModelsChecked`, ...',
      ),
      status: text('`True`, `False` or `Unknown`.'),
      reason: text('In one word.'),
      message: text('For people.'),
      lastTransitionTime: time('Since when.').optional(),
    })
    .meta({ id: 'Condition', description: 'A condition, as Kubernetes has them.' }),
);

const lastRun = lazily(() =>
  z
    .strictObject({
      id: text('Id of the run.'),
      status: z.enum(runStatuses).describe('Its status.'),
      createdAt: time('When it was made.'),
      startedAt: time('When it began.').nullable(),
      completedAt: time('When it ended.').nullable(),
      error: text('Why it failed.').nullable(),
    })
    .describe('Of a Workflow: its newest run.'),
);

const namespaceData = lazily(() =>
  z
    .strictObject({
      namespace: text('A namespace of the cluster.'),
      kind: z.enum(dataKinds).describe('Data of which kind.'),
      found: flag('There are some.'),
      by: z.enum(['spec', 'learned']).describe('Who says so: `spec.capabilities`, or earlier runs.'),
      server: text('Who answered earlier runs.').nullable(),
      at: time('When; a day later it is forgotten.').nullable(),
    })
    .meta({ id: 'NamespaceData', description: 'Whether there are data of a namespace.' }),
);

const status = lazily(() =>
  z
    .strictObject({
      ready: flag('It is used.'),
      conditions: z.array(condition()).describe('What is known of it.'),
      eventsProcessed: count('Of a Source: notifications that it took in.').optional(),
      lastEventTime: time('Of a Source: when the last one came.').nullable().optional(),
      refused: count('Of a Source: requests that this process refused in the last minutes.').optional(),
      messagesSent: count('Of a Sink: what it was sent.').optional(),
      lastSentTime: time('Of a Sink: when that was last.').nullable().optional(),
      lastError: text('Of a Sink: why the last delivery that failed did.').nullable().optional(),
      lastRun: lastRun().nullable().optional(),
      data: z.array(namespaceData()).describe('Of a Workflow: where there are data, as far as it is known.').optional(),
    })
    .meta({ id: 'ResourceStatus', description: 'What is known of a Source, Workflow or Sink.' }),
);

function resourceOf(kind: ResourceRecord['kind']) {
  return lazily(() =>
    z
      .strictObject({
        apiVersion: text('`punchingfist.io/v1alpha1`.'),
        kind: z.literal(kind).describe(`\`${kind}\`.`),
        metadata: z.strictObject({ namespace: text('Its namespace.'), name: text('Its name.') }).describe('Its name.'),
        spec: jsonObject(`As it is declared; ${kind.toLowerCase()}.md has the fields. Secrets are references only.`),
        status: status(),
      })
      .meta({ id: kind, description: `A ${kind} in the shape of the Kubernetes API.` }),
  );
}

const resources = { Source: resourceOf('Source'), Workflow: resourceOf('Workflow'), Sink: resourceOf('Sink') };

/** A Source, Workflow or Sink in the shape of the Kubernetes API. */
export function resource(kind: ResourceRecord['kind']) {
  return resources[kind];
}

export type Condition = DeepReadonly<z.output<ReturnType<typeof condition>>>;
export type ResourceView = DeepReadonly<z.output<ReturnType<ReturnType<typeof resource>>>>;
