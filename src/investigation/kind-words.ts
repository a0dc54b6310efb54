import { kindResources } from '../analyzers/define.ts';
import type { ObjectKind } from '../analyzers/define.ts';

/** What people call kinds: their own name, the plural and the short one. */
const kinds: ReadonlyMap<string, ObjectKind> = new Map<string, ObjectKind>([
  ...Object.entries(kindResources)
    .filter(([kind]) => kind !== 'customresource')
    .flatMap(([kind, resource]) => [[resource, kind as ObjectKind] as const, [kind, kind as ObjectKind] as const]),
  ['po', 'pod'],
  ['deploy', 'deployment'],
  ['rs', 'replicaset'],
  ['sts', 'statefulset'],
  ['ds', 'daemonset'],
  ['cj', 'cronjob'],
  ['no', 'node'],
  ['ns', 'namespace'],
  ['cm', 'configmap'],
  ['sc', 'storageclass'],
  ['limits', 'limitrange'],
  ['netpol', 'networkpolicy'],
  ['svc', 'service'],
  ['pvc', 'persistentvolumeclaim'],
  ['pv', 'persistentvolume'],
  ['hpa', 'horizontalpodautoscaler'],
  ['pdb', 'poddisruptionbudget'],
  ['ing', 'ingress'],
  ['quota', 'resourcequota'],
]);

/** Groups of the kinds that are read, as kubectl prints them after the name, `deployment.apps`, with or without a version. */
const group =
  /\.(?:v\d+(?:(?:alpha|beta)\d+)?|(?:v\d+(?:(?:alpha|beta)\d+)?\.)?(?:apps|batch|autoscaling|policy|networking\.k8s\.io|storage\.k8s\.io))$/;

/** The kind that a word names, `Pod`, `pods`, `po`, `deployment.apps`; null where it names none that is looked at. */
export function kindOfWord(word: string): ObjectKind | null {
  return kinds.get(word.trim().toLowerCase().replace(group, '')) ?? null;
}
