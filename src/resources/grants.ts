import { objectOf } from '../core/json.ts';
import type { JsonValue } from '../core/json.ts';
import { accessFrom } from './fields.ts';

/** Namespaces that the `spec` of a Workflow or a Sink grants, whatever else is in it; none where that cannot be read. */
export function grantedBy(spec: unknown): readonly string[] {
  return accessFrom.safeParse(objectOf(spec as JsonValue)['accessFrom']).data?.namespaces ?? [];
}

/** The last good `spec` with what a newer one grants, which cannot be used: who withdraws a grant is not kept waiting for the rest. */
export function withGrantsOf(good: unknown, newer: unknown): unknown {
  const namespaces = grantedBy(newer);
  if (JSON.stringify(namespaces) === JSON.stringify(grantedBy(good))) return good;
  const { accessFrom: _accessFrom, ...rest } = objectOf(good as JsonValue);
  return namespaces.length === 0 ? rest : { ...rest, accessFrom: { namespaces } };
}
