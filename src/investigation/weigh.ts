import { nameOf } from '../analyzers/define.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { bearingsOf } from './bearing.ts';
import type { Analysis } from './findings.ts';
import { beganBy } from './metrics/alert-series.ts';
import { candidatesOf } from './metrics/candidates.ts';
import type { Measured } from './metrics/measured.ts';
import { isOwn } from './metrics/subjects.ts';
import { rank } from './rank.ts';
import type { Asked, Ranking } from './rank.ts';

/** The ranking with what metrics say, and what is no longer among the objects that were found well. */
interface Weighed {
  readonly ranking: Ranking;
  /** Objects about which metrics alone show something. */
  readonly unwell: readonly string[];
}

/**
 * Ranks again with what was measured: each finding with what a metric says for or against it, rollouts not where they came after
 * what the alert measures, and what metrics alone show where there is no other cause.
 */
export function weigh(
  analyses: readonly Analysis[],
  asked: Asked,
  measured: readonly Measured[],
  alert: AlertSnapshot | null,
): Weighed {
  const own = measured.find(({ kind }) => kind === 'alert');
  const measuredSince = own === undefined ? null : beganBy(own);
  const bearings = bearingsOf({ measured, measuredSince });
  const told: Asked = { ...asked, measuredSince };
  const ranking = rank(analyses, told, bearings);
  if (ranking.cause !== null) return { ranking, unwell: [] };
  const { questions, startsAt } = asked;
  const candidates = candidatesOf({ alert, questions, startsAt, measured }).filter(({ target }) => isOwn(target));
  if (candidates.length === 0) return { ranking, unwell: [] };
  return {
    ranking: rank([...analyses, ...candidates], told, bearings),
    unwell: candidates.map(({ target }) => nameOf(target)),
  };
}
