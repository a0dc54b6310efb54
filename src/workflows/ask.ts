import { AppError } from '../core/errors.ts';
import type { Question } from '../core/ports.ts';
import { isFinal, pendingRun } from '../core/run.ts';
import type { Continuation, RunRecord } from '../core/run.ts';
import type { StoreReader, StoreTransaction } from '../core/store.ts';
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
  const old = foundRun(await tx.runs.findLocked(question.runId), question.runId);
  const continued = await continuationOf(tx, old, question, () => false);
  const run = continuingRun(old, continued, now);
  await tx.runs.insert({ run, plan: continued.plan });
  return run.id;
}

/** What a run is made of that goes on with the newest conversation of a run. */
export async function continuation(
  reader: Pick<StoreReader, 'runs' | 'agent'>,
  question: Question,
  isTold: (sinkName: string) => boolean,
): Promise<Continuation> {
  const old = foundRun(await reader.runs.find(question.runId), question.runId);
  return continuationOf(reader, old, question, isTold);
}

function foundRun(run: RunRecord | undefined, id: string): RunRecord {
  if (run !== undefined) return run;
  throw new AppError('NotFound', `there is no run ${id}`, { next: 'fist get runs' });
}

async function continuationOf(
  { runs, agent }: Pick<StoreReader, 'runs' | 'agent'>,
  old: RunRecord,
  { text, by }: Question,
  isTold: (sinkName: string) => boolean,
): Promise<Continuation> {
  const name = `run/${shortId(old.id)}`;
  if (!isFinal(old.status))
    throw new AppError('Conflict', `${name} has not ended: ${old.status}`, { next: `fist watch ${name}` });
  const [last] = old.agentEvents === 0 ? [] : await agent.events(old.id, { after: old.agentEvents - 1, limit: 1 });
  if (last === undefined)
    throw new AppError('Conflict', `${name} asked no model, so there is no conversation to go on with`, {
      next: 'name a model in spec.runtime.llmConfig of the Workflow, and `ask: always` in its agent step',
    });
  const of = old.planHash === null ? undefined : await runs.plan(old.planHash);
  const step = of === undefined ? undefined : findStep(of, last.path);
  if (of === undefined || step === undefined)
    throw new AppError('Conflict', `what ${name} was to do is no longer known`, { next: `fist retry ${name}` });
  const only = { ...step, when: null, continueOnError: false, branches: {} };
  const plan = { ...of, steps: [only], outputs: [], sinks: of.sinks.filter(isTold) };
  const asked = old.input.alert ?? old.input.asked;
  return {
    plan,
    planHash: canonicalSha256(plan),
    followUp: { runId: old.id, path: last.path, question: redact(text), by },
    ...(asked === undefined ? {} : { asked }),
  };
}

function continuingRun(old: RunRecord, { plan, planHash, followUp, asked }: Continuation, now: Timestamp): RunRecord {
  const { source, data, context } = old.input;
  return pendingRun(
    {
      id: newId(),
      name: old.name,
      namespace: old.namespace,
      triggerSource: `question about run ${shortId(old.id)}`,
      alertId: null,
      episode: 0,
      planHash,
      totalSteps: 1,
      input: {
        source,
        alert: null,
        context,
        depth: 0,
        ...(asked === undefined ? {} : { asked }),
        ...(data === undefined ? {} : { data }),
        followUp,
      },
      retryOf: null,
      requestedBy: null,
      deadlineAt: addMs(now, plan.deadlineMs),
    },
    now,
  );
}
