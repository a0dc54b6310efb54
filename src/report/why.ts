import type { AlertRecord, AlertTransition, CauseState, MuteReason } from '../core/alert.ts';
import type { DeliverySummary, RunSummary } from '../core/lists.ts';
import { isFinal } from '../core/run.ts';
import { timeText } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { oneLine } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { readReport } from './read.ts';
import { causeText, chainLines, decidingLines, firstStep } from './words.ts';
import type { DecidingLine, FirstStep } from './words.ts';

/** An alert as `GET /api/v1/alerts/:id` answers it. */
export interface AlertDetail extends Omit<AlertRecord, 'cause'> {
  readonly object: string | null;
  readonly since: Timestamp;
  readonly cause: string | null;
  readonly causeState: CauseState;
  readonly transitions: readonly AlertTransition[];
  readonly runs: readonly RunSummary[];
  readonly deliveries: readonly DeliverySummary[];
}

/** Why an alert fires, as far as it is known: what `fist why` says, and prints with `-o json`. */
export interface Why {
  readonly alert: Pick<AlertDetail, 'id' | 'name' | 'severity' | 'status' | 'object' | 'since'>;
  readonly state: CauseState;
  /** The cause, worded by how sure it is; else what is going on. */
  readonly answer: string;
  /** The way from the object to the cause, one line a hop. */
  readonly chain: readonly string[];
  readonly evidence: readonly DecidingLine[];
  readonly firstStep: FirstStep | null;
  readonly run: Pick<RunSummary, 'id' | 'status' | 'stepsCompleted' | 'totalSteps' | 'currentStep'> | null;
  /** The next command. */
  readonly next: string;
}

export function whyOf(alert: AlertDetail): Why {
  const { id, name, severity, status, object, since, causeState: state } = alert;
  const [run] = alert.runs;
  const report = alert.aiAnalysis === null ? null : readReport(alert.aiAnalysis);
  const hasAnswer = report !== null && (state === 'known' || state === 'inconclusive' || state === 'earlier');
  const going = goingOn(alert, run);
  return {
    alert: { id, name, severity, status, object, since },
    state,
    answer: !hasAnswer
      ? going.text
      : state === 'earlier'
        ? `${going.text} In an earlier episode: ${causeText(report)}`
        : causeText(report),
    chain: hasAnswer ? chainLines(report) : [],
    evidence: hasAnswer ? decidingLines(report) : [],
    firstStep: hasAnswer ? firstStep(report) : null,
    run: run === undefined ? null : briefOf(run),
    next: hasAnswer && state !== 'earlier' ? `fist describe alert/${shortId(id)}` : going.next,
  };
}

function briefOf({ id, status, stepsCompleted, totalSteps, currentStep }: RunSummary) {
  return { id, status, stepsCompleted, totalSteps, currentStep };
}

interface GoingOn {
  readonly text: string;
  readonly next: string;
}

/** What is going on while no run of this episode has an answer. */
function goingOn(alert: AlertDetail, run: RunSummary | undefined): GoingOn {
  const { mutedReason, mutedUntil, causeState } = alert;
  if (causeState === 'elsewhere')
    return {
      text: 'A Workflow of another namespace looks into it; what it found is told to who may read there.',
      next: `fist describe source/${alert.namespace}/${alert.source}`,
    };
  if (mutedReason === 'Grouped') return ofGroup(alert);
  if (mutedReason !== null) {
    const until = mutedUntil === null ? '' : ` It is decided anew at ${timeText(mutedUntil)}.`;
    return {
      text: `No run was started: ${mutedWords[mutedReason]}.${until}`,
      next: `fist describe source/${alert.namespace}/${alert.source}`,
    };
  }
  if (run === undefined)
    return {
      text: 'No run was started: its Source triggers no Workflow.',
      next: investigateCommand(alert),
    };
  return runGoingOn(alert, run);
}

