import { timeText } from '../core/time.ts';
import { change, look, placeOf, kindAndName } from '../analyzers/advice.ts';
import type { Advice } from '../analyzers/define.ts';
import type { Recommendation } from '../core/finding.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { effectOf } from './effect.ts';
import { isSlight } from './rank.ts';
import type { Ranking } from './rank.ts';

/** Below this the first step only reads. */
const sureEnoughToChange = 0.8;

/**
 * What to do about the cause, from its own analyzer, and a rollback where a rollout explains it; what to look at where
 * there is no cause. Nothing that changes an object which is not on the way from the alert to the cause.
 */
export function recommend(
  ranking: Ranking,
  confidence: number,
  alert: AlertSnapshot | null,
): readonly Recommendation[] {
  const all = ranking.cause === null ? lookFurther(ranking, alert) : aboutCause(ranking, confidence);
  return all.map((item, index) => ({ priority: index + 1, ...item, ...effectOf(item) }));
}

function aboutCause(ranking: Ranking, confidence: number): readonly Advice[] {
  const { cause } = ranking;
  if (cause === null) return [];
  const own = [...rollback(ranking), ...cause.category.advice(cause.draft, placeOf(cause.draft))];
  if (confidence >= sureEnoughToChange) return own;
  return [...own.filter((one) => !one.requires_approval), ...own.filter((one) => one.requires_approval)];
}

function lookFurther({ findings }: Ranking, alert: AlertSnapshot | null): readonly Advice[] {
  // Pods that merely run on the node that the alert is about say nothing about it.
  const first = findings.find(
    ({ draft, target }) => !isSlight(draft) && !(target.relation === 'holds' && target.via?.kind === 'node'),
  );
  const own = first === undefined ? [] : first.category.advice(first.draft, placeOf(first.draft));
  const reading = own.filter((one) => !one.requires_approval);
  const more = [...reading, ...whatTheAlertSays(alert)];
  if (more.length > 0) return more;
  return [
    look(
      'Look at the open questions, and give this investigation what it could not read.',
      'Nothing that was read explains the alert.',
    ),
  ];
}

/** Where an alert itself leads: its runbook, and the query behind it. */
function whatTheAlertSays(alert: AlertSnapshot | null): readonly Advice[] {
  const runbook = alert?.annotations['runbook_url'] ?? '';
  const query = alert?.generatorUrl ?? '';
  return [
    ...(runbook === '' ? [] : [look(`Read the runbook: ${runbook}`, 'It was written for this alert.')]),
    ...(query === ''
      ? []
      : [
          look(
            `Look at the query of the alert: ${query}`,
            'It shows what the alert measures, which the cluster itself does not say.',
          ),
        ]),
  ];
}

function rollback({ change: rollout, changes }: Ranking): readonly Advice[] {
  if (rollout === null) return [];
  const { namespace } = placeOf(rollout.draft);
  const { revision, previous_revision: previous, changed_at: at } = rollout.draft.facts;
  const back = (to: string | undefined): string =>
    `kubectl -n ${namespace} rollout undo ${kindAndName(rollout.draft.object)} --to-revision=${to}`;
  return [
    {
      ...change(
        back(previous),
        `Revision ${revision} was rolled out at ${timeText(at ?? null)} and changed: ${changes.map((one) => one.text).join('; ')}.`,
      ),
      undo: back(revision),
    },
  ];
}
