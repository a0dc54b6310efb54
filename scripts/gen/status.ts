import type { ResourceKind } from '../../src/resources/object.ts';
import type { StructuralNode } from './structural.ts';

const text = (description: string, maxLength = 1024): StructuralNode => ({ type: 'string', description, maxLength });
const time = (description: string): StructuralNode => ({ type: 'string', format: 'date-time', description });
const count = (description: string): StructuralNode => ({ type: 'integer', format: 'int64', minimum: 0, description });
const generation = (description: string): StructuralNode => ({ type: 'integer', format: 'int64', description });

const message = text('For people: what is so, and what to do about it.', 32_768);
/** As Kubernetes' own conditions (apimachinery meta/v1 Condition). */
const reason: StructuralNode = {
  ...text('One word for it.'),
  minLength: 1,
  pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
};

const conditions: StructuralNode = {
  description:
    'What holds of the object. Ready: whether it is in use, and if not, why. Reconciling: it waits for what it needs, such as a Secret. Stalled: it cannot be used until somebody changes something.',
  type: 'array',
  maxItems: 32,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { ...text('Ready, Reconciling, Stalled, or another one.', 316), minLength: 1 },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it holds.' },
      reason,
      message,
      lastTransitionTime: time('When status changed last.'),
      observedGeneration: generation('The metadata.generation that it is about.'),
    },
  },
};

const phases = ['Pending', 'Running', 'Succeeded', 'Failed', 'Cancelled'];
const common = {
  observedGeneration: generation('The metadata.generation that the status is about; -1 = none was looked at yet.'),
  conditions,
};
const ready: StructuralNode = { type: 'boolean', description: 'As the condition Ready.' };
const phase = (description: string): StructuralNode => ({ type: 'string', enum: phases, description });
const startTime = time('When it began.');
const completionTime = time('When it ended.');
const error = text('Why it failed.', 32_768);

const step: StructuralNode = {
  type: 'object',
  required: ['name', 'phase'],
  properties: {
    name: text('Name of the step.', 253),
    phase: { type: 'string', enum: [...phases, 'Skipped'], description: 'How far it has got.' },
    startTime,
    completionTime,
    result: {
      type: 'object',
      description: 'What it found, cut where it is long.',
      'x-kubernetes-preserve-unknown-fields': true,
    },
    error,
  },
};

const lastRun: StructuralNode = {
  type: 'object',
  description: 'The newest run, in short.',
  properties: {
    id: text('Id of the run: fist describe run/ID.', 63),
    phase: phase('How far it has got.'),
    startTime,
    completionTime,
    alert: text('Name of the alert that it is about.'),
    object: text('The object that it is about, pod/shop/web-1.'),
    summary: text('What was found, in a sentence.', 4096),
  },
};

/** `status` of each kind, with the field names of the contract. It says -1 until a controller has looked at the object. */
export const statusSchemas: Readonly<Record<ResourceKind, StructuralNode>> = {
  Source: status('What became of the Source.', {
    ready,
    addresses: {
      type: 'array',
      maxItems: 8,
      description: 'Where it takes requests, /webhook/@NAMESPACE/PATH and, where it has it, /webhook/PATH.',
      items: text('Path of a URL.', 2048),
    },
    lastEventTime: time('When something came in last.'),
    eventsProcessed: count('Requests and events that came in until now.'),
  }),
  Workflow: status('What became of the Workflow and of its newest run.', {
    ready,
    phase: phase('Of the newest run.'),
    startTime,
    completionTime,
    steps: { type: 'array', maxItems: 1000, description: 'Steps of the newest run.', items: step },
    outputs: {
      type: 'object',
      description: 'Outputs of the newest run.',
      maxProperties: 100,
      additionalProperties: { type: 'string', maxLength: 65_536 },
    },
    error,
    lastRun,
  }),
  Sink: status('What became of the Sink.', {
    ready,
    lastSentTime: time('When a delivery was sent last.'),
    messagesSent: count('Deliveries that were sent until now.'),
    lastError: text('Why the last delivery failed that did; empty = the last one was sent.', 32_768),
  }),
};

function status(description: string, properties: Record<string, StructuralNode>): StructuralNode {
  return { type: 'object', description, default: { observedGeneration: -1 }, properties: { ...common, ...properties } };
}
