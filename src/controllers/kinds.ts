import type { ObjectKind } from '../kube/kinds/kinds.ts';
import type { ResourceKind } from '../resources/object.ts';

const own = (kind: ResourceKind, plural: string): ObjectKind => ({
  group: 'punchingfist.io',
  version: 'v1alpha1',
  kind,
  plural,
  namespaced: true,
});

/** The kinds that this program brings. */
export const resourceKinds: Readonly<Record<ResourceKind, ObjectKind>> = {
  Source: own('Source', 'sources'),
  Workflow: own('Workflow', 'workflows'),
  Sink: own('Sink', 'sinks'),
};
