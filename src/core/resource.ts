import type { Timestamp } from './time.ts';

/** A `custom_resources` row. */
export interface ResourceRecord {
  readonly apiVersion: string;
  readonly kind: 'Source' | 'Workflow' | 'Sink';
  readonly namespace: string;
  readonly name: string;
  /** JSON text of the spec; secrets are references only. */
  readonly spec: string;
  /** JSON text of the status. */
  readonly status: string;
  readonly updatedAt: Timestamp;
}
