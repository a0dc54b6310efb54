import { AppError } from '../core/errors.ts';
import type { Plan } from '../core/plan.ts';
import type { Question } from '../core/ports.ts';
import { isFinal } from '../core/run.ts';
import type { RunRecord } from '../core/run.ts';
import type { StoreTransaction } from '../core/store.ts';
import { addMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { canonicalSha256 } from '../lib/hash.ts';
import { newId } from '../lib/id.ts';
import { redact } from '../lib/redact.ts';
import { shortId } from '../lib/short-id.ts';
import { findStep } from './engine/plan.ts';

/**
 * Makes the run that goes on with the conversation of another one; it has the one agent step, tells no Sink, and is about no
 * alert, so that it neither waits for the alert's other runs nor changes what is known of it. Returns its id.
 */
export async function askOn(tx: StoreTransaction, question: Question, now: Timestamp): Promise<string> {
  const old = await tx.runs.findLocked(question.runId);
  if (old === undefined) throw new AppError('NotFound', `there is no run ${question.runId}`, { next: 'fist get runs' });
  const { plan, path } = await conversationOf(tx, old);
  const run = continuation(old, plan, { ...question, path }, now);
  await tx.runs.insert({ run, plan });
  return run.id;
}

/** The newest conversation of a run, and the plan that goes on with it. */
async function conversationOf(
  tx: StoreTransaction,
  old: RunRecord,
): Promise<{ readonly plan: Plan; readonly path: string }> {
  const name = `run/${shortId(old.id)}`;
  if (!isFinal(old.status))
    throw new AppError('Conflict', `${name} has not ended: ${old.status}`, { next: `fist watch ${name}` });
  const [last] = old.agentEvents === 0 ? [] : await tx.agent.events(old.id, { after: old.agentEvents - 1, limit: 1 });
  if (last === undefined)
    throw new AppError('Conflict', `${name} asked no model, so there is no conversation to go on with`, {
      next: 'name a model in spec.runtime.llmConfig of the Workflow, and `ask: always` in its agent step',
    });
  const plan = old.planHash === null ? undefined : await tx.runs.plan(old.planHash);
  const step = plan === undefined ? undefined : findStep(plan, last.path);
  if (plan === undefined || step === undefined)
    throw new AppError('Conflict', `what ${name} was to do is no longer known`, { next: `fist retry ${name}` });
  const only = { ...step, when: null, continueOnError: false, branches: {} };
  return { plan: { ...plan, steps: [only], outputs: [], sinks: [] }, path: last.path };
}

function continuation(
  old: RunRecord,
  plan: Plan,
  { text, by, path }: Question & { readonly path: string },
  now: Timestamp,
): RunRecord {
  const { source, alert, asked, data, context } = old.input;
  const about = alert ?? asked;
  return {
    ...old,
    id: newId(),
    triggerSource: `question about run ${shortId(old.id)}`,
    status: 'pending',
    alertId: null,
    episode: 0,
    planHash: canonicalSha256(plan),
    stepsCompleted: 0,
    totalSteps: 1,
    currentStep: null,
    input: {
      source,
      alert: null,
      context,
      depth: 0,
      ...(about === undefined ? {} : { asked: about }),
      ...(data === undefined ? {} : { data }),
      followUp: { runId: old.id, path, question: redact(text), by },
    },
    outputs: {},
    error: null,
    errorCode: null,
    agentEvents: 0,
    modelTokens: 0,
    modelCostMicros: 0,
    retryOf: null,
    requestedBy: null,
    fence: 0,
    leaseOwner: null,
    leaseUntil: null,
    wakeAt: now,
    waitingFor: null,
    deadlineAt: addMs(now, plan.deadlineMs),
    cancelRequestedAt: null,
    cancelReason: null,
    startedAt: null,
    completedAt: null,
    createdAt: now,
  };
}
