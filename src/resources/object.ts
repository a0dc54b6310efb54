import type { Timestamp } from '../core/time.ts';

export type ResourceKind = 'Source' | 'Workflow' | 'Sink';

/** A Source, Workflow or Sink as it was declared. */
export interface ResourceObject {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
  /** As it came; not checked. */
  readonly spec: unknown;
  /** `file:line`; empty where it came from the API server. */
  readonly origin: string;
  /** `metadata.creationTimestamp`; null in files. The older of two that want the same wins. */
  readonly createdAt: string | null;
  /** There is a newer version that cannot be used: why, with its place. This one is the last good one. */
  readonly brokenEdit?: string;
  /** It vanished from the resources, and stays in use until then. */
  readonly leavesAt?: Timestamp;
}

/** `Workflow shop/triage`. */
export function objectTitle(object: Pick<ResourceObject, 'kind' | 'namespace' | 'name'>): string {
  return `${object.kind} ${object.namespace}/${object.name}`;
}

/** The key of an object among all. */
export function objectKey(object: Pick<ResourceObject, 'kind' | 'namespace' | 'name'>): string {
  return `${object.kind}/${object.namespace}/${object.name}`;
}
