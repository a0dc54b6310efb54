import { addMs, timeText } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { change, describeCommand, look } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { listAt, numberAt, textAt, timeAt } from '../reading/fields.ts';
import { quote } from '../reading/quote.ts';

type Name = 'cronjob-suspended' | 'cronjob-missed' | 'cronjob-schedule' | 'cronjob-blocked';
type Draft = FindingDraft<Name>;

/** Older events of the controller may be about what is over. */
const recentMs = 24 * 3_600_000;

const read = (draft: FindingDraft) => look(describeCommand(draft), 'Shows the schedule, the last runs and the events.');

/** Cron jobs that start no runs: suspended, blocked by a run that goes on, too far behind, or of a bad schedule. */
export const cronJob = defineAnalyzer({
  name: 'cron-job',
  kinds: ['cronjob'],
  explains: [
    'FailedNeedsStart',
    'TooManyMissedTimes',
    'MissSchedule',
    'UnparseableSchedule',
    'InvalidSchedule',
    'UnknownTimeZone',
    'JobAlreadyActive',
  ],
  categories: {
    'cronjob-suspended': {
      meaning: 'A CronJob is suspended: it starts no runs.',
      happened: 'was suspended',
      nearness: 78,
      answers: ['job'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        read(draft),
        change(
          `kubectl -n ${namespace} patch cronjob/${name} --patch '{"spec":{"suspend":false}}'`,
          'Lets it start runs again, unless somebody holds it on purpose.',
        ),
      ],
    },
    'cronjob-missed': {
      meaning: 'The controller does not start a CronJob, because it missed its starts.',
      happened: 'missed its starts',
      nearness: 80,
      answers: ['job'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        read(draft),
        change(
          `Set startingDeadlineSeconds (200, say) in the spec of cronjob ${name} in namespace ${namespace}.`,
          'Starts that were missed are counted only within that time.',
        ),
      ],
    },
    'cronjob-schedule': {
      meaning: 'The schedule or the time zone of a CronJob cannot be read.',
      happened: 'started no run',
      nearness: 86,
      answers: ['job'],
      changes: null,
      advice: (draft, { namespace, pod: name }) => [
        read(draft),
        change(
          `Correct spec.schedule or spec.timeZone of cronjob ${name} in namespace ${namespace}.`,
          'The controller starts nothing from a schedule that it cannot read.',
        ),
      ],
    },
    'cronjob-blocked': {
      meaning: 'A CronJob starts no new run, because an earlier one goes on and concurrencyPolicy is Forbid.',
      happened: 'started no new run',
      nearness: 66,
      answers: ['job'],
      changes: null,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} describe job/${draft.facts['active'] ?? ''}`.replace(/\/$/, 's'),
          'Shows the run that goes on, and its pods.',
        ),
      ],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    if (target.object.spec?.['suspend'] === true) return [suspended(target)];
    const standing = standingEvents(events, target, io.now);
    return [...badSchedule(target, standing), ...(await blocked(io, target, standing)), ...missed(target, standing)];
  },
});

/** Events of the last day after which it started no run: one that it started later has overtaken what they say. */
function standingEvents(events: readonly EventView[], { object }: Target, now: Timestamp): readonly EventView[] {
  const recent = addMs(now, -recentMs);
  const started = timeAt(object, 'status', 'lastScheduleTime') ?? recent;
  return events.filter(({ last }) => last === null || (last >= recent && last >= started));
}

function draft(
  target: Target,
  category: Name,
  text: string,
  event: EventView | undefined,
  events: readonly EventView[],
): Draft {
  const spec = target.object.spec ?? {};
  const lines = ['schedule', 'timeZone', 'concurrencyPolicy', 'suspend', 'startingDeadlineSeconds'].flatMap((field) =>
    spec[field] === undefined ? [] : [`${field}: ${JSON.stringify(spec[field])}`],
  );
  const last = textAt(target.object, 'status', 'lastScheduleTime');
  return {
    category,
    severity: 'high',
    object: objectName('cronjob', target.namespace, target.name),
    description: text,
    cause: text,
    decisive: true,
    when: { from: event?.first ?? null, until: null, source: event === undefined ? '' : `event ${event.reason}` },
    facts: {},
    evidence: [
      ...(target.object.spec === undefined
        ? []
        : [
            {
              read: { kind: 'object', of: 'cronjob', namespace: target.namespace, name: target.name } as const,
              excerpt: [...lines, ...(last === '' ? [] : [`last scheduled: ${last}`])].join('\n'),
            },
          ]),
      ...(event === undefined ? [] : [eventsEvidence(target, events)]),
    ],
  };
}

function suspended(target: Target): Draft {
  const last = timeAt(target.object, 'status', 'lastScheduleTime');
  const since = last === null ? '' : `; its last run was scheduled at ${timeText(last)}`;
  return draft(
    target,
    'cronjob-suspended',
    `CronJob ${target.name} is suspended (spec.suspend: true) and starts no runs${since}.`,
    undefined,
    [],
  );
}

function badSchedule(target: Target, events: readonly EventView[]): readonly Draft[] {
  const event = events.findLast(({ reason }) =>
    ['UnparseableSchedule', 'InvalidSchedule', 'UnknownTimeZone'].includes(reason),
  );
  if (event === undefined) return [];
  const schedule = textAt(target.object, 'spec', 'schedule');
  const what = event.reason === 'UnknownTimeZone' ? 'time zone' : 'schedule';
  const text = `The ${what} of CronJob ${target.name}${schedule === '' || what === 'time zone' ? '' : ` (${quote(schedule, 60)})`} cannot be used: ${quote(event.message, 200).replace(/\.$/, '')}.`;
  return [draft(target, 'cronjob-schedule', text, event, events)];
}

/** The run that goes on is behind it. The controller says so, or two starts at least went by since. */
async function blocked(io: AnalyzerIo, target: Target, events: readonly EventView[]): Promise<readonly Draft[]> {
  const event = events.findLast(({ reason }) => reason === 'JobAlreadyActive');
  const [active] = listAt(target.object, 'status', 'active').map((one) => textAt(one, 'name'));
  if (active === undefined && target.object.status !== undefined) return [];
  const since = active === undefined ? null : await startOf(io, target, active);
  if (event === undefined && !(isForbidden(target) && hasMissedTwo(target, since, io.now))) return [];
  const run = active === undefined ? 'an earlier run' : `job ${active}`;
  const runs = since === null ? '' : ` since ${timeText(since)}`;
  const text = `CronJob ${target.name} starts no new run (concurrencyPolicy Forbid), because ${run} still goes on${runs}.`;
  const base = draft(target, 'cronjob-blocked', text, event, events);
  if (active === undefined) return [base];
  return [{ ...base, pointers: [{ kind: 'job', namespace: target.namespace, name: active }], facts: { active } }];
}

const isForbidden = ({ object }: Target): boolean => textAt(object, 'spec', 'concurrencyPolicy') === 'Forbid';

async function startOf(io: AnalyzerIo, { namespace }: Target, name: string): Promise<Timestamp | null> {
  const jobs = await io.list('jobs', namespace);
  const job = jobs.kind === 'ok' ? jobs.value.find(({ metadata }) => metadata.name === name) : undefined;
  return timeAt(job, 'status', 'startTime');
}

function hasMissedTwo({ object }: Target, since: Timestamp | null, now: Timestamp): boolean {
  const every = intervalOf(textAt(object, 'spec', 'schedule'));
  return since !== null && every !== null && addMs(since, 2 * every) <= now;
}

/** The time between the starts of a plain schedule; null for one that is not the same all day. */
function intervalOf(schedule: string): number | null {
  const minute = 60_000;
  const named = {
    '@hourly': 60 * minute,
    '@daily': 1440 * minute,
    '@midnight': 1440 * minute,
    '@weekly': 10_080 * minute,
  };
  if (Object.hasOwn(named, schedule)) return named[schedule as keyof typeof named];
  const [minutes = '', hours = '', ...days] = schedule.trim().split(/\s+/);
  if (days.length !== 3 || days.some((field) => field !== '*')) return null;
  const step = (field: string): number | null =>
    Number(/^\*\/(\d+)$/.exec(field)?.[1] ?? 0) || (field === '*' ? 1 : null);
  if (hours === '*' && step(minutes) !== null) return (step(minutes) ?? 1) * minute;
  if (!/^\d+$/.test(minutes)) return null;
  if (/^\d+$/.test(hours)) return 1440 * minute;
  const every = step(hours);
  return every === null ? null : every * 60 * minute;
}

function missed(target: Target, events: readonly EventView[]): readonly Draft[] {
  const event = events.findLast(({ reason }) =>
    ['FailedNeedsStart', 'TooManyMissedTimes', 'MissSchedule'].includes(reason),
  );
  if (event === undefined) return [];
  const deadline = numberAt(target.object, 'spec', 'startingDeadlineSeconds');
  const last = timeAt(target.object, 'status', 'lastScheduleTime');
  const set = `startingDeadlineSeconds ${deadline ?? 'not set'}`;
  const since = last === null ? '' : ` Its last run was scheduled at ${timeText(last)}.`;
  const text = `CronJob ${target.name} missed its starts and is not started (${event.reason}, ${plural(event.count, 'time')}, ${set}): ${quote(event.message, 220).replace(/\.$/, '')}.${since}`;
  return [draft(target, 'cronjob-missed', text, event, events)];
}
