import type { KubernetesObject } from '../../core/cluster.ts';
import { AppError, toAppError } from '../../core/errors.ts';
import { objectOf } from '../../core/json.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { ObjectPlace } from '../../core/place.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import type { ObjectKind } from '../../kube/kinds/kinds.ts';
import type { KubeTransport } from '../../kube/connection/transport.ts';
import type { KubeWriter } from '../../kube/connection/writer.ts';
import { resultsAbout } from '../check-result.ts';
import type { CheckResult } from '../check-result.ts';

const { ok, failed, skipped } = resultsAbout('installation');

interface WorkloadWorld {
  readonly transport: Pick<KubeTransport, 'kubectl'>;
  readonly writer: Pick<KubeWriter, 'get' | 'list'>;
  readonly namespace: string;
}

/** Whether the operator of this name runs: its replicas are ready, and one of them leads. Why not, where the cluster says it. */
export async function checkWorkload(world: WorkloadWorld, name: string): Promise<readonly CheckResult[]> {
  const { transport, writer, namespace } = world;
  return unlessForbidden('whether the operator runs', async () => {
    const found = await findWorkload(writer, { namespace, name });
    if (found === null)
      return [
        failed(`no StatefulSet or Deployment ${name} runs the operator`, `fist install --namespace ${namespace}`),
      ];
    const wanted = numberOf(objectOf(found.spec)['replicas'], 1);
    const ready = numberOf(objectOf(found.status)['readyReplicas'], 0);
    const what = `${found.kind} ${name}: ${ready} of ${wanted} replicas are ready`;
    const next = `${transport.kubectl} describe pods -n ${namespace} -l app.kubernetes.io/name=punching-fist`;
    if (wanted === 0) return [failed(`${what}: it is scaled down`, `scale it up; alerts are received by nobody`)];
    if (ready < wanted) return [failed(`${what}${await whyNotReady(world, name)}`, next)];
    return [ok(what), ...(await unlessForbidden('which replica leads', async () => [await checkLease(world, name)]))];
  });
}

/** What runs the operator of this name: a StatefulSet, else a Deployment; null where it was made by hand under another name. */
async function findWorkload(writer: Pick<KubeWriter, 'get'>, place: ObjectPlace): Promise<KubernetesObject | null> {
  return (await writer.get(kinds.statefulSet, place)) ?? writer.get(kinds.deployment, place);
}

/** What the operator of this name is started with; null = who asks may not look. Empty where it was made by hand under another name. */
export async function readArguments(
  writer: Pick<KubeWriter, 'get'>,
  place: ObjectPlace,
): Promise<readonly string[] | null> {
  const workload = await unlessRefused(() => findWorkload(writer, place), undefined);
  if (workload === undefined) return null;
  const { template } = (workload?.spec ?? {}) as unknown as {
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly args?: readonly string[] }[] } };
  };
  return (template?.spec?.containers ?? []).flatMap(({ args = [] }) => args);
}

/** What to do where {@link readArguments} answers null. */
export function whoLooks(namespace: string): string {
  return `check as somebody who may get statefulsets and deployments of ${namespace}`;
}

async function checkLease({ transport, writer, namespace }: WorkloadWorld, name: string): Promise<CheckResult> {
  const lease = await writer.get(kinds.lease, { namespace, name });
  const holder = objectOf(lease?.spec)['holderIdentity'];
  return typeof holder === 'string' && holder !== ''
    ? ok(`${holder.replace(/_[^_]*$/, '')} leads: it writes statuses and Events`)
    : failed(
        `nobody holds the Lease ${name}`,
        `${transport.kubectl} logs -n ${namespace} -l app.kubernetes.io/name=punching-fist`,
      );
}

/** What keeps its pods: a volume that is not bound, an image, a crash; nothing of what who asks may not look at. */
async function whyNotReady({ writer, namespace }: WorkloadWorld, name: string): Promise<string> {
  const list = (kind: ObjectKind) =>
    unlessRefused(() => writer.list(kind, namespace, { labelSelector: 'app.kubernetes.io/name=punching-fist' }), []);
  const claims = await list(kinds.persistentVolumeClaim);
  const unbound = claims.find(({ status }) => objectOf(status)['phase'] === 'Pending');
  if (unbound !== undefined) return `; its volume claim ${unbound.metadata.name} is not bound`;
  const pods = await list(kinds.pod);
  const reasons = pods.filter(({ metadata }) => metadata.name.startsWith(`${name}-`)).flatMap(reasonsOf);
  const [first] = reasons;
  return first === undefined ? '' : `; ${first}`;
}

function reasonsOf({ metadata, status }: KubernetesObject): readonly string[] {
  const { containerStatuses, conditions } = objectOf(status);
  const waiting = listOf(containerStatuses).map((each) => objectOf(objectOf(each['state'])['waiting'])['reason']);
  const unscheduled = listOf(conditions)
    .filter(({ type, status: is }) => type === 'PodScheduled' && is === 'False')
    .map(({ message }) => message);
  return [...waiting, ...unscheduled]
    .filter((reason) => typeof reason === 'string')
    .map((reason) => `pod ${metadata.name}: ${reason}`);
}

const defaultClass = 'storageclass.kubernetes.io/is-default-class';

/** Whether the volume of the database gets a disk: what is installed names no StorageClass. */
export async function checkStorage(writer: Pick<KubeWriter, 'list'>): Promise<CheckResult> {
  const [result] = await unlessForbidden('whether there is a default StorageClass', async () => {
    const classes = await writer.list(kinds.storageClass, null, {});
    const found = classes.find(({ metadata }) => metadata.annotations?.[defaultClass] === 'true');
    if (found !== undefined) return [ok(`the database's volume is of StorageClass ${found.metadata.name}`)];
    const which = classes.length === 0 ? 'there is no StorageClass' : 'no StorageClass is the default';
    return [
      failed(
        `${which}: the database's volume would never be there`,
        'make one the default, or take the chart with persistence.storageClass',
      ),
    ];
  });
  return result ?? skipped('whether there is a default StorageClass was not looked at', 'kubectl get storageclasses');
}

/** `instead` where who asks may not look. */
async function unlessRefused<T, U>(look: () => Promise<T>, instead: U): Promise<T | U> {
  return look().catch((thrown: unknown) => {
    if (toAppError(thrown).code === 'Forbidden') return instead;
    throw thrown;
  });
}

async function unlessForbidden(
  what: string,
  look: () => Promise<readonly CheckResult[]>,
): Promise<readonly CheckResult[]> {
  try {
    return await look();
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'Forbidden') throw thrown;
    return [skipped(`${what} cannot be said: ${thrown.message}`, thrown.next ?? 'look with more rights')];
  }
}

function numberOf(value: JsonValue | undefined, instead: number): number {
  return typeof value === 'number' ? value : instead;
}

function listOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}
