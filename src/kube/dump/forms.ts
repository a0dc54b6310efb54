import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isKubernetesName } from '../../core/cluster.ts';
import type { ClusterResource, LogQuery, UsageQuery } from '../../core/cluster.ts';
import { dumpFolders } from './dump-files.ts';
import type { Layout, Namespaces } from './layout.ts';
import { getCommand } from '../connection/remedies.ts';
import { resourceNames, resourceTypes } from '../kinds/resources.ts';

/** A path below the folder. */
export type Parts = readonly string[];

/** Where a tool that captures clusters puts things. Names in queries are those of Kubernetes. */
export interface Form {
  readonly name: string;
  /** Whether several folders beside each other are parts of one capture. */
  readonly hasParts: boolean;
  /** What it is called where it is not one, and what is missing, for people. */
  readonly called: string;
  readonly marks: string;
  /** Whether a folder is one. */
  isAt(root: string): Promise<boolean>;
  namespaces(root: string): Promise<Namespaces>;
  /** Files that have the whole list; the first that is there counts. */
  lists(resource: ClusterResource, namespace: string | null): readonly Parts[];
  /** Where no list is: folders with a file for each object; for a name in it the path of the file, or null. */
  objects(
    resource: ClusterResource,
    namespace: string | null,
  ): readonly { readonly parts: Parts; fileOf(name: string): Parts | null }[];
  /** Files that have the log; the first that is there counts. */
  logs(query: LogQuery): readonly Parts[];
  /** File of what pods of a namespace, or nodes, used; absent: such captures have none. */
  readonly usage?: (query: UsageQuery) => Parts;
  /** How what is missing gets into the next capture. */
  readonly remedyFor: Layout['remedyFor'];
  /** One container in a file, or sections as kubectl writes them (logs.ts). */
  readonly logText: 'plain' | 'sections';
}

const endings = ['json', 'yaml'] as const;
const bothOf = (parts: Parts, name: string): readonly Parts[] => endings.map((end) => [...parts, `${name}.${end}`]);

/** `kubectl cluster-info dump --output-directory`, and what `fist capture` writes. */
const kubectl: Form = {
  name: 'dump',
  hasParts: false,
  called: 'cluster dump',
  marks: "it has neither nodes.json nor a folder with a namespace's lists",
  isAt: async (root) => {
    const { names } = await kubectl.namespaces(root);
    return names.length > 0 || (await readdir(root)).some((name) => /^nodes\.(?:json|yaml)$/.test(name));
  },
  namespaces: async (root) => {
    const names: string[] = [];
    const refused = new Map<string, string>();
    for (const [name, { refusal }] of await dumpFolders(root)) {
      if (refusal !== null) refused.set(name, refusal);
      else if ((await readdir(join(root, name))).some(isListOfNamespace)) names.push(name);
    }
    return { names, refused };
  },
  lists: (resource, namespace) => bothOf(namespace === null ? [] : [namespace], resource),
  objects: () => [],
  usage: usageFile,
  remedyFor: (resource, namespace) => {
    const place = resource === 'pods/log' ? [namespace, 'POD', 'logs.txt'] : [namespace, `${resource}.json`];
    const file = place.filter((part) => part !== null).join('/');
    return `capture it with fist capture, or add ${getCommand(resource, namespace)} as ${file}`;
  },
  logs: ({ namespace, pod, previous }) => [[namespace, pod, previous ? 'previous.txt' : 'logs.txt']],
  logText: 'sections',
};

/** Where a capture keeps what was used: `shop/podmetrics.json`, `nodemetrics.json`. */
export function usageFile({ of, namespace }: UsageQuery): Parts {
  return of === 'nodes' || namespace === null ? ['nodemetrics.json'] : [namespace, 'podmetrics.json'];
}

function isListOfNamespace(file: string): boolean {
  const resource = /^(\w+)\.(?:json|yaml)$/.exec(file)?.[1] ?? '';
  return Object.hasOwn(resourceTypes, resource) && resourceTypes[resource as ClusterResource].namespaced;
}

const groupOf = (resource: ClusterResource): string =>
  resourceTypes[resource].group === '' ? 'core' : resourceTypes[resource].group;

