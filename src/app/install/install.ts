import type { KubernetesObject } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { KubeFailure } from '../../kube/connection/failure.ts';
import { kinds, resourceOf } from '../../kube/kinds/kinds.ts';
import type { KubeWriter } from '../../kube/connection/writer.ts';
import {
  imagesOf,
  labelsOf,
  managedBy,
  manifestTitle,
  nextImage,
  placeManifest,
  requestOf,
  titleOf,
} from './manifests.ts';
import type { Manifest, Manifests } from './manifests.ts';

/** The cluster of an installation. */
export interface InstallWorld {
  readonly writer: KubeWriter;
  readonly clock: Clock;
  /** The start of a kubectl command to the same cluster. */
  readonly kubectl: string;
  /** A new API token. */
  readonly makeToken: () => string;
}

export interface InstallOptions {
  readonly namespace: string;
  /** null = of this version, from where the one that runs is. */
  readonly image: string | null;
  /** Something has to be there already. */
  readonly isUpgrade: boolean;
  /** Takes over fields that others set meanwhile. */
  readonly force: boolean;
}

/** What became of one object. */
export interface Done {
  /** `StatefulSet punching-fist/punching-fist`. */
  readonly title: string;
  /** `kept` = it was there, and is left as it is. */
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'kept' | 'deleted' | 'absent';
}

const establishedMs = 30_000;
const everyMs = 250;

/**
 * Makes an installation, or brings one up to this version: the Namespace, the CRDs, which are waited for, the Secret of the API token, which
 * is made once, and the rest by server-side apply. An upgrade also takes away what an earlier version made and this one has not. Yields each
 * object when it is done; doing it again changes nothing. Throws Conflict where Helm or another namespace has an installation, NotFound where
 * there is nothing to upgrade, Forbidden with what to allow.
 */
export async function* install(
  world: InstallWorld,
  manifests: Manifests,
  { namespace: here, image, isUpgrade, force }: InstallOptions,
): AsyncGenerator<Done> {
  const { writer } = world;
  const { namespace, definitions, secret, objects } = manifests;
  const isThere = await findInstallation(world, manifests);
  if (isUpgrade && !isThere)
    throw new AppError('NotFound', `there is no installation in namespace ${namespace.metadata.name}`, {
      next: `fist install --namespace ${namespace.metadata.name}`,
    });
  const placed = image === null && isThere ? await keepRegistry(writer, objects, here) : objects;
  const isNamespaceThere = (await writer.get(kinds.namespace, { namespace: null, ...namespace.metadata })) !== null;
  yield isNamespaceThere
    ? { title: manifestTitle(namespace), outcome: 'kept' }
    : await applyManifest(writer, namespace, force);
  for (const definition of definitions) yield await applyManifest(writer, definition, force);
  for (const definition of definitions) await untilEstablished(world, definition);
  yield await makeSecret(world, secret);
  for (const object of placed) yield await applyManifest(writer, object, force);
  if (isUpgrade) yield* removeEarlier(writer, placed, here);
}

/** Takes away what has the labels of the installation and is none of its objects, of the kinds that it has. */
async function* removeEarlier(
  writer: KubeWriter,
  objects: readonly Manifest[],
  namespace: string,
): AsyncGenerator<Done> {
  const wanted = new Set(objects.map(manifestTitle));
  const labelSelector = labelsOf(objects, ['app.kubernetes.io/name', 'app.kubernetes.io/instance', managedBy]);
  const all = objects.map((object) => requestOf(object).kind);
  for (const kind of new Map(all.map((one) => [resourceOf(one), one])).values()) {
    const place = kind.namespaced ? namespace : null;
    for (const { metadata } of await writer.list(kind, place, { labelSelector })) {
      const { name, uid } = metadata;
      const title = titleOf(kind.kind, place, name);
      if (wanted.has(title)) continue;
      const outcome = await writer.delete(kind, { namespace: place, name }, uid === undefined ? {} : { uid });
      yield { title, outcome };
    }
  }
}

/** The workload with an image from where the one that runs is. */
async function keepRegistry(
  writer: KubeWriter,
  objects: readonly Manifest[],
  namespace: string,
): Promise<readonly Manifest[]> {
  const workload = objects.find((object) => imagesOf(object).length > 0);
  const [standard] = workload === undefined ? [] : imagesOf(workload);
  if (workload === undefined || standard === undefined) return objects;
  const running = await writer.get(requestOf(workload).kind, { namespace, name: workload.metadata.name });
  const image = nextImage(running === null ? undefined : imagesOf(running)[0], standard);
  return objects.map((object) => placeManifest(object, { namespace, image }));
}

