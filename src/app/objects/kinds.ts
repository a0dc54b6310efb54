import { resourceKinds } from '../../controllers/kinds.ts';
import type { ObjectKind } from '../../kube/kinds/kinds.ts';
import type { ResourceKind } from '../../resources/object.ts';

/** How API servers name one of our kinds. */
export function objectKindOf(kind: ResourceKind): ObjectKind {
  return resourceKinds[kind];
}

/** `Source` for `sources`; undefined = no cluster has such objects. */
export function kindByPlural(plural: string): ResourceKind | undefined {
  return (Object.keys(resourceKinds) as ResourceKind[]).find((kind) => resourceKinds[kind].plural === plural);
}
