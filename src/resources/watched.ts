import { objectTitle } from './object.ts';
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

/** What the Sources of a file or folder watch, as far as they are valid. Throws InvalidInput where it cannot be read. */
export function watchedResources(path: string): readonly WatchedResource[] {
  return readResources(path)
    .objects.filter(({ kind }) => kind === 'Source')
    .flatMap((object) => {
      const { accepted } = checkSource(object.spec);
      if (accepted?.spec.type !== 'kubernetes') return [];
      const { resource, namespace } = accepted.config;
      const where = typeof namespace === 'string' ? namespace : null;
      return typeof resource === 'string' ? [{ source: objectTitle(object), resource, namespace: where }] : [];
    });
}

/** The Sinks of a file or folder that make Events in a cluster, as far as they are valid: `Sink default/events`. Throws InvalidInput where it cannot be read. */
export function eventSinks(path: string): readonly string[] {
  return readResources(path)
    .objects.filter(({ kind, spec }) => kind === 'Sink' && checkSink(spec).accepted?.spec.type === 'kubernetes-event')
    .map(objectTitle);
}
