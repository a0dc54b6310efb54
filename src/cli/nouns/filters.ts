import { shellWord } from '../../lib/shell-word.ts';

/** A flag of `fist get` that is a query parameter of the API. */
interface Filter {
  /** As commander reads it. */
  readonly flags: string;
  readonly text: string;
}

/** By the name of the query parameter, which is the long flag too. Which nouns take which: `filters` of each {@link Noun}. */
export const filters = {
  since: {
    flags: '--since <time>',
    text: 'only what was made (alerts: what changed last) then or later: 1h, 2d, or an RFC 3339 time',
  },
  until: { flags: '--until <time>', text: 'only what was made, or changed last, before' },
  search: {
    flags: '--search <words>',
    text: 'only with these words, or beginnings of words, in name, summary or labels',
  },
  status: { flags: '--status <status>', text: 'only with this status (alerts: open, unless --all)' },
  all: { flags: '--all', text: 'with any status' },
  history: { flags: '--history', text: 'with what happened to each' },
  severity: { flags: '--severity <severity>', text: 'only with this severity' },
  name: { flags: '--name <name>', text: 'only with this alertname' },
  label: {
    flags: '-l, --label <matcher...>',
    text: 'only with labels that match, as Alertmanager writes it: team=a, severity!=info, pod=~"web-.*"',
  },
  workflow: { flags: '--workflow <name>', text: 'only of this Workflow' },
  alert: { flags: '--alert <id>', text: 'only of this alert' },
  error: { flags: '--error <code>', text: 'only with this error code' },
  run: { flags: '--run <id>', text: 'only of this run' },
  sink: { flags: '--sink <name>', text: 'only to this Sink' },
  source: { flags: '--source <name>', text: 'only from this Source' },
  reason: { flags: '--reason <reason>', text: 'only with this reason' },
  namespace: { flags: '-n, --namespace <name>', text: 'only of this namespace (alerts: of what the alert is about)' },
  fistNamespace: { flags: '--fist-namespace <name>', text: 'only of Sources in this namespace' },
} as const satisfies Readonly<Record<string, Filter>>;

export type FilterName = keyof typeof filters;

/** Values of the flags, as commander gives them. */
export type FilterFlags = { readonly [name in FilterName]?: FilterValue<(typeof filters)[name]['flags']> };

/** A flag with `<word...>` may be given several times, one without a word is on. */
type FilterValue<Flags extends string> = Flags extends `${string}...>`
  ? readonly string[]
  : Flags extends `${string}>`
    ? string
    : boolean;

/** `--fist-namespace`. */
export function longFlag(name: FilterName): string {
  return /--[a-z-]+/.exec(filters[name].flags)?.[0] ?? '';
}

/** `-n shop`, for a command to copy. */
export function filterText(name: FilterName, value: string): string {
  const flag = filters[name].flags.split(/[ ,]/)[0] ?? '';
  return `${flag} ${shellWord(value)}`;
}

export const filterNames = Object.keys(filters) as readonly FilterName[];
