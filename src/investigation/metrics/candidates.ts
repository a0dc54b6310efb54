import { change, describeCommand, look, podQuestions } from '../../analyzers/advice.ts';
import type { Category, FindingDraft, Question, Target } from '../../analyzers/define.ts';
import { wellSince } from '../../analyzers/pods/pod-end.ts';
import { containersOf, endingFacts, podEvidence, podFacts } from '../../analyzers/pods/pod-status.ts';
import { textAt } from '../../analyzers/reading/fields.ts';
import type { AlertSnapshot } from '../../core/run.ts';
import { addMs, timeText, toEpochMs, toTimestamp } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import type { Analysis } from '../findings.ts';
import { climbTo, expectedAt, highestWithin, reachedAt, spellAbove } from './climb.ts';
import type { Climb } from './climb.ts';
import { covers, evidenceOf, textOf } from './measured.ts';
import type { Measured } from './measured.ts';
import { percentOf } from './value-text.ts';

type Name = 'cpu-throttled' | 'memory-filling' | 'killed-at-memory-limit' | 'volume-filling';
type Draft = FindingDraft<Name>;

/**
 * What metrics alone show. They are looked at only where the cluster names no cause, and each asks for more than one sign: a number
 * that is high is no cause of anything.
 */
export const measuredCauses = {
  name: 'metrics',
  kinds: ['pod', 'persistentvolumeclaim'],
  explains: [],
  categories: {
    'cpu-throttled': {
      meaning: 'Metrics show that a container is held back by its CPU limit.',
      happened: 'was held back by its CPU limit',
      nearness: 60,
      answers: ['throttling', 'service'],
      changes: /^(?:cpu limit|image|command|environment|environment sources)$/,
      advice: (draft, { namespace, pod, container, workload }) => [
        top(namespace, pod),
        ...(workload === null
          ? []
          : [
              change(
                `kubectl -n ${namespace} set resources ${workload} -c ${container} --limits=cpu=<more than ${draft.facts['cpu_limit']}>`,
                'The container is held back whenever it uses its limit up within a period; if the need is real, the limit has to be higher.',
              ),
            ]),
      ],
    },
    'memory-filling': {
      meaning: 'Metrics show that the memory of a container is near its limit.',
      happened: 'came near its memory limit',
      nearness: 60,
      answers: ['anything'],
      changes: /^(?:memory limit|image|command|environment|environment sources)$/,
      advice: (_, { namespace, pod }) => [top(namespace, pod)],
    },
    'killed-at-memory-limit': {
      meaning: 'A container was killed with SIGKILL, and metrics show its memory at its limit just before.',
      happened: 'was killed with its memory at its limit',
      nearness: 70,
      answers: podQuestions,
      changes: /^(?:memory limit|image|command|environment|environment sources)$/,
      advice: (_, { namespace, pod }) => [top(namespace, pod)],
    },
    'volume-filling': {
      meaning: 'Metrics show that the volume of a claim is nearly full, or will be soon.',
      happened: 'filled up',
      nearness: 70,
      answers: ['volume-filling'],
      changes: null,
      advice: (draft) => [
        look(describeCommand(draft), 'Shows which pods use the claim: one of them writes more than it deletes.'),
        change(
          `Delete what is not needed on the volume, or raise spec.resources.requests.storage of the claim where its storage class allows expansion.`,
          'A volume that is full refuses every write.',
        ),
      ],
    },
  } satisfies Record<Name, Category>,
} as const;

const top = (namespace: string, pod: string) =>
  look(`kubectl -n ${namespace} top pod ${pod} --containers`, 'Shows what each container uses now.');

export interface CandidateQuestion {
  readonly alert: AlertSnapshot | null;
  readonly questions: readonly Question[];
  readonly startsAt: Timestamp | null;
  readonly measured: readonly Measured[];
}

/** What metrics alone show, as findings of their objects; of objects that could not be read there are none. */
export function candidatesOf(question: CandidateQuestion): readonly Analysis[] {
  const rules = [throttled, memoryFilling, killedAtLimit, volumeFilling];
  return question.measured.flatMap((one) => {
    const { target } = one;
    if (target === null) return [];
    const findings = rules.flatMap((rule) => rule(one, target, question) ?? []);
    return findings.length === 0 ? [] : [{ analyzer: measuredCauses, target, findings, problem: null }];
  });
}

