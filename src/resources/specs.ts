import type { z } from 'zod';
import type { ResourceKind } from './object.ts';
import { sinkSpec } from './sink.ts';
import { sourceSpec } from './source.ts';
import { workflowSpec } from './workflow.ts';

/** The schema of `spec` of each kind. */
export const resourceSpecs: Readonly<Record<ResourceKind, z.ZodObject>> = {
  Source: sourceSpec,
  Workflow: workflowSpec,
  Sink: sinkSpec,
};