/** Whether one is there that may be changed. Throws Conflict where it is Helm's, or in another namespace. */
export async function findInstallation(
  { writer, kubectl }: Pick<InstallWorld, 'writer' | 'kubectl'>,
  { namespace, objects }: Manifests,
): Promise<boolean> {
  const here = namespace.metadata.name;
  const binding = objects.find(({ kind }) => kind === 'ClusterRoleBinding');
  if (binding === undefined) return false;
  const { kind } = requestOf(binding);
  const found = await writer.get(kind, { namespace: null, name: binding.metadata.name });
  if (found === null) return false;
  const title = manifestTitle(binding);
  const manager = found.metadata.labels?.[managedBy];
  if (manager === 'Helm') {
    const release = found.metadata.labels?.['app.kubernetes.io/instance'] ?? 'RELEASE';
    throw new AppError('Conflict', `Helm has installed it (${title} is of release ${release})`, {
      next: `helm upgrade ${release}, or helm uninstall ${release} first`,
    });
  }
  const [other] = ((found['subjects'] ?? []) as readonly { readonly namespace?: string }[]).filter(
    (subject) => subject.namespace !== here,
  );
  if (other !== undefined)
    throw new AppError('Conflict', `${title} is of an installation in namespace ${other.namespace ?? ''}`, {
      next: `--namespace ${other.namespace ?? ''}; ${kubectl} get clusterrolebinding ${binding.metadata.name} -o yaml`,
    });
  return true;
}

async function applyManifest(writer: KubeWriter, manifest: Manifest, force: boolean): Promise<Done> {
  const { kind, object } = requestOf(manifest);
  const title = manifestTitle(manifest);
  const place = { namespace: object.metadata.namespace ?? null, name: object.metadata.name };
  const before = await writer.get(kind, place);
  const after = await writer.apply(kind, object, { force }).catch((error: unknown) => {
    throw explained(error, title);
  });
  return { title, outcome: outcomeOf(before, after) };
}

/** Whether a write changed something: the API server leaves the version where it did not. */
function outcomeOf(before: KubernetesObject | null, after: KubernetesObject): 'created' | 'configured' | 'unchanged' {
  if (before === null) return 'created';
  return before.metadata.resourceVersion === after.metadata.resourceVersion ? 'unchanged' : 'configured';
}

/** What an API server says to who makes roles with more than they have themselves, and where others have set fields. */
function explained(error: unknown, title: string): unknown {
  if (!(error instanceof KubeFailure)) return error;
  if (error.message.includes('attempting to grant RBAC permissions not currently held'))
    return new AppError('Forbidden', `${title} grants rights that you do not have yourself`, {
      cause: error,
      next: 'fist check --pre names them; a cluster-admin may, or who has the verbs escalate and bind on roles and clusterroles',
    });
  if (error.reason === 'FieldConflict')
    return new AppError('Conflict', error.message, {
      cause: error,
      next: 'the same with --force-conflicts sets them all the same',
    });
  return error;
}

async function untilEstablished({ writer, clock, kubectl }: InstallWorld, { metadata }: Manifest): Promise<void> {
  const { name } = metadata;
  const end = clock.monotonic() + establishedMs;
  for (;;) {
    const found = await writer.get(kinds.customResourceDefinition, { namespace: null, name });
    const problem = whyNotEstablished(found);
    if (problem === null) return;
    if (clock.monotonic() >= end)
      throw new AppError('Timeout', `CustomResourceDefinition ${name} is not served: ${problem}`, {
        next: `${kubectl} describe customresourcedefinition ${name}`,
      });
    await clock.sleep(everyMs);
  }
}

/** What keeps an API server from serving it; null = nothing. */
export function whyNotEstablished(definition: KubernetesObject | null): string | null {
  if (definition === null) return 'it is not there';
  const conditions = (definition.status?.['conditions'] ?? []) as unknown as readonly {
    readonly type: string;
    readonly status: string;
    readonly message?: string;
  }[];
  const is = (type: string) => conditions.find((condition) => condition.type === type);
  const names = is('NamesAccepted');
  if (names?.status === 'False') return names.message ?? 'its names are taken';
  return is('Established')?.status === 'True' ? null : 'it is not established';
}

/** Makes it with a token where it is not there. What is in it stays: servers and people use it. */
async function makeSecret({ writer, kubectl, makeToken }: InstallWorld, secret: Manifest): Promise<Done> {
  const { kind, object } = requestOf(secret);
  const { namespace = null, name } = object.metadata;
  const title = manifestTitle(secret);
  const found = await writer.get(kind, { namespace, name });
  if (found === null) {
    await writer.create(kind, { ...object, stringData: { token: makeToken() } });
    return { title, outcome: 'created' };
  }
  if (Object.hasOwn(found['data'] ?? {}, 'token')) return { title, outcome: 'kept' };
  throw new AppError('Conflict', `${title} has no key token, so the server would not start`, {
    next: `${kubectl} delete secret ${name} -n ${namespace ?? ''}, and the same command again makes it`,
  });
}
