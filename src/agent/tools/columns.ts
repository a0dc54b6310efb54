import type { ObjectKind } from '../../analyzers/define.ts';
import { containersOf } from '../../analyzers/pods/pod-status.ts';
import { aboutOf, eventView } from '../../analyzers/reading/events.ts';
import { conditionOf, listAt, mapAt, numberAt, textAt, timeAt } from '../../analyzers/reading/fields.ts';
import { labelText } from '../../analyzers/reading/selectors.ts';
import { replicasOf } from '../../analyzers/reading/replicas.ts';
import { templateSpec } from '../../analyzers/pods/placement.ts';
import type { ClusterResource, KubernetesObject } from '../../core/cluster.ts';
import { durationText, toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';

/** A column of a list beside name and age. */
type Column = readonly [heading: string, cell: (object: KubernetesObject) => string];

const text =
  (...path: readonly (string | number)[]) =>
  (object: KubernetesObject): string =>
    textAt(object, ...path) || '-';
const number =
  (...path: readonly (string | number)[]) =>
  (object: KubernetesObject): string =>
    String(numberAt(object, ...path) ?? '-');

const replicas = (kind: ObjectKind): readonly Column[] => [
  ['READY', (object) => `${replicasOf({ kind, object }).ready}/${replicasOf({ kind, object }).wanted}`],
  ['UPDATED', (object) => String(replicasOf({ kind, object }).updated)],
  ['IMAGES', imagesOf],
];

/** Columns of each resource; one that is not here has a name and an age. */
const columns: Partial<Record<ClusterResource, readonly Column[]>> = {
  pods: [
    ['READY', readyContainers],
    ['STATUS', podStatus],
    ['RESTARTS', (pod) => String(containersOf(pod).reduce((sum, { restarts }) => sum + restarts, 0))],
    ['NODE', text('spec', 'nodeName')],
  ],
  deployments: replicas('deployment'),
  replicasets: replicas('replicaset'),
  statefulsets: replicas('statefulset'),
  daemonsets: replicas('daemonset'),
  nodes: [
    ['STATUS', nodeStatus],
    ['VERSION', text('status', 'nodeInfo', 'kubeletVersion')],
  ],
  namespaces: [['STATUS', text('status', 'phase')]],
  services: [
    ['TYPE', text('spec', 'type')],
    ['CLUSTER-IP', text('spec', 'clusterIP')],
    [
      'PORTS',
      (service) =>
        listAt(service, 'spec', 'ports')
          .map((port) => `${numberAt(port, 'port') ?? ''}`)
          .join(','),
    ],
    ['SELECTOR', (service) => labelText(mapAt(service, 'spec', 'selector'))],
  ],
  endpointslices: [
    [
      'ADDRESSES',
      (slice) =>
        listAt(slice, 'endpoints')
          .flatMap((one) => listAt(one, 'addresses'))
          .join(',') || '-',
    ],
  ],
  jobs: [
    [
      'STATUS',
      (job) =>
        ['Complete', 'Failed', 'Suspended'].find((type) => conditionOf(job, type)?.status === 'True') ?? 'Running',
    ],
    ['SUCCEEDED', number('status', 'succeeded')],
    ['FAILED', number('status', 'failed')],
  ],
  cronjobs: [
    ['SCHEDULE', text('spec', 'schedule')],
    ['SUSPENDED', (job) => String(job.spec?.['suspend'] === true)],
    ['LAST', text('status', 'lastScheduleTime')],
  ],
  horizontalpodautoscalers: [
    [
      'TARGET',
      (object) =>
        `${textAt(object, 'spec', 'scaleTargetRef', 'kind')}/${textAt(object, 'spec', 'scaleTargetRef', 'name')}`,
    ],
    ['MIN', number('spec', 'minReplicas')],
    ['MAX', number('spec', 'maxReplicas')],
    ['CURRENT', number('status', 'currentReplicas')],
    ['DESIRED', number('status', 'desiredReplicas')],
  ],
  persistentvolumeclaims: [
    ['STATUS', text('status', 'phase')],
    ['VOLUME', text('spec', 'volumeName')],
    ['CAPACITY', text('status', 'capacity', 'storage')],
    ['CLASS', text('spec', 'storageClassName')],
  ],
  persistentvolumes: [
    ['STATUS', text('status', 'phase')],
    ['CAPACITY', text('spec', 'capacity', 'storage')],
    [
      'CLAIM',
      (volume) => `${textAt(volume, 'spec', 'claimRef', 'namespace')}/${textAt(volume, 'spec', 'claimRef', 'name')}`,
    ],
    ['CLASS', text('spec', 'storageClassName')],
  ],
  storageclasses: [['PROVISIONER', text('provisioner')]],
  ingresses: [
    ['CLASS', text('spec', 'ingressClassName')],
    [
      'HOSTS',
      (ingress) =>
        listAt(ingress, 'spec', 'rules')
          .map((rule) => textAt(rule, 'host') || '*')
          .join(','),
    ],
  ],
  configmaps: [['KEYS', (map) => Object.keys({ ...mapAt(map, 'data'), ...mapAt(map, 'binaryData') }).join(',') || '-']],
  events: [
    ['TYPE', text('type')],
    ['REASON', text('reason')],
    ['OBJECT', (event) => `${textAt(aboutOf(event), 'kind').toLowerCase()}/${textAt(aboutOf(event), 'name')}`],
    ['COUNT', (event) => String(eventView(event).count)],
    ['MESSAGE', (event) => eventView(event).message],
  ],
};

/** Headings and rows of a list; with the namespace where objects of several are shown. */
export function rowsOf(
  resource: ClusterResource,
  objects: readonly KubernetesObject[],
  now: Timestamp,
  withNamespace: boolean,
): { readonly headings: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const own = columns[resource] ?? [];
  const place = withNamespace ? ['NAMESPACE'] : [];
  return {
    headings: [...place, 'NAME', 'AGE', ...own.map(([heading]) => heading)],
    rows: objects.map((object) => [
      ...(withNamespace ? [object.metadata.namespace ?? '-'] : []),
      object.metadata.name,
      ageOf(object, now),
      ...own.map(([, cell]) => cell(object).replace(/\s+/g, ' ')),
    ]),
  };
}

function ageOf(object: KubernetesObject, now: Timestamp): string {
  const since = timeAt(object, 'metadata', 'creationTimestamp');
  return since === null ? '-' : durationText(toEpochMs(now) - toEpochMs(since));
}

function readyContainers(pod: KubernetesObject): string {
  const own = containersOf(pod).filter(({ init }) => !init);
  return `${own.filter(({ ready }) => ready).length}/${own.length}`;
}

/** As kubectl words it: what a container waits for, or how it ended, before the phase. */
function podStatus(pod: KubernetesObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  const stuck = containersOf(pod).find(
    ({ waiting, terminated }) => waiting !== null || (terminated?.exitCode ?? 0) !== 0,
  );
  const why = stuck?.waiting?.reason ?? stuck?.terminated?.reason ?? '';
  return `${stuck?.init === true && why !== '' ? 'Init:' : ''}${why || textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase') || '-'}`;
}

function nodeStatus(node: KubernetesObject): string {
  const ready = { True: 'Ready', False: 'NotReady' }[conditionOf(node, 'Ready')?.status ?? ''] ?? 'Unknown';
  return node.spec?.['unschedulable'] === true ? `${ready},SchedulingDisabled` : ready;
}

function imagesOf(object: KubernetesObject): string {
  return (
    listAt(templateSpec(object), 'containers')
      .map((one) => textAt(one, 'image'))
      .join(',') || '-'
  );
}