/** `oc adm must-gather` and `oc adm inspect` (openshift/oc, pkg/cli/admin/inspect). */
const mustGather: Form = {
  name: 'must-gather',
  hasParts: true,
  called: 'must-gather',
  marks: 'it has neither cluster-scoped-resources nor namespaces/NAME/core',
  isAt: async (root) => {
    if ((await foldersIn(root)).includes('cluster-scoped-resources')) return true;
    return (await mustGather.namespaces(root)).names.length > 0;
  },
  namespaces: async (root) => {
    const names: string[] = [];
    const refused = new Map<string, string>();
    if (!(await foldersIn(root)).includes('namespaces')) return { names, refused };
    for (const [name, { refusal }] of await dumpFolders(join(root, 'namespaces'))) {
      if (refusal !== null) refused.set(name, `namespaces/${refusal}`);
      else if ((await readdir(join(root, 'namespaces', name))).some((entry) => isOfInspect(entry, name)))
        names.push(name);
    }
    return { names, refused };
  },
  lists: (resource, namespace) => {
    if (namespace === null) return bothOf(['cluster-scoped-resources', groupOf(resource)], resource).toReversed();
    const folder = ['namespaces', namespace];
    return [...bothOf([...folder, groupOf(resource)], resource).toReversed(), ...bothOf(folder, resource).toReversed()];
  },
  objects: (resource, namespace) => {
    const direct = { fileOf: objectFile };
    if (namespace !== null) {
      const folder = ['namespaces', namespace];
      const ofPods = { parts: [...folder, 'pods'], fileOf: (name: string) => nested(name) };
      const ofGroup = { parts: [...folder, groupOf(resource), resource], ...direct };
      return resource === 'pods' ? [ofGroup, ofPods] : [ofGroup];
    }
    const ofCluster = { parts: ['cluster-scoped-resources', groupOf(resource), resource], ...direct };
    return resource === 'namespaces' ? [ofCluster, { parts: ['namespaces'], fileOf: nested }] : [ofCluster];
  },
  remedyFor: (resource, namespace) => {
    const isOfCluster = namespace === null || (resource !== 'pods/log' && !resourceTypes[resource].namespaced);
    return `inspect it too: oc adm inspect ${isOfCluster ? resource : `ns/${namespace}`}`;
  },
  logs: ({ namespace, pod, container, previous }) => {
    const name = previous ? 'previous' : 'current';
    const folder = ['namespaces', namespace, 'pods', pod, container, container, 'logs'];
    return [`${name}.log`, `${name}.insecure.log`].map((file) => [...folder, file]);
  },
  logText: 'plain',
};

const isOfInspect = (entry: string, namespace: string): boolean =>
  ['core', 'apps', 'batch', 'pods', `${namespace}.yaml`].includes(entry);
const objectFile = (name: string): Parts | null => (/^[a-z0-9].*\.(?:yaml|json)$/.test(name) ? [name] : null);
/** `web-1/web-1.yaml`. */
const nested = (name: string): Parts | null => (isKubernetesName(name) ? [name, `${name}.yaml`] : null);

/** Folders of a support bundle that are not called as the resource is. */
const bundleFolders: Partial<Readonly<Record<ClusterResource, string>>> = {
  ingresses: 'ingress',
  networkpolicies: 'network-policy',
  resourcequotas: 'resource-quota',
  poddisruptionbudgets: 'pod-disruption-budgets',
  persistentvolumeclaims: 'pvcs',
  persistentvolumes: 'pvs',
  storageclasses: 'storage-classes',
};
const bundleFolder = 'cluster-resources';

/** A support bundle of Troubleshoot (replicatedhq/troubleshoot, pkg/constants, pkg/collect/cluster_resources.go). */
const supportBundle: Form = {
  name: 'support bundle',
  hasParts: false,
  called: 'support bundle',
  marks: 'it has no cluster-resources with pods or nodes.json',
  isAt: async (root) => {
    if (!(await foldersIn(root)).includes(bundleFolder)) return false;
    const names = await readdir(join(root, bundleFolder));
    // Else it is the folder of a namespace of this name.
    return (
      !names.includes('pods.json') &&
      ['pods', 'events', 'nodes.json', 'namespaces.json'].some((name) => names.includes(name))
    );
  },
  namespaces: async (root) => {
    const names = new Set<string>();
    for (const resource of resourceNames.filter((one) => resourceTypes[one].namespaced)) {
      const folder = join(root, bundleFolder, bundleFolders[resource] ?? resource);
      for (const file of await readdir(folder).catch(() => [])) {
        const name = /^(.+)\.json$/.exec(file)?.[1] ?? '';
        if (isKubernetesName(name)) names.add(name);
      }
    }
    return { names: [...names], refused: new Map() };
  },
  lists: (resource, namespace) => {
    const folder = bundleFolders[resource] ?? resource;
    return namespace === null ? [[bundleFolder, `${folder}.json`]] : [[bundleFolder, folder, `${namespace}.json`]];
  },
  objects: () => [],
  remedyFor: (resource, namespace) =>
    resource === 'pods/log'
      ? `collect it too: the collector logs with the namespace ${namespace ?? ''}`
      : `collect it too: the collector clusterResources${namespace === null ? '' : ` with the namespace ${namespace}`}`,
  logs: ({ namespace, pod, container, previous }) => [
    [bundleFolder, 'pods', 'logs', namespace, pod, `${container}${previous ? '-previous' : ''}.log`],
  ],
  logText: 'plain',
};

/** All forms of folders, in the order in which they are tried. */
export const forms: readonly Form[] = [supportBundle, mustGather, kubectl];

/** Names of the real folders in a folder; none where it cannot be read. */
export async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
