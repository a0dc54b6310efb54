import { AppError } from '../../core/errors.ts';
import { mostSimilar } from '../../lib/similar.ts';
import { alerts } from './alerts.ts';
import { deliveries } from './deliveries.ts';
import { gaps } from './gaps.ts';
import { deadLetters, events } from './intake.ts';
import type { Noun } from './noun.ts';
import { sinks, sources, workflows } from './resources.ts';
import { runs } from './runs.ts';

/** A noun whose items only its own columns know. */
export type AnyNoun = Noun<never>;

/** One thing that a person named. */
export interface NamedObject {
  readonly noun: AnyNoun;
  /** An id, or `[NAMESPACE/]NAME`. */
  readonly key: string;
}

/** In the order in which help names them. */
export const nouns: readonly AnyNoun[] = [
  alerts,
  runs,
  deliveries,
  events,
  deadLetters,
  gaps,
  sources,
  workflows,
  sinks,
];

/** Nouns of which one can be shown. */
const keyed = nouns.filter(({ key }) => key !== null);

/** By plural, singular or short name, in any case. */
export function findNoun(word: string): AnyNoun | undefined {
  const wanted = word.toLowerCase();
  return nouns.find(({ plural, singular, short }) => [plural, singular, ...short].includes(wanted));
}

/** Throws InvalidInput with the words that there are, and the one that was probably meant. */
export function nounOf(word: string): AnyNoun {
  const noun = findNoun(word);
  if (noun !== undefined) return noun;
  const meant = mostSimilar(
    word,
    nouns.flatMap(({ plural, singular }) => [plural, singular]),
  );
  throw new AppError('InvalidInput', `${word} is not one of ${nouns.map(({ plural }) => plural).join(', ')}`, {
    next: meant === undefined ? 'fist get --help' : `fist get ${meant}`,
  });
}

/** `NOUN/KEY`. Throws InvalidInput where it is not one of these nouns. */
export function objectOf(
  text: string,
  accepted: readonly string[] = keyed.map(({ singular }) => singular),
): NamedObject {
  const [word = '', ...rest] = text.split('/');
  const key = rest.join('/');
  const noun = findNoun(word);
  const isAccepted = noun !== undefined && accepted.includes(noun.singular);
  if (isAccepted && key !== '') return { noun, key };
  const wanted = keyed
    .filter(({ singular }) => accepted.includes(singular))
    .map((one) => `${one.singular}/${one.key === 'name' ? '[NAMESPACE/]NAME' : 'ID'}`);
  const listed = isAccepted ? noun.plural : nounOf(accepted[0] ?? '').plural;
  throw new AppError('InvalidInput', `${text} is not one of ${wanted.join(', ')}`, {
    next: `fist get ${listed} -o name`,
  });
}

/**
 * `NOUN KEY...` or `NOUN/KEY...`, as kubectl takes them; names without a namespace are of this one, if it is given. Throws
 * InvalidInput.
 */
export function objectsOf(words: readonly string[], namespace?: string): readonly NamedObject[] {
  const [first = '', ...rest] = words;
  const isParted = !first.includes('/') && rest.length > 0;
  const noun = isParted ? nounOf(first) : undefined;
  const named =
    noun === undefined
      ? words.map((word) => objectOf(word))
      : rest.map((key) => objectOf(findNoun(key.split('/')[0] ?? '') === noun ? key : `${noun.singular}/${key}`));
  return named.map((object) =>
    namespace === undefined || object.noun.key !== 'name' || object.key.includes('/')
      ? object
      : { ...object, key: `${namespace}/${object.key}` },
  );
}

/** Where the API shows it. */
export function pathOf({ noun, key }: NamedObject): string {
  return `/api/v1/${noun.plural}/${key.split('/').map(encodeURIComponent).join('/')}`;
}
