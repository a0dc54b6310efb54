import { isClusterScopedResource, objectName } from '../../analyzers/define.ts';
import { textAt } from '../../analyzers/reading/fields.ts';
import type { ClusterResource, KubernetesObject, ReadResult } from '../../core/cluster.ts';
import type { Reads } from '../../investigation/reads.ts';
import { mask } from '../../lib/redact.ts';
import { redactedManifest } from '../../lib/kubernetes-object.ts';
import { namespaceOf } from '../policy.ts';
import { kindOfResource, objectKindOf, resourceOf } from './kinds.ts';

/** An object that a call names. */
export interface NamedObject {
  readonly resource: ClusterResource;
  /** In small letters, `pod`. */
  readonly kind: string;
  /** null: it is in none, or (where the whole cluster may be read) in whichever. */
  readonly namespace: string | null;
  readonly name: string;
  /** `pod/shop/web-1`. */
  readonly title: string;
}

/** What the input of a call names; the policy has let it through, so its kind is known. */
export function named(input: {
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}): NamedObject {
  const resource = resourceOf(input.resource) ?? 'pods';
  const namespace = isClusterScopedResource(resource) ? null : namespaceOf(input.namespace);
  const kind = kindOfResource(resource);
  return { resource, kind, namespace, name: input.name, title: objectName(kind, namespace, input.name) };
}

/** The object; null where there is none. */
export async function readObject(
  reads: Reads,
  { resource, namespace, name }: NamedObject,
): Promise<ReadResult<KubernetesObject | null>> {
  const kind = objectKindOf(resource);
  if (kind !== null && (namespace !== null || isClusterScopedResource(resource)))
    return reads.get(kind, namespace, name);
  const list = await reads.list(resource, namespace);
  if (list.kind !== 'ok') return list;
  const found = list.value.find(({ metadata }) => metadata.name === name) ?? null;
  if (found === null && list.isPartial === true)
    return { kind: 'not_captured', reason: `not all ${resource} could be looked at` };
  return { kind: 'ok', value: found };
}

/** What a cluster adds to every pod by itself. */
const added = /^kube-api-access-/;
const usualTolerations = /^node\.kubernetes\.io\/(?:not-ready|unreachable)$/;

/** An object for a reader who pays by the word: without secrets, values of config maps, and what says nothing. */
export function shownManifest(object: KubernetesObject): Readonly<Record<string, unknown>> {
  const { metadata, ...rest } = redactedManifest(object, object.kind === 'ConfigMap' ? mask : null);
  const { uid: _uid, resourceVersion: _version, ownerReferences, ...kept } = metadata;
  const owners = (ownerReferences ?? []).map(({ kind, name }) => `${kind}/${name}`);
  return withoutUsual({ ...rest, metadata: { ...kept, ...(owners.length === 0 ? {} : { owners }) } }) as Readonly<
    Record<string, unknown>
  >;
}

function withoutUsual(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((item) => !added.test(textAt(item, 'name')) && !usualTolerations.test(textAt(item, 'key')))
      .map(withoutUsual);
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => (item === null ? [] : [[name, withoutUsual(item)]])),
  );
}