/** From this part of its periods on a container counts as throttled, as in the rule CPUThrottlingHigh of kubernetes-mixin. */
export const throttledPart = 0.25;
/** Where an alert asks for something else, the half of them: then it waits as long as it works. */
const muchThrottled = 0.5;
/** CPUThrottlingHigh waits for 15 minutes; rates look back five. */
const leastThrottledMs = 600_000;
/** CPU that is as good as used up. */
const busyPart = 0.9;

/** Held back for ten minutes, in the time in which the alert began; for anything but throttling also: since a moment of then, and at its limit. */
function throttled(one: Measured, target: Target, { questions, startsAt, measured }: CandidateQuestion): Draft | null {
  const { kind, container, series, limit } = one;
  if (kind !== 'throttling' || container === null || limit === null) return null;
  const isAsked = questions.includes('throttling');
  // An alert of which nothing is known asks for no more than what the cluster says.
  if (!isAsked && !questions.includes('service')) return null;
  const spell = spellAbove(series.points, isAsked ? throttledPart : muchThrottled, startsAt);
  if (spell === null || toEpochMs(spell.to) - toEpochMs(spell.from) < leastThrottledMs) return null;
  // What ended before the alert began did not make it begin.
  if (startsAt !== null && spell.to < addMs(startsAt, -one.range.stepMs)) return null;
  const use = measured.find(
    (other) => other.kind === 'cpu' && other.object === one.object && other.container === container,
  );
  const used = use === undefined ? null : highestWithin(use.series.points, toEpochMs(spell.from), toEpochMs(spell.to));
  const isBusy = used !== null && used[1] >= limit.value * busyPart;
  if (!isAsked && (spell.isFromStart || !isBusy)) return null;
  const since = spell.isFromStart ? `since before ${timeText(spell.from)}` : `since ${timeText(spell.from)}`;
  const held = `it was held back in up to ${percentOf(spell.highest, 1)} of its periods, ${since}`;
  const at = isBusy ? ' It uses all that the limit lets it use.' : '';
  return {
    ...common(one, target, container, use === undefined ? [] : [use]),
    category: 'cpu-throttled',
    severity: 'high',
    description: `Container ${container} of pod ${target.name} is throttled by its CPU limit of ${limit.text}: ${held}.${at}`,
    cause: `Container ${container} is throttled: its CPU limit of ${limit.text} is less than it wants to use; ${held}.${at}`,
    decisive: isAsked,
    when: { from: spell.isFromStart ? null : spell.from, until: spell.isToEnd ? null : spell.to, source: 'metrics' },
    facts: { ...podFacts(target.object), container, cpu_limit: limit.text },
  };
}

/** Memory that is asked about and is at least so near its limit. */
const nearPart = 0.8;

/** The alert asks for memory, and the last samples are near the limit. */
function memoryFilling(one: Measured, target: Target, { alert }: CandidateQuestion): Draft | null {
  const { kind, container, series, limit, summary } = one;
  if (kind !== 'memory' || container === null || limit === null || alert === null) return null;
  if (!/mem(?:ory)?(?![a-z])|memory|working_?set|rss/i.test(`${alert.name} ${alert.generatorUrl ?? ''}`)) return null;
  if (summary.last < limit.value * nearPart || !covers(one, one.range.to)) return null;
  const climb = climbTo(series.points, null);
  const text = textOf(one);
  const use = `${text(summary.last)}, ${percentOf(summary.last, limit.value)} of its limit of ${limit.text}`;
  const how = climb === null ? 'It stayed there all the time.' : `It ${climbText(climb, text)}.`;
  const leak = climb?.isSteady === true ? ' Memory that only grows is a leak, or a cache without a bound.' : '';
  return {
    ...common(one, target, container),
    category: 'memory-filling',
    severity: 'high',
    description: `Container ${container} of pod ${target.name} uses ${use}. ${how}`,
    cause: `Container ${container} uses ${use}. ${how}${leak}`,
    decisive: true,
    when: {
      from: climb === null || climb.isFromStart ? null : toTimestamp(climb.from[0]),
      until: null,
      source: 'metrics',
    },
    facts: { ...podFacts(target.object), container, memory_limit: limit.text },
  };
}

