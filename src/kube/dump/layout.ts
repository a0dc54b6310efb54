import type {
  CapturedFile,
  ClusterResource,
  KubernetesObject,
  LogQuery,
  ReadResult,
  RefusedRead,
  UsageQuery,
} from '../../core/cluster.ts';
import { AppError } from '../../core/errors.ts';
import { apiVersionOf, resourceTypes } from '../kinds/resources.ts';

/** A list of one resource, in one namespace where it is of namespaces. */
export type List =
  | {
      readonly kind: 'list';
      readonly items: readonly KubernetesObject[];
      /**
       * `whole`: what is not in it does not exist. `listed`: it came as a list, but nobody knows what was asked for, so an
       * object that is not in it was not captured. `single`: its objects came one by one, there may be others.
       */
      readonly extent: 'whole' | 'listed' | 'single';
    }
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Names of the namespaces; of those whose folder is refused, why. */
export interface Namespaces {
  readonly names: readonly string[];
  readonly refused: ReadonlyMap<string, string>;
}

/** How what was captured lies on the disk. */
export interface Layout {
  /** What it is called: `must-gather`. */
  readonly form: string;
  readonly namespaces: Namespaces;
  /** Of a namespace that is there, or (null) of the cluster. Throws ClusterUnavailable. */
  readList(resource: ClusterResource, namespace: string | null): Promise<List>;
  /** The newest time in such a list, which is not parsed for it; empty where it has none or cannot be read. */
  newestTime(resource: ClusterResource, namespace: string | null): Promise<string>;
  /** What pods of a namespace that is there, or nodes, used. Absent: this form has no place for it. Throws ClusterUnavailable. */
  readonly readUsage?: (query: UsageQuery) => Promise<List>;
  /** Of a namespace that is there. Throws ClusterUnavailable. */
  readLog(query: LogQuery): Promise<ReadResult<string>>;
  /** How what is missing gets into the next capture. */
  remedyFor(resource: RefusedRead['resource'], namespace: string | null): string;
  /** JSON files of a folder beside the lists; those that are refused (dump-files.ts) are left out. Empty where there is none. */
  beside(folder: string): Promise<readonly CapturedFile[]>;
  /** The time of what has no time in it. */
  changedMs(): Promise<number>;
}

/** What an option gives to tests, which do not write hundreds of megabytes. */
export interface DumpLimits {
  /** A larger list is refused: it would not fit into memory as JSON. */
  readonly maxListBytes: number;
  /** Of the logs of a pod the end is read: what kubectl writes without `--tail` is more than anybody looks at. */
  readonly maxLogBytes: number;
}

/** A read that was not answered. */
export function notCaptured(reason: string): { readonly kind: 'not_captured'; readonly reason: string } {
  return { kind: 'not_captured', reason };
}

/** A name from elsewhere, bounded. */
export function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

/** The error of what cannot be read as a captured cluster. */
export function unavailable(message: string, cause?: unknown): AppError {
  const next = 'kubectl cluster-info dump --all-namespaces --output-directory DIR, then give that DIR';
  return new AppError('ClusterUnavailable', message, {
    next,
    retryable: false,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Items of a typed list (`PodList`) carry no type of their own. */
export function withType(object: KubernetesObject, resource: ClusterResource): KubernetesObject {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  const type = resourceTypes[resource];
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}
