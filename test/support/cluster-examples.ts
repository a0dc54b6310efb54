import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ResourceKind } from '../../src/resources/object.ts';
import { secretNames } from '../../src/resources/secret-references.ts';
import { repositoryRoot } from './processes.ts';

/** A Source, Workflow or Sink of examples/. */
export interface DeclaredExample {
  readonly apiVersion: string;
  readonly kind: ResourceKind;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: { readonly type?: string; readonly config?: Readonly<Record<string, unknown>> };
}

/** Files of objects below `folder`; those of recorded clusters are none. */
function exampleFiles(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory())
      return ['dump', 'eval', 'answers', 'alerts'].includes(name) ? [] : exampleFiles(path);
    return name.endsWith('.yaml') ? [path] : [];
  });
}

/**
 * Each file in a namespace of its own, for many have the same names; one with several namespaces in those. Paths of webhooks are those of the whole server, and nothing is to be
 * asked on the Internet: these two are changed, and nothing else.
 */
export function examplesForCluster(root = `${repositoryRoot}examples`): readonly DeclaredExample[] {
  return exampleFiles(root).flatMap((file) => {
    const place = file.slice(root.length + 1).replace(/\.yaml$/, '');
    const own = place.endsWith('/resources') || place.endsWith('/source') ? dirname(place) : place;
    const namespace = `example-${own.replaceAll('/', '-')}`;
    const declared = parseAllDocuments(readFileSync(file, 'utf8')).map(
      (document) => document.toJS() as DeclaredExample,
    );
    const isOfSeveral = new Set(declared.map(({ metadata }) => metadata.namespace)).size > 1;
    return declared.map((object) => {
      const { config = {}, type } = object.spec;
      const path =
        typeof config['path'] === 'string'
          ? { path: `${namespace}/${config['path'].replace(/^\/?webhook\//, '')}` }
          : {};
      const endpoint = type === 'chat' ? { endpoint: 'http://127.0.0.1:9' } : {};
      const changed = object.kind === 'Source' ? { config: { ...config, ...path, ...endpoint } } : {};
      const metadata = isOfSeveral ? object.metadata : { ...object.metadata, namespace };
      return { ...object, metadata, spec: { ...object.spec, ...changed } };
    });
  });
}

/** The Secrets that these objects name, with a key of every name that they ask for. */
export function secretsOf(objects: readonly DeclaredExample[]): readonly object[] {
  const named = new Map<string, object>();
  for (const { kind, metadata, spec } of objects) {
    for (const name of secretNames(kind, spec)) {
      const { namespace } = metadata;
      const isUrl = name.endsWith('-webhook');
      const value = isUrl
        ? 'http://127.0.0.1:9/hook'
        : `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
      const stringData = isUrl ? { url: value } : { token: value, username: 'fist', password: value, previous: value };
      named.set(`${namespace}/${name}`, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, namespace },
        stringData,
      });
    }
  }
  return [...named.values()];
}
