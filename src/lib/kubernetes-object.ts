import type { KubernetesObject } from '../core/cluster.ts';
import { redactObject } from './redact.ts';

/**
 * An object without secrets, and without what only the API server needs. `configMapValue` stands for each value of a config map;
 * null = they stay, redacted.
 */
export function redactedManifest(object: KubernetesObject, configMapValue: string | null): KubernetesObject {
  const { managedFields: _, ...metadata } = object.metadata as KubernetesObject['metadata'] & {
    managedFields?: unknown;
  };
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([name]) => name !== 'kubectl.kubernetes.io/last-applied-configuration',
  );
  const kept: KubernetesObject = {
    ...object,
    metadata: {
      ...metadata,
      ...(metadata.annotations === undefined ? {} : { annotations: Object.fromEntries(annotations) }),
    },
  };
  if (configMapValue === null) return redactObject(kept) as KubernetesObject;
  const hidden = (data: unknown): Record<string, string> =>
    Object.fromEntries(Object.keys(data ?? {}).map((key) => [key, configMapValue]));
  const data = {
    ...(kept['data'] === undefined ? {} : { data: hidden(kept['data']) }),
    ...(kept['binaryData'] === undefined ? {} : { binaryData: hidden(kept['binaryData']) }),
  };
  return { ...(redactObject({ ...kept, data: undefined, binaryData: undefined }) as KubernetesObject), ...data };
}
