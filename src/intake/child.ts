import { AppError } from '../core/errors.ts';
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
  const { namespace, workflow: name } = request;
  return store.transaction('intake', async (tx) => {
    const known = await tx.runs.findRequested(request.key);
    if (known !== undefined) return known;
    const told = request.parentRunId === null ? undefined : await tx.runs.find(request.parentRunId);
    const parent = told === undefined ? null : parentOf(told);
    if (parent !== null) refuseLoop(parent, request);
    const workflow = catalog.current().workflow(namespace, name);
    if (workflow === undefined || workflow.plan === null || !workflow.ready) {
      const wrong = workflow === undefined ? 'does not exist' : 'is not ready';
      throw new AppError('WorkflowNotReady', `Workflow ${namespace}/${name} ${wrong}`, {
        retryable: true,
        next: workflow === undefined ? 'fist get workflows' : `fist describe workflow/${name} -n ${namespace}`,
      });
    }
    const { plan } = workflow;
    const run = childRun(request, { plan, planHash: workflow.planHash }, { told, parent }, toTimestamp(clock.now()));
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

function parentOf({ id, name, input }: RunRecord): RunParent {
  return { runId: id, workflows: [...(input.parent?.workflows ?? []), name] };
}

function refuseLoop({ workflows }: RunParent, { namespace, workflow, sinkName }: ChildRunRequest): void {
  const line = [...workflows, workflow].join(' -> ');
  const sink = `Sink ${namespace}/${sinkName}`;
  if (workflows.includes(workflow))
    throw new AppError('Conflict', `${sink} would start a loop of Workflows: ${line}`, {
      next: `give ${sink} another workflowName, or take it out of spec.sinks of a Workflow in that line`,
    });
  if (workflows.length >= mostInLine)
    throw new AppError('Conflict', `${sink} would start one Workflow too many in a line of ${mostInLine}: ${line}`);
}
