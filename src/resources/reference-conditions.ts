import { absence, grantNeeded, placeOf, sinkFor, workflowFor } from '../core/access.ts';
import type { Catalog, Condition } from '../core/catalog.ts';
import type { ObjectPlace } from '../core/place.ts';

/** Sinks that a Workflow names and that cannot be told. Runs go on without them. */
export function sinkConditions(
  catalog: Pick<Catalog, 'sink'>,
  namespace: string,
  sinks: readonly string[],
): readonly Condition[] {
  const missing = sinks.filter((sink) => sinkFor(catalog, namespace, sink) === undefined);
  const places = missing.map((sink) => placeOf(sink, namespace));
  const here = places.filter((place) => place.namespace === namespace);
  const refused = places.filter((place) => place.namespace !== namespace);
  const unresolved = (reason: string, message: string): Condition => {
    return { type: 'SinksResolved', status: 'False', reason, message };
  };
  const names = here.map(({ name }) => `${namespace}/${name}`).join(', ');
  return [
    ...(here.length === 0
      ? []
      : [
          unresolved('SinkNotFound', `there is no Sink ${names}; deliveries to it are tried for a while and then fail`),
        ]),
    ...refused.map((place) =>
      unresolved('ReferenceNotGranted', `${refusalText('Sink', place, namespace)}; deliveries to it fail`),
    ),
  ];
}

/** Why a Source's Workflow cannot run. Alerts are stored all the same; their runs fail with WorkflowNotReady (design 3.2.18). */
export function workflowConditions(
  catalog: Pick<Catalog, 'workflow'>,
  from: string,
  reference: string,
): readonly Condition[] {
  const place = placeOf(reference, from);
  const notReady = (reason: string, why: string): readonly Condition[] => {
    return [{ type: 'Ready', status: 'False', reason, message: `${why}; alerts are stored and their runs fail` }];
  };
  const workflow = workflowFor(catalog, from, reference);
  if (workflow === undefined)
    return place.namespace === from
      ? notReady('WorkflowNotFound', absence('Workflow', place, from))
      : notReady('ReferenceNotGranted', refusalText('Workflow', place, from));
  if (workflow.ready) return [];
  return notReady('WorkflowNotReady', `Workflow ${workflow.namespace}/${workflow.name} is not ready`);
}

/** That a reference to another namespace stands for nothing, and who can change that. */
function refusalText(kind: 'Workflow' | 'Sink', place: ObjectPlace, from: string): string {
  return `${absence(kind, place, from)}; ${grantNeeded(kind, place, from) ?? ''}`;
}
