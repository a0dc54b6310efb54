import type { JsonSchemaNode } from '../../src/resources/field-tree.ts';
import type { ResourceKind } from '../../src/resources/object.ts';

const text: JsonSchemaNode = { type: 'string' };
const time: JsonSchemaNode = { type: 'string', format: 'date-time' };
const count: JsonSchemaNode = { type: 'integer', format: 'int64' };
const anything: JsonSchemaNode = { 'x-kubernetes-preserve-unknown-fields': true };

const conditions: JsonSchemaNode = {
  description: 'What holds of the object; Ready says whether it is in use, and if not, why.',
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: text,
      status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
      reason: text,
      message: text,
      lastTransitionTime: time,
      observedGeneration: count,
    },
  },
};

const common = { observedGeneration: count, conditions };

/** `status` of each kind, with the field names of the contract. */
export const statusSchemas: Readonly<Record<ResourceKind, JsonSchemaNode>> = {
  Source: {
    type: 'object',
    properties: { ...common, ready: { type: 'boolean' }, lastEventTime: time, eventsProcessed: count },
  },
  Workflow: {
    type: 'object',
    properties: {
      ...common,
      ready: { type: 'boolean' },
      phase: { description: 'Of the newest run: Pending, Running, Succeeded, Failed or Cancelled.', type: 'string' },
      startTime: time,
      completionTime: time,
      steps: {
        type: 'array',
        items: {
          type: 'object',
          required: ['name', 'phase'],
          properties: { name: text, phase: text, startTime: time, completionTime: time, result: anything, error: text },
        },
      },
      outputs: { type: 'object', additionalProperties: text },
      error: text,
    },
  },
  Sink: {
    type: 'object',
    properties: { ...common, ready: { type: 'boolean' }, lastSentTime: time, messagesSent: count, lastError: text },
  },
};
