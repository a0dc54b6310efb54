import type { Catalog, CatalogObject, Condition } from '../core/catalog.ts';
import type { ResourceRecord } from '../core/resource.ts';
import type { Timestamp } from '../core/time.ts';
import { mask } from '../lib/redact.ts';
import { isSecretName } from '../lib/secret-names.ts';
import type { Pieces } from '../lib/turns.ts';
import { apiVersion } from './fields.ts';
import type { LoadedResources } from './holder.ts';
import { objectKey } from './object.ts';
import type { ResourceObject } from './object.ts';

interface StoredStatus {
  readonly conditions?: readonly (Condition & { readonly lastTransitionTime?: string })[];
}

/**
 * The mirror of the resources for the API (`custom_resources`). `before` gives the times of conditions that did not change.
 * Counts of events and messages are kept elsewhere and joined by the API.
 */
export function* resourceRecords(
  loaded: LoadedResources,
  before: readonly ResourceRecord[],
  now: Timestamp,
): Pieces<readonly ResourceRecord[]> {
  const earlier = new Map(before.map((record) => [objectKey(record), record]));
  const records: ResourceRecord[] = [];
  for (const object of loaded.objects) {
    yield;
    const { kind, namespace, name } = object;
    const compiled = compiledOf(loaded.catalog, object);
    const known = earlier.get(objectKey(object));
    const conditions = (compiled?.conditions ?? []).map((condition) => withTime(condition, known, now));
    const status = { ready: compiled?.ready ?? false, conditions };
    records.push({
      apiVersion,
      kind,
      namespace,
      name,
      spec: JSON.stringify(masked(object.spec)),
      status: JSON.stringify(status),
      updatedAt: now,
    });
  }
  return records;
}

/** The compiled form of an object. */
export function compiledOf(
  catalog: Catalog,
  { kind, namespace, name }: Pick<ResourceObject, 'kind' | 'namespace' | 'name'>,
): CatalogObject | undefined {
  if (kind === 'Source') return catalog.source(namespace, name);
  return kind === 'Workflow' ? catalog.workflow(namespace, name) : catalog.sink(namespace, name);
}

function withTime(
  condition: Condition,
  record: ResourceRecord | undefined,
  now: Timestamp,
): Condition & { lastTransitionTime: string } {
  const stored = record === undefined ? {} : (JSON.parse(record.status) as StoredStatus);
  const same = stored.conditions?.find(({ type, status }) => type === condition.type && status === condition.status);
  return { ...condition, lastTransitionTime: same?.lastTransitionTime ?? now };
}

/** Secrets are references; values that somebody wrote into a map under a secret-like name are not mirrored. */
function masked(value: unknown, isMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      isMap && typeof item === 'string' && isSecretName(key)
        ? mask
        : masked(item, key === 'headers' || key === 'environment'),
    ]),
  );
}
