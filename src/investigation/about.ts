import { timeText } from '../core/time.ts';
import { nameOf } from '../analyzers/define.ts';
import type { Labels } from '../core/alert.ts';
import { alertJson } from '../core/context.ts';
import type { AgentResult, Cause, ChainLink } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { capital, plural } from '../lib/words.ts';
import { certaintyOf } from '../report/words.ts';
import type { RankedFinding } from './findings.ts';
import type { InvestigationInput } from './input.ts';
import { alertObject, alertTitle, namedObjects } from './labels.ts';
import { causeSentence, changeSentence } from './cause-words.ts';
import type { Ranking } from './rank.ts';
import { silenceCommand } from './silence.ts';

type Clean = (text: string, limit?: number) => string;

/** The part of a result that says what it is about: the alert, its object, where it leads. Needs no reading. */
export function aboutAlerts(
  { alert, others = [], othersInAll = 0 }: InvestigationInput,
  clusterName: string | null,
  clean: Clean,
): Pick<AgentResult, 'alert' | 'other_alerts' | 'more_alerts' | 'object' | 'cluster' | 'links'> {
  const named = alert === null ? null : namedObjects(alert.name, alert.labels);
  const cluster = named?.cluster ?? clusterName;
  return {
    // What was asked about an object is no alert.
    alert: alert === null || alert.fingerprint === '' ? null : cleanAlert(alert, clean),
    other_alerts: others.map((other) => clean(alertTitle(other), 300)),
    more_alerts: Math.max(0, othersInAll - others.length),
    object: alert === null ? null : alertObject(alert.name, alert.labels),
    cluster: cluster === null ? null : clean(cluster, 100),
    links: {
      runbook: given(alert?.annotations['runbook_url'], clean),
      query: given(alert?.generatorUrl, clean),
      silence: alert === null ? null : silenceCommand(alert),
    },
  };
}

/** Values of labels and annotations that a report keeps; an alert of more stays whole in its own row. */
const maxValues = 100;

function cleanAlert(alert: AlertSnapshot, clean: Clean): JsonObject {
  const values = (given: Labels): Labels =>
    Object.fromEntries(
      Object.entries(given)
        .slice(0, maxValues)
        .map(([name, value]) => [clean(name, 200), clean(value, 1000)]),
    );
  const text = (given: string | null): string | null => (given === null ? null : clean(given, 1000));
  return alertJson({
    ...alert,
    name: clean(alert.name, 200),
    labels: values(alert.labels),
    annotations: values(alert.annotations),
    summary: text(alert.summary),
    description: text(alert.description),
    generatorUrl: text(alert.generatorUrl),
  });
}

function given(text: string | null | undefined, clean: Clean): string | null {
  return text === null || text === undefined || text === '' ? null : clean(text, 1000);
}

/** One sentence in the past tense: what happened to what the alert names; without a finding, what the alert said. */
export function whatHappened(
  { findings, chain }: Ranking,
  way: readonly ChainLink[],
  alert: AlertSnapshot | null,
  clean: Clean,
): string {
  const named = way[0]?.object;
  const symptom = findings.find(({ target }) => nameOf(target) === named) ?? chain[0] ?? findings[0];
  if (symptom !== undefined) return clean(happenedSentence(symptom), 600);
  const says = alert?.description ?? alert?.summary ?? '';
  if (says !== '') return `The alert said: "${clean(says, 400)}"`;
  if (alert === null) return 'Nothing that was looked at was found unwell.';
  if (alert.fingerprint === '') return 'Nothing that is linked to it was found unwell.';
  const since = alert.startsAt === null ? '' : ` at ${timeText(alert.startsAt)}`;
  return `${clean(alert.name, 200)} began to fire${since}.`;
}

/** `container app of pod web-1`, `node worker-1`. */
export function subjectOf({ object, facts }: RankedFinding['draft']): string {
  const container = facts['container'];
  const [kind = '', ...path] = object.split('/');
  const name = `${kind} ${path.at(-1) ?? ''}`;
  return container === undefined || kind !== 'pod' ? name : `container ${container} of ${name}`;
}

function happenedSentence({ draft, category, alike }: RankedFinding): string {
  const { restarts } = draft.facts;
  const subject = subjectOf(draft);
  const often = restarts === undefined || restarts === '0' ? '' : `, ${plural(Number(restarts), 'restart')}`;
  const more = alike.length === 0 ? '' : `, and so did ${alike.length} more like it`;
  const { from, source } = draft.when;
  // The status of a container that was started again tells of its last end only.
  const when = often !== '' && source.startsWith('status of') ? 'last at' : 'since';
  const since = from === null ? '' : `, ${when} ${timeText(from)}`;
  return capital(`${subject} ${category.happened}${often}${since}${more}.`);
}

/** The cause in its parts; null where there is none. */
export function causeOf({ cause, change, changes }: Ranking, confidence: number, clean: Clean): Cause | null {
  if (cause === null) return null;
  const { category, object, when } = cause.draft;
  return {
    sentence: clean(causeSentence(cause), 2500),
    category,
    object: clean(object),
    certainty: certaintyOf(confidence),
    since: when.from,
    change: change === null ? null : clean(changeSentence(cause, change, changes), 1500),
  };
}
