import type { Cluster, ClusterResource, KubernetesObject, ReadResult, UsageQuery } from '../../src/core/cluster.ts';
import type { Timestamp } from '../../src/core/time.ts';

export type Objects = Partial<Record<ClusterResource, readonly object[]>>;

export interface MemoryCluster extends Cluster {
  /** What was asked for, in order: `get pods shop/web-1`, `list events shop`, `logs shop/web-1/app previous`. */
  readonly asked: string[];
}

export interface MemoryOptions {
  readonly now?: Timestamp;
  /** Whether it is a captured one. */
  readonly isRecorded?: boolean;
  /** What is said of clocks that did not count. */
  readonly ahead?: readonly string[];
  /** PodMetrics and NodeMetrics; absent: the cluster cannot be asked for them. */
  readonly usage?: Partial<Record<'pods' | 'nodes', readonly object[]>>;
  /** By `namespace/pod/container` and `namespace/pod/container previous`. */
  readonly logs?: Readonly<Record<string, string>>;
  /** Answers instead of the objects, by what is asked (a part of it is enough); an Error is thrown. */
  readonly instead?: Readonly<Record<string, ReadResult<never> | Error>>;
}

/** A cluster made of objects: whatever is not there is absent, whatever log is not there was not captured. */
export function memoryCluster(objects: Objects, options: MemoryOptions = {}): MemoryCluster {
  const asked: string[] = [];
  const intercept = (question: string): ReadResult<never> | null => {
    asked.push(question);
    const answer = Object.entries(options.instead ?? {}).find(([part]) => question.includes(part))?.[1];
    if (answer instanceof Error) throw answer;
    return answer ?? null;
  };
  const all = (resource: ClusterResource): readonly KubernetesObject[] =>
    (objects[resource] ?? []) as readonly KubernetesObject[];
  return {
    asked,
    description: 'memory',
    isRecorded: options.isRecorded ?? false,
    async get(resource, namespace, name) {
      const value = all(resource).find(
        (object) => object.metadata.name === name && (namespace === null || object.metadata.namespace === namespace),
      );
      return intercept(`get ${resource} ${namespace ?? ''}/${name}`) ?? { kind: 'ok', value: value ?? null };
    },
    async list({ resource, namespace }) {
      const value = all(resource).filter(
        (object) => namespace === undefined || object.metadata.namespace === namespace,
      );
      return intercept(`list ${resource} ${namespace ?? ''}`) ?? { kind: 'ok', value };
    },
    async logs({ namespace, pod, container, previous }) {
      const key = `${namespace}/${pod}/${container}${previous ? ' previous' : ''}`;
      const text = options.logs?.[key];
      return (
        intercept(`logs ${key}`) ??
        (text === undefined ? { kind: 'not_captured', reason: 'no such log' } : { kind: 'ok', value: text })
      );
    },
    ...(options.usage === undefined
      ? {}
      : {
          usage: async ({ of, namespace }: UsageQuery) => {
            const value = ((options.usage?.[of] ?? []) as readonly KubernetesObject[]).filter(
              ({ metadata }) => namespace === null || metadata.namespace === namespace,
            );
            return intercept(`usage of ${of} ${namespace ?? ''}`) ?? ({ kind: 'ok', value } as const);
          },
        }),
    observedAt: async () => ({ at: options.now ?? '2026-01-01T12:00:00.000Z', ahead: options.ahead ?? [] }),
  };
}

/** A pod as the API writes it, with one container `app` unless the parts say otherwise. */
export function podObject(
  name: string,
  parts: { readonly meta?: object; readonly spec?: object; readonly status?: object; readonly state?: object } = {},
): object {
  return {
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, creationTimestamp: '2026-01-01T11:00:00Z', ...parts.meta },
    spec: {
      nodeName: 'n1',
      restartPolicy: 'Always',
      containers: [
        {
          name: 'app',
          image: 'registry.example.com/app:1',
          resources: { limits: { memory: '256Mi' }, requests: { memory: '128Mi' } },
        },
      ],
      ...parts.spec,
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: parts.state === undefined ? 'True' : 'False' }],
      containerStatuses: [
        { name: 'app', ready: parts.state === undefined, restartCount: 0, state: { running: {} }, ...parts.state },
      ],
      ...parts.status,
    },
  };
}

export function eventObject(
  about: { readonly kind: string; readonly name: string },
  reason: string,
  message: string,
  extra: object = {},
): object {
  return {
    metadata: { name: `${about.name}.${reason}`, namespace: 'shop' },
    involvedObject: { namespace: 'shop', ...about },
    type: 'Warning',
    reason,
    message,
    count: 3,
    firstTimestamp: '2026-01-01T11:30:00Z',
    lastTimestamp: '2026-01-01T11:59:00Z',
    ...extra,
  };
}