/** The run of its group answers for it, or began too early for that. */
function ofGroup(alert: AlertDetail): GoingOn {
  const { workflowId, episode, mutedUntil } = alert;
  const name = workflowId === null ? 'another run' : `run/${shortId(workflowId)}`;
  const until = mutedUntil === null ? '' : ` It is decided anew at ${timeText(mutedUntil)}.`;
  const joined = alert.runs.find((run) => run.id === workflowId && run.alertId !== alert.id && run.episode === episode);
  if (joined !== undefined) {
    const { text, next } = runGoingOn(alert, joined);
    return {
      text: `The run of its group answers for it (groupBy): ${text}${isFinal(joined.status) ? until : ''}`,
      next,
    };
  }
  return {
    text: `No run was started yet: ${name} answers for its group (groupBy), and began before this alert came. The next one comes if it still fires.${until}`,
    next: workflowId === null ? `fist describe source/${alert.namespace}/${alert.source}` : `fist describe ${name}`,
  };
}

function runGoingOn(alert: AlertDetail, run: RunSummary): GoingOn {
  const name = `run/${shortId(run.id)}`;
  const isEarlier = run.episode < alert.episode;
  if (isEarlier)
    return { text: `No run of this episode was started; the last one is ${name}.`, next: investigateCommand(alert) };
  const error = run.errorCode === null ? '' : `: ${run.errorCode}: ${oneLine(run.error ?? '', 300)}`;
  switch (run.status) {
    case 'pending':
      return {
        text: `${name} ${pendingText(run)}.`,
        next: `fist why alert/${shortId(alert.id)}`,
      };
    case 'running':
      return { text: `${name} is at work: ${stepText(run)}.`, next: `fist why alert/${shortId(alert.id)}` };
    case 'failed':
      return { text: `${name} failed${error}.`, next: `fist retry ${name}` };
    case 'cancelled':
      return {
        text: `${name} was cancelled: ${oneLine(run.cancelReason ?? 'no reason was given', 300)}.`,
        next: `fist retry ${name}`,
      };
    default:
      return { text: `${name} ended without a report: its Workflow has no agent step.`, next: `fist describe ${name}` };
  }
}

function pendingText({ waitingFor, wakeAt }: RunSummary): string {
  if (waitingFor === 'timer' && wakeAt !== null) return `waits until ${timeText(wakeAt)} for other alerts of its group`;
  return `waits for its turn${waitingFor === 'slot' ? ': others are at work' : ''}`;
}

/** `step 2 of 3 (investigate)`; what it waits for, if it does. */
function stepText({ stepsCompleted, totalSteps, currentStep, waitingFor }: RunSummary): string {
  const step = `step ${Math.min(stepsCompleted + 1, totalSteps)} of ${totalSteps}`;
  const named = currentStep === null ? step : `${step} (${oneLine(currentStep, 60)})`;
  return waitingFor === null ? named : `${named}, waits for ${waitingFor}`;
}

/** Why a policy started no run. */
const mutedWords: Readonly<Record<MuteReason, string>> = {
  SourceUnavailable: 'its Source is not there or not ready, and it gets its run once it is',
  Suspended: 'its Source is suspended, and it gets its run once that ends',
  OwnAlert: 'it is about fist itself, which starts no runs about itself',
  Muted: 'a matcher of its Source mutes it (muteMatchers)',
  Maintenance: 'its Source has a maintenance window, and it gets its run after it if it still fires',
  Cooldown: 'the last run was too short a time ago (cooldown)',
  FlapCap: 'it opened and closed too often (flap cap)',
  Grouped: 'the run of its group answers for it (groupBy)',
  StormGuard: 'its Source has begun as many runs as stormCapPerMinute allows, and it gets one when there is room',
};

/** What a person can do without the server. Only plain names stand in it, so that it can be copied. */
function investigateCommand({ object, name }: AlertDetail): string {
  const [, kind = '', namespace, named = ''] = /^([a-z]+)\/(?:([a-z0-9.-]+)\/)?([a-z0-9.-]+)$/.exec(object ?? '') ?? [];
  if (kind === 'namespace') return `fist scan -n ${named}`;
  if (kind !== '') return `fist investigate ${kind}/${named}${namespace === undefined ? '' : ` -n ${namespace}`}`;
  return /^[\w.:-]+$/.test(name) ? `fist investigate --label alertname=${name}` : 'fist investigate --help';
}
