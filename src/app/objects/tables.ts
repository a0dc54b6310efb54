import { resourceKinds } from '../../controllers/kinds.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { explainFailure } from '../../kube/connection/failure.ts';
import { kindPath } from '../../kube/kinds/kinds.ts';
import type { KubeTransport } from '../../kube/connection/transport.ts';
import type { ResourceKind } from '../../resources/object.ts';
import { withInstallation } from './apply.ts';

/** Objects of one kind with the columns that their CustomResourceDefinition has (meta.k8s.io/v1 Table). */
export interface ObjectTable {
  readonly columns: readonly { readonly name: string; readonly isWide: boolean }[];
  readonly rows: readonly { readonly object: KubernetesObject; readonly cells: readonly unknown[] }[];
}

const maxBytes = 64 * 1024 * 1024;

/** Reads those of these namespaces as kubectl does: the API server makes the columns. null = of all. Throws KubeFailure. */
export async function readObjectTable(
  transport: KubeTransport,
  resource: ResourceKind,
  namespaces: readonly string[] | null,
): Promise<ObjectTable> {
  const tables = [];
  for (const place of new Set(namespaces ?? [null])) tables.push(await readTable(transport, resource, place));
  return { columns: tables[0]?.columns ?? [], rows: tables.flatMap(({ rows }) => rows) };
}

async function readTable(
  transport: KubeTransport,
  resource: ResourceKind,
  namespace: string | null,
): Promise<ObjectTable> {
  const kind = resourceKinds[resource];
  const answer = await transport.ask({
    method: 'GET',
    path: kindPath(kind, namespace),
    query: { includeObject: 'Object' },
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    maxBytes,
  });
  if (answer.status !== 200)
    throw withInstallation(explainFailure(transport, { verb: 'list', kind, namespace, name: '' }, answer));
  const { columnDefinitions, rows } = JSON.parse(answer.body) as {
    readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
    readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: KubernetesObject }[] | null;
  };
  return {
    columns: columnDefinitions.map(({ name, priority }) => ({ name, isWide: priority > 0 })),
    rows: (rows ?? []).map(({ cells, object }) => ({ cells, object: withoutManagers(object) })),
  };
}

/** Who set which field is of no interest to who reads an object. */
export function withoutManagers(object: KubernetesObject): KubernetesObject {
  const { managedFields: _managers, ...metadata } = object.metadata as KubernetesObject['metadata'] & {
    readonly managedFields?: unknown;
  };
  return { ...object, metadata };
}
