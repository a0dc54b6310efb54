import type { Catalog, CatalogSink, CatalogWorkflow } from './catalog.ts';
import type { ObjectPlace } from './place.ts';
import { fullName } from './run.ts';

// References from one namespace to another. The object that is referred to says who may; nobody is told whether there is one that does not.

/** What an object of the namespace `from` means by `name` or `namespace/name`. */
export function placeOf(reference: string, from: string): ObjectPlace {
  const slash = reference.indexOf('/');
  if (slash === -1) return { namespace: from, name: reference };
  return { namespace: reference.slice(0, slash), name: reference.slice(slash + 1) };
}

/** How an object of the namespace `from` names it, in the one form that plans, groups and keys have: without its own namespace. */
export function referenceTo({ namespace, name }: ObjectPlace, from: string): string {
  return namespace === from ? name : `${namespace}/${name}`;
}

/** Stands for every namespace in a grant. */
export const everyNamespace = '*';

/** Whether objects of the namespace `from` may refer to it. */
export function isOpenTo(
  { namespace, accessFrom }: Pick<CatalogSink, 'namespace' | 'accessFrom'>,
  from: string,
): boolean {
  return namespace === from || accessFrom.includes(from) || accessFrom.includes(everyNamespace);
}

/** The Workflow that a reference of the namespace `from` stands for; undefined where there is none, or it is not granted. */
export function workflowFor(
  catalog: Pick<Catalog, 'workflow'>,
  from: string,
  reference: string,
): CatalogWorkflow | undefined {
  const { namespace, name } = placeOf(reference, from);
  const workflow = catalog.workflow(namespace, name);
  return workflow !== undefined && isOpenTo(workflow, from) ? workflow : undefined;
}

/** As {@link workflowFor}, for a Sink. */
export function sinkFor(catalog: Pick<Catalog, 'sink'>, from: string, reference: string): CatalogSink | undefined {
  const { namespace, name } = placeOf(reference, from);
  const sink = catalog.sink(namespace, name);
  return sink !== undefined && isOpenTo(sink, from) ? sink : undefined;
}

/**
 * Where deliveries to these Sinks belong: to the Sink, in its namespace. One to a Sink of another namespace that does not grant it
 * stays in `from`, under the reference as its name, so that nothing of it is written where nobody asked for it.
 */
export function sinkPlaces(
  catalog: Pick<Catalog, 'sink'>,
  from: string,
  references: readonly string[],
): readonly ObjectPlace[] {
  return references.map((reference) => {
    const place = placeOf(reference, from);
    const isElsewhere = place.namespace !== from && sinkFor(catalog, from, reference) === undefined;
    return isElsewhere ? { namespace: from, name: reference } : place;
  });
}

/** That there is none; of another namespace the same words for one that is not there and for one that does not grant it. */
export function absence(kind: 'Workflow' | 'Sink', place: ObjectPlace, from: string): string {
  const title = `there is no ${kind} ${fullName(place)}`;
  return place.namespace === from ? title : `${title} that grants namespace ${from}`;
}

/** Who has to do what so that {@link absence} ends; null where it is the reader's own namespace. */
export function grantNeeded(kind: 'Workflow' | 'Sink', { namespace }: ObjectPlace, from: string): string | null {
  if (namespace === from) return null;
  return `who owns ${kind}s of namespace ${namespace} grants it with spec.accessFrom: {namespaces: [${from}]}`;
}

/** Both in one text: {@link absence}, and {@link grantNeeded} where somebody has to grant it. */
export function explainAbsence(kind: 'Workflow' | 'Sink', place: ObjectPlace, from: string): string {
  const needed = grantNeeded(kind, place, from);
  return `${absence(kind, place, from)}${needed === null ? '' : `; ${needed}`}`;
}
