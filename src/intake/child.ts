import { absence, grantNeeded, placeOf, workflowFor } from '../core/access.ts';
import { fullName } from '../core/run.ts';
import { AppError } from '../core/errors.ts';
import type { ObjectPlace } from '../core/place.ts';
import type { CatalogHolder, Clock, ChildRunRequest } from '../core/ports.ts';
import type { RunParent, RunRecord } from '../core/run.ts';
import type { Store, StoreTransaction } from '../core/store.ts';
import { toTimestamp } from '../core/time.ts';
import { childRun } from './records.ts';

/** Runs in a line, from one that a Source began to the last that a Sink may ask for. */
const mostInLine = 5;

/**
 * Makes the run that a Sink asks for. A delivery that is sent again finds the run that it has. Throws WorkflowNotReady
 * (retryable), and Conflict for what would go on for ever.
 */
export async function startChild(
  { store, catalog, clock }: { readonly store: Store; readonly catalog: CatalogHolder; readonly clock: Clock },
  request: ChildRunRequest,
): Promise<string> {
  const { namespace: from } = request;
  const place = placeOf(request.workflow, from);
  return store.transaction('intake', async (tx) => {
    const known = await tx.runs.findRequested(request.key);
    if (known !== undefined) return known;
    const told = request.parentRunId === null ? undefined : await tx.runs.find(request.parentRunId);
    const parent = told === undefined ? null : parentOf(told);
    if (parent !== null) refuseLoop(parent, place, request);
    const workflow = workflowFor(catalog.current(), from, request.workflow);
    if (workflow === undefined)
      throw new AppError('WorkflowNotReady', absence('Workflow', place, from), {
        retryable: true,
        next: grantNeeded('Workflow', place, from) ?? 'fist get workflows',
      });
    if (workflow.plan === null || !workflow.ready)
      throw new AppError('WorkflowNotReady', `Workflow ${fullName(place)} is not ready`, {
        retryable: true,
        next: `fist describe workflow/${fullName(place)}`,
      });
    const { plan } = workflow;
    const run = childRun(request, workflow, { told, parent }, toTimestamp(clock.now()));
    if (await tx.runs.insert({ run, plan })) return run.id;
    return foundElsewhere(tx, request);
  });
}

/** Another replica made it at the same time. */
async function foundElsewhere(tx: StoreTransaction, { key }: ChildRunRequest): Promise<string> {
  const id = await tx.runs.findRequested(key);
  if (id !== undefined) return id;
  throw new AppError('StoreConflict', `the run that delivery ${key} asks for was neither made nor found`);
}

function parentOf({ id, name, namespace, input }: RunRecord): RunParent {
  const before = input.parent?.workflows ?? [];
  return { runId: id, workflows: [...before, name].map((one) => fullName(placeOf(one, namespace))) };
}

function refuseLoop({ workflows }: RunParent, place: ObjectPlace, { namespace, sinkName }: ChildRunRequest): void {
  const workflow = fullName(place);
  const line = [...workflows, workflow].join(' -> ');
  const sink = `Sink ${namespace}/${sinkName}`;
  if (workflows.includes(workflow))
    throw new AppError('Conflict', `${sink} would start a loop of Workflows: ${line}`, {
      next: `give ${sink} another workflowName, or take it out of spec.sinks of a Workflow in that line`,
    });
  if (workflows.length >= mostInLine)
    throw new AppError('Conflict', `${sink} would start one Workflow too many in a line of ${mostInLine}: ${line}`);
}
