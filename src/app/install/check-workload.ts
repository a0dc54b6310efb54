import type { KubernetesObject } from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { objectOf } from '../../core/json.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { kinds } from '../../kube/kinds.ts';
import type { KubeTransport } from '../../kube/transport.ts';
import type { KubeWriter } from '../../kube/writer.ts';
import type { Finding } from '../preflight.ts';
import { failed, ok, skipped } from './findings.ts';

interface WorkloadWorld {
  readonly transport: Pick<KubeTransport, 'kubectl'>;
  readonly writer: Pick<KubeWriter, 'get' | 'list'>;
  readonly namespace: string;
}

/** Whether the operator of this name runs: its replicas are ready, and one of them leads. Why not, where the cluster says it. */
export async function checkWorkload(world: WorkloadWorld, name: string): Promise<readonly Finding[]> {
  const { transport, writer, namespace } = world;
  return unlessForbidden('whether the operator runs', async () => {
    const place = { namespace, name };
    const found = (await writer.get(kinds.statefulSet, place)) ?? (await writer.get(kinds.deployment, place));
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
    return [ok(what), await checkLease(world, name)];
  });
}

async function checkLease({ transport, writer, namespace }: WorkloadWorld, name: string): Promise<Finding> {
  const lease = await writer.get(kinds.lease, { namespace, name });
  const holder = objectOf(lease?.spec)['holderIdentity'];
  return typeof holder === 'string' && holder !== ''
    ? ok(`${holder.replace(/_[^_]*$/, '')} leads: it writes statuses and Events`)
    : failed(
        `nobody holds the Lease ${name}`,
        `${transport.kubectl} logs -n ${namespace} -l app.kubernetes.io/name=punching-fist`,
      );
}

/** What keeps its pods: a volume that is not bound, an image, a crash. */
async function whyNotReady({ writer, namespace }: WorkloadWorld, name: string): Promise<string> {
  const labelSelector = 'app.kubernetes.io/name=punching-fist';
  const claims = await writer.list(kinds.persistentVolumeClaim, namespace, { labelSelector });
  const unbound = claims.find(({ status }) => objectOf(status)['phase'] === 'Pending');
  if (unbound !== undefined) return `; its volume claim ${unbound.metadata.name} is not bound`;
  const pods = await writer.list(kinds.pod, namespace, { labelSelector });
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
export async function checkStorage(writer: Pick<KubeWriter, 'list'>): Promise<Finding> {
  const [finding] = await unlessForbidden('whether there is a default StorageClass', async () => {
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
  return finding ?? skipped('whether there is a default StorageClass was not looked at', 'kubectl get storageclasses');
}

async function unlessForbidden(what: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
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
