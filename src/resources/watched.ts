import { objectTitle } from './object.ts';
import type { ResourceObject } from './object.ts';
import { checkSink } from './check-sink.ts';
import { checkSource } from './check-source.ts';
import { readResources } from './read.ts';

/** What a Source watches in a cluster. */
export interface WatchedResource {
  /** `Source default/cluster`. */
  readonly source: string;
  readonly resource: string;
  /** null = in all. */
  readonly namespace: string | null;
}

/** What the resources of a file or folder do in a cluster, as far as they are valid. */
export interface ClusterUse {
  /** What Sources watch. */
  readonly watched: readonly WatchedResource[];
  /** Sinks that make Events: `Sink default/events`. */
  readonly eventSinks: readonly string[];
}

/** Throws InvalidInput where the path cannot be read. */
export function clusterUse(path: string): ClusterUse {
  const { objects } = readResources(path);
  return {
    watched: objects.filter(({ kind }) => kind === 'Source').flatMap(watchedBy),
    eventSinks: objects
      .filter(({ kind, spec }) => kind === 'Sink' && checkSink(spec).accepted?.spec.type === 'kubernetes-event')
      .map(objectTitle),
  };
}

function watchedBy(object: ResourceObject): readonly WatchedResource[] {
  const { accepted } = checkSource(object.spec);
  if (accepted?.spec.type !== 'kubernetes') return [];
  const { resource, namespace } = accepted.config;
  const where = typeof namespace === 'string' ? namespace : null;
  return typeof resource === 'string' ? [{ source: objectTitle(object), resource, namespace: where }] : [];
}
