import { resourceKinds } from '../../controllers/kinds.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { kinds, resourceOf } from '../../kube/kinds/kinds.ts';
import type { ObjectKind } from '../../kube/kinds/kinds.ts';
import type { KubeWriter } from '../../kube/connection/writer.ts';
import { findInstallation } from './install.ts';
import type { Done, InstallWorld } from './install.ts';
import { installed, labelsOf, manifestTitle, managedBy, requestOf, titleOf } from './manifests.ts';
import type { Manifests } from './manifests.ts';

/** One object that would be deleted. */
export interface Removal {
  readonly title: string;
  readonly kind: ObjectKind;
  readonly namespace: string | null;
  readonly name: string;
  /** Only this one. */
  readonly uid: string | undefined;
}

/** What an end of an installation takes away, and what it leaves. */
export interface UninstallPlan {
  readonly removals: readonly Removal[];
  /** For people, one line each. */
  readonly kept: readonly string[];
  /** With `isAll`: how many objects go with each CRD. */
  readonly lost: readonly { readonly resource: string; readonly count: number }[];
}

/**
 * Reads what is there of an installation. What lasts is kept unless `isAll`: the CRDs with all objects of all namespaces, the volume claims
 * with the database, the token. The Namespace is always kept: others may use it. Throws Conflict where it is Helm's.
 */
export async function planUninstall(
  world: Pick<InstallWorld, 'writer' | 'kubectl'>,
  manifests: Manifests,
  isAll: boolean,
): Promise<UninstallPlan> {
  await findInstallation(world, manifests);
  const { writer, kubectl } = world;
  const namespace = manifests.namespace.metadata.name;
  const own = await Promise.all(
    manifests.objects.toReversed().map(async (manifest) => {
      const { kind, object } = requestOf(manifest);
      return find(writer, kind, object.metadata.namespace ?? null, object.metadata.name);
    }),
  );
  const foreign = own.filter((found) => found !== null && found.manager !== 'fist');
  const lease = await find(writer, kinds.lease, namespace, installed.lease);
  const lasting = await findLasting(writer, manifests);
  const removals = [...own.filter((found) => found?.manager === 'fist'), lease, ...(isAll ? lasting : [])].filter(
    (found) => found !== null,
  );
  return {
    removals,
    kept: [
      ...foreign.map((found) => `${found?.title ?? ''}: it was not made by fist install`),
      ...(isAll ? [] : lasting.map(({ title }) => title)),
      `${manifestTitle(manifests.namespace)}; ${kubectl} delete namespace ${namespace} deletes all that is in it`,
    ],
    lost: isAll ? await countObjects(writer, lasting) : [],
  };
}

interface Found extends Removal {
  readonly manager: string | undefined;
}

async function find(
  writer: KubeWriter,
  kind: ObjectKind,
  namespace: string | null,
  name: string,
): Promise<Found | null> {
  const object = await writer.get(kind, { namespace, name });
  return object === null ? null : foundOf(kind, namespace, name, object);
}

function foundOf(kind: ObjectKind, namespace: string | null, name: string, object: KubernetesObject): Found {
  const { uid, labels } = object.metadata;
  const title = titleOf(kind.kind, namespace, name);
  return { title, kind, namespace, name, uid, manager: labels?.[managedBy] };
}

async function findLasting(writer: KubeWriter, manifests: Manifests): Promise<readonly Found[]> {
  const namespace = manifests.namespace.metadata.name;
  const labelSelector = labelsOf(manifests.objects, ['app.kubernetes.io/name', 'app.kubernetes.io/instance']);
  const claims = await writer.list(kinds.persistentVolumeClaim, namespace, { labelSelector });
  const secret = await find(writer, kinds.secret, namespace, installed.tokenSecret);
  const definitions = await Promise.all(
    manifests.definitions.map(({ metadata }) => find(writer, kinds.customResourceDefinition, null, metadata.name)),
  );
  const volumes = claims.map((claim) => foundOf(kinds.persistentVolumeClaim, namespace, claim.metadata.name, claim));
  return [secret, ...volumes, ...definitions].filter((one) => one !== null);
}

async function countObjects(writer: KubeWriter, lasting: readonly Found[]): Promise<UninstallPlan['lost']> {
  const counted = await Promise.all(
    Object.values(resourceKinds).map(async (kind) => {
      const resource = resourceOf(kind);
      if (!lasting.some(({ name }) => name === resource)) return { resource, count: 0 };
      return { resource, count: (await writer.list(kind, null, {})).length };
    }),
  );
  return counted.filter(({ count }) => count > 0);
}

/** Deletes them one after the other: workload first, so that nothing works with half of its rights. */
export async function* uninstall({ writer }: Pick<InstallWorld, 'writer'>, plan: UninstallPlan): AsyncGenerator<Done> {
  for (const { kind, namespace, name, uid, title } of plan.removals) {
    const outcome = await writer.delete(kind, { namespace, name }, uid === undefined ? {} : { uid });
    yield { title, outcome };
  }
}
