import { resourceKinds } from '../../controllers/kinds.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { formatDuration } from '../../lib/duration.ts';
import { canonicalJson } from '../../lib/hash.ts';
import { KubeFailure } from '../../kube/connection/failure.ts';
import type { DesiredObject, KubeWriter } from '../../kube/connection/writer.ts';
import { isUnresolved } from '../../resources/conditions.ts';
import type { ResourceKind } from '../../resources/object.ts';
import type { LocatedObject } from '../../resources/read.ts';

/** One of our objects by its name. */
export interface ObjectName {
  readonly kind: ResourceKind;
  readonly namespace: string;
  readonly name: string;
}

export interface Applied extends ObjectName {
  readonly outcome: 'created' | 'configured' | 'unchanged';
}

/** What others refer to comes first, and goes last. */
const order: readonly ResourceKind[] = ['Sink', 'Workflow', 'Source'];

export function inOrder<T extends ObjectName>(objects: readonly T[]): readonly T[] {
  return objects.toSorted((left, right) => order.indexOf(left.kind) - order.indexOf(right.kind));
}

/** Workflows and Sinks that there are, for references. Throws KubeFailure. */
export async function knownObjects(writer: KubeWriter): Promise<readonly (ObjectName & { readonly spec: unknown })[]> {
  const kinds: readonly ResourceKind[] = ['Workflow', 'Sink'];
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const listed = await writer.list(resourceKinds[kind], null, {}).catch((error: unknown) => {
        throw withInstallation(error);
      });
      return listed.map(({ metadata: { namespace = '', name }, spec }) => ({ kind, namespace, name, spec }));
    }),
  );
  return lists.flat();
}

/**
 * Makes or changes objects by server-side apply, in an order in which none refers to what is not there. The API server checks all before
 * any is changed; with `dryRun` that is all. Throws KubeFailure.
 */
export async function applyObjects(
  writer: KubeWriter,
  objects: readonly LocatedObject[],
  { dryRun, force }: { readonly dryRun: boolean; readonly force: boolean },
): Promise<readonly Applied[]> {
  const ordered = inOrder(objects);
  const checked = [];
  for (const object of ordered) checked.push(await applyOne(writer, object, { dryRun: true, force }));
  if (dryRun) return checked;
  const applied = [];
  for (const object of ordered) applied.push(await applyOne(writer, object, { force }));
  return applied;
}

async function applyOne(
  writer: KubeWriter,
  { kind, namespace, name, document }: LocatedObject,
  options: { readonly dryRun?: boolean; readonly force: boolean },
): Promise<Applied> {
  const before = await writer.get(resourceKinds[kind], { namespace, name });
  const { metadata, spec } = document.value as { readonly metadata: DesiredObject['metadata']; readonly spec: unknown };
  const { labels, annotations } = metadata;
  const own = {
    name,
    namespace,
    ...(labels == null ? {} : { labels }),
    ...(annotations == null ? {} : { annotations }),
  };
  const after = await writer.apply(resourceKinds[kind], { metadata: own, spec }, options).catch((error: unknown) => {
    throw withInstallation(error);
  });
  const outcome = before === null ? 'created' : contentOf(before) === contentOf(after) ? 'unchanged' : 'configured';
  return { kind, namespace, name, outcome };
}

/**
 * What people set in an object, for comparison. The version of the object says nothing: that of one with defaults in its status changes with
 * the first write after it was made, whatever that writes.
 */
function contentOf({ metadata: { generation, labels, annotations } }: KubernetesObject): string {
  return canonicalJson({ generation, labels: labels ?? {}, annotations: annotations ?? {} });
}

/** Where the server does not know our kinds, they are to be installed. */
export function withInstallation(error: unknown): unknown {
  if (!(error instanceof KubeFailure) || error.reason !== 'NotServed') return error;
  return new AppError('NotFound', error.message, { cause: error, next: 'fist install' });
}

/** Whether an object is in use; `reason` null = nobody has looked at this version of it. */
export interface Readiness {
  readonly object: ObjectName;
  readonly isReady: boolean;
  /** Only somebody's change can mend it. */
  readonly isStalled: boolean;
  readonly reason: string | null;
  readonly message: string;
  /** What a part of it lacks although it is in use, `CommandsOff, why`; null = nothing is known to be missing. */
  readonly lacking: string | null;
}

interface StoredCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}

/** What its status says of the version that it has now. */
export function readinessOf(name: ObjectName, { metadata, status }: KubernetesObject): Readiness {
  const all = (status?.['conditions'] ?? []) as unknown as readonly StoredCondition[];
  const current = all.filter(({ observedGeneration }) => (observedGeneration ?? 0) >= (metadata.generation ?? 0));
  const find = (type: string) => current.find((condition) => condition.type === type);
  const ready = find('Ready');
  const stalled = find('Stalled');
  const isStalled = stalled?.status === 'True';
  const access = find('ClusterAccess');
  // It is in use, and the answer that may end that is on its way.
  const unasked = access?.status === 'Unknown' && ready?.status === 'True' ? access : undefined;
  const told = isStalled ? stalled : (unasked ?? ready);
  const lacking = current.filter(isUnresolved).map(({ reason, message }) => `${reason}, ${message}`);
  return {
    object: name,
    isReady: ready?.status === 'True' && !isStalled && unasked === undefined,
    isStalled,
    reason: told?.reason ?? null,
    message: told?.message ?? 'no operator has looked at it',
    lacking: lacking.length === 0 ? null : lacking.join('; '),
  };
}

const everyMs = 500;

/**
 * Yields each object when it is in use, or when only somebody's change can bring it there. Throws Timeout that names the others, with what
 * their statuses say.
 */
export async function* untilReady(
  { writer, clock }: { readonly writer: KubeWriter; readonly clock: Clock },
  objects: readonly ObjectName[],
  timeoutMs: number,
): AsyncGenerator<Readiness> {
  const end = clock.monotonic() + timeoutMs;
  let waiting = [...objects];
  for (;;) {
    const left: Readiness[] = [];
    for (const name of waiting) {
      const { kind, namespace } = name;
      const object = await writer.get(resourceKinds[kind], { namespace, name: name.name });
      const readiness =
        object === null
          ? { object: name, isReady: false, isStalled: true, reason: 'Deleted', message: 'it is gone', lacking: null }
          : readinessOf(name, object);
      if (readiness.isReady || readiness.isStalled) yield readiness;
      else left.push(readiness);
    }
    if (left.length === 0) return;
    waiting = left.map(({ object }) => object);
    if (clock.monotonic() >= end) throw notReady(left, timeoutMs);
    await clock.sleep(everyMs);
  }
}

function notReady(left: readonly Readiness[], timeoutMs: number): AppError {
  const each = left.map(
    ({ object, reason, message }) =>
      `${object.kind} ${object.namespace}/${object.name}: ${reason === null ? '' : `${reason}, `}${message}`,
  );
  const isUnseen = left.every(({ reason }) => reason === null);
  return new AppError('Timeout', `not in use after ${formatDuration(timeoutMs)}: ${each.join('; ')}`, {
    next: isUnseen
      ? 'fist check --installed, and the log of the operator'
      : 'mend what it says; fist get sources --context NAME -o wide',
  });
}
