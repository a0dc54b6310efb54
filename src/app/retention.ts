import { AppError } from '../core/errors.ts';
import { shortestAgeMs } from '../core/retention.ts';
import type { RetentionRule, RetentionRules } from '../core/retention.ts';
import { formatDuration, parseDuration } from '../lib/duration.ts';

/** Flags of `fist serve` that say how long things are kept. */
export interface RetentionFlags {
  readonly retainRuns?: string;
  readonly retainEvents?: string;
  readonly retainDeadLetters?: string;
  readonly retainAlerts?: string;
}

/** Each setting: its flag, its environment variable, its default and what it is about. */
const retentionSettings = {
  runs: {
    flag: '--retain-runs',
    variable: 'FIST_RETAIN_RUNS',
    default: '30d,100000',
    about: 'finished runs with their steps, evidence and deliveries',
  },
  events: {
    flag: '--retain-events',
    variable: 'FIST_RETAIN_EVENTS',
    default: '7d,200000',
    about: 'notifications',
  },
  'dead-letters': {
    flag: '--retain-dead-letters',
    variable: 'FIST_RETAIN_DEAD_LETTERS',
    default: '30d,10000',
    about: 'input that could not be used',
  },
  alerts: {
    flag: '--retain-alerts',
    variable: 'FIST_RETAIN_ALERTS',
    default: '90d',
    about: 'resolved alerts without a run, and the history of resolved alerts,',
  },
} as const satisfies Record<keyof RetentionRules, { flag: string; variable: string; default: string; about: string }>;

/** What a flag means, for its help. */
export function retentionText(name: keyof RetentionRules): string {
  const { about, variable, default: standard } = retentionSettings[name];
  const limit = '30d, 100000, or 30d,100000 (whichever comes first); forever = never';
  return `deletes ${about} beyond this age or number: ${limit} (default: ${variable}, else ${standard})`;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags win over environment variables, those over defaults. Throws InvalidInput that names the flag. */
export function readRetention(flags: RetentionFlags, environment: Environment): RetentionRules {
  const read = (name: keyof RetentionRules, flag: string | undefined): RetentionRule => {
    const setting = retentionSettings[name];
    const fromEnvironment = environment[setting.variable];
    const field = flag === undefined && fromEnvironment !== undefined ? setting.variable : setting.flag;
    return readRule(flag ?? fromEnvironment ?? setting.default, field);
  };
  return {
    runs: read('runs', flags.retainRuns),
    events: read('events', flags.retainEvents),
    'dead-letters': read('dead-letters', flags.retainDeadLetters),
    alerts: read('alerts', flags.retainAlerts),
  };
}

/** `30d` is an age, `100000` a count, `30d,100000` both (whichever comes first); `0` and `forever` keep everything. */
function readRule(text: string, field: string): RetentionRule {
  if (text === '0' || text === 'forever') return { ageMs: null, count: null };
  const rule: { ageMs: number | null; count: number | null } = { ageMs: null, count: null };
  for (const part of text.split(',')) {
    if (/^[1-9]\d{0,11}$/.test(part) && rule.count === null) rule.count = Number(part);
    else if (rule.ageMs === null) rule.ageMs = readAge(part, field);
    else throw wrong(text, field);
  }
  return rule;
}

function readAge(text: string, field: string): number {
  let ageMs: number;
  try {
    ageMs = parseDuration(text);
  } catch {
    throw wrong(text, field);
  }
  if (ageMs >= shortestAgeMs) return ageMs;
  throw new AppError(
    'InvalidInput',
    `${text} is too short: what is younger than ${formatDuration(shortestAgeMs)} is always kept`,
    {
      field,
      next: `${field} 30d`,
    },
  );
}

function wrong(text: string, field: string): AppError {
  return new AppError('InvalidInput', `${JSON.stringify(text)} is neither an age, a count, both, nor forever`, {
    field,
    next: `${field} 30d, or 100000, or 30d,100000, or forever`,
  });
}