/** Nearly all of a limit: a SIGKILL of which nobody says why may have been for memory. */
const fullPart = 0.95;

/** SIGKILL that nobody explains, and memory at its limit just before it. Of a pod that is deleted or was thrown out it is no riddle. */
function killedAtLimit(one: Measured, target: Target): Draft | null {
  const { kind, container, series, limit, label } = one;
  if (kind !== 'memory' || container === null || limit === null || isGoing(target)) return null;
  const view = containersOf(target.object).find(({ name }) => name === container);
  const ending = view?.terminated ?? view?.last ?? null;
  const at = ending?.finishedAt ?? null;
  if (view === undefined || ending === null || at === null || ending.exitCode !== 137 || !covers(one, at)) return null;
  const climb = climbTo(series.points, at);
  const full = climb === null ? null : reachedAt(series.points, climb, limit.value * fullPart);
  if (climb === null || full === null || full < addMs(at, -leastThrottledMs)) return null;
  const how = `${climbText(climb, textOf(one))}, ${percentOf(climb.top[1], limit.value)} of its limit of ${limit.text}`;
  return {
    ...common(one, target, container),
    category: 'killed-at-memory-limit',
    severity: 'high',
    description: `Container ${container} of pod ${target.name} was killed with SIGKILL (exit code 137) at ${timeText(at)}; ${label} ${how}.`,
    cause: `Container ${container} was killed with SIGKILL (exit code 137) at ${timeText(at)}, when its memory was at its limit: it ${how}. The kubelet does not say that it was OOMKilled.`,
    decisive: false,
    when: { from: at, until: wellSince(target.object, view), source: `status of ${view.label}` },
    facts: { ...endingFacts(target.object, view, ending), finished_at: at, memory_limit: limit.text },
  };
}

function isGoing({ object }: Target): boolean {
  return object.metadata.deletionTimestamp !== undefined || textAt(object, 'status', 'reason') !== '';
}

/** Of KubePersistentVolumeFillingUp of kubernetes-mixin: 15 % free and full within four days, or 3 % free. */
const [fillingPart, nearlyFullPart, soonMs] = [0.85, 0.97, 4 * 86_400_000] as const;

function volumeFilling(one: Measured, target: Target, { questions }: CandidateQuestion): Draft | null {
  const { kind, series, summary, range } = one;
  if (kind !== 'volume' || !questions.includes('volume-filling') || !covers(one, range.to)) return null;
  const climb = climbTo(series.points, null);
  const full = climb === null ? null : expectedAt(series.points, climb, 1);
  const isSoon = full !== null && toEpochMs(full) - toEpochMs(range.to) <= soonMs;
  if (summary.last < (isSoon ? fillingPart : nearlyFullPart)) return null;
  const use = `${percentOf(summary.last, 1)} of ${one.title.includes('inodes') ? 'the inodes of claim' : 'claim'} ${target.name} is used`;
  const how = climb === null ? 'That did not change in this time.' : `It ${climbText(climb, textOf(one))}.`;
  const goesOn = isSoon && full !== null ? ` If that goes on, it is full at ${timeText(full)}.` : '';
  return {
    ...common(one, target, null),
    category: 'volume-filling',
    severity: 'high',
    description: `${use}. ${how}${goesOn}`,
    cause: `${use}. ${how}${goesOn}`,
    decisive: true,
    when: {
      from: climb === null || climb.isFromStart ? null : toTimestamp(climb.from[0]),
      until: null,
      source: 'metrics',
    },
    facts: {},
  };
}

/** `rose from 60Mi at ... to 250Mi at ...`. */
export function climbText({ from, top, isFromStart, isSteady }: Climb, text: (value: number) => string): string {
  const since = `${isFromStart ? 'before ' : ''}${timeText(toTimestamp(from[0]))}`;
  return `rose ${isSteady ? 'steadily ' : ''}from ${text(from[1])} (${since}) to ${text(top[1])} (${timeText(toTimestamp(top[0]))})`;
}

function common(
  one: Measured,
  target: Target,
  container: string | null,
  also: readonly Measured[] = [],
): Pick<Draft, 'object' | 'evidence'> {
  const state = container === null ? [] : [podEvidence(target)];
  return { object: one.object ?? '', evidence: [evidenceOf(one), ...also.map(evidenceOf), ...state] };
}
