import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { stringify } from 'yaml';
import { lastLines, parseLogSections } from '../../src/kube/live/logs.ts';
import { resourceTypes } from '../../src/kube/kinds/resources.ts';
import type { ClusterResource } from '../../src/core/cluster.ts';

/** Paths with their texts. */
export type Files = Readonly<Record<string, string>>;

interface Captured {
  readonly lists: readonly {
    readonly resource: ClusterResource;
    readonly namespace: string | null;
    readonly items: readonly CapturedObject[];
  }[];
  readonly logs: readonly {
    readonly namespace: string;
    readonly pod: string;
    readonly container: string;
    readonly previous: boolean;
    readonly text: string;
  }[];
}
interface CapturedObject {
  readonly metadata: { readonly name: string };
}

/** All files below a folder. */
export function readFiles(folder: string): Files {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  return Object.fromEntries(
    paths.sort().map((path) => [relative('.', path), readFileSync(join(folder, path), 'utf8')]),
  );
}

/** Writes files, with their folders. */
export function writeFiles(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** What a folder as kubectl writes it has. */
export function readCaptured(files: Files): Captured {
  const lists = Object.entries(files).flatMap(([path, text]) => {
    const [, namespace = null, resource = ''] = /^(?:([^/]+)\/)?(\w+)\.json$/.exec(path) ?? [];
    if (!Object.hasOwn(resourceTypes, resource)) return [];
    const type = resourceTypes[resource as ClusterResource];
    const items = ((JSON.parse(text) as { items: CapturedObject[] | null }).items ?? []).map((item) => ({
      apiVersion: type.group === '' ? type.version : `${type.group}/${type.version}`,
      kind: type.kind,
      ...item,
    }));
    return [{ resource: resource as ClusterResource, namespace, items }];
  });
  const logs = Object.entries(files).flatMap(([path, text]) => {
    const [, namespace = '', pod = '', name] = /^([^/]+)\/([^/]+)\/(logs|previous)\.txt$/.exec(path) ?? [];
    return parseLogSections(text, namespace, pod).map((section) => ({
      namespace,
      pod,
      container: section.container,
      previous: name === 'previous',
      text: lastLines(section.text, 10_000),
    }));
  });
  return { lists, logs };
}

/** As `oc adm inspect` writes it: lists in YAML, nodes and volumes in files of their own, logs with times. */
export function mustGather({ lists, logs }: Captured): Files {
  const files: Record<string, string> = {};
  for (const { resource, namespace, items } of lists) {
    const group = resourceTypes[resource].group === '' ? 'core' : resourceTypes[resource].group;
    if (namespace !== null) {
      const list = { apiVersion: 'v1', items, kind: `${resourceTypes[resource].kind}List` };
      files[`namespaces/${namespace}/${group}/${resource}.yaml`] = `---\n${stringify(list, { indentSeq: false })}`;
      continue;
    }
    for (const item of items)
      files[`cluster-scoped-resources/${group}/${resource}/${item.metadata.name}.yaml`] = `---\n${stringify(item)}`;
  }
  for (const { namespace, pod, container, previous, text } of logs) {
    const name = previous ? 'previous' : 'current';
    files[`namespaces/${namespace}/pods/${pod}/${container}/${container}/logs/${name}.log`] = text
      .split('\n')
      .map((line) => (line === '' ? '' : `2026-11-23T18:00:00.123456789Z ${line}`))
      .join('\n');
  }
  return files;
}

/** As Troubleshoot writes it: arrays of items. */
export function supportBundle({ lists, logs }: Captured): Files {
  const folders: Readonly<Record<string, string>> = {
    persistentvolumeclaims: 'pvcs',
    persistentvolumes: 'pvs',
    storageclasses: 'storage-classes',
    ingresses: 'ingress',
    networkpolicies: 'network-policy',
    resourcequotas: 'resource-quota',
    poddisruptionbudgets: 'pod-disruption-budgets',
  };
  const files: Record<string, string> = {};
  for (const { resource, namespace, items } of lists) {
    const place = `cluster-resources/${folders[resource] ?? resource}${namespace === null ? '' : `/${namespace}`}`;
    files[`${place}.json`] = JSON.stringify(items, null, 2);
    files[`${place.split('/').slice(0, 2).join('/')}-errors.json`] ??= 'null';
  }
  for (const { namespace, pod, container, previous, text } of logs)
    files[`cluster-resources/pods/logs/${namespace}/${pod}/${container}${previous ? '-previous' : ''}.log`] = text;
  return files;
}

/** As `kubectl get ... -A -o yaml` prints it. */
export function oneList({ lists }: Captured): object {
  return {
    apiVersion: 'v1',
    items: lists.flatMap(({ items }) => items),
    kind: 'List',
    metadata: { resourceVersion: '' },
  };
}
