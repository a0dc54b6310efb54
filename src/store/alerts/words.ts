import type { AlertRecord } from '../../core/alert.ts';

// Text search. An alert has words: of its name, its summary and the values of its labels. The index holds the beginnings of
// words only, so that a few thousand places hold all alerts and a batch of new ones touches few pages; whether an alert that
// is found so has the word that was asked for, is decided on the alert itself.

type Searched = Pick<AlertRecord, 'name' | 'summary' | 'labels'>;

const wordPattern = /[\p{L}\p{M}\p{N}]+/gu;
/** Between the humps of `KubePodOOMKilled`: Kube, Pod, OOM, Killed. */
const humps = /(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
const hasDigit = /\p{N}/u;
/** Only words in so much text of an alert are found, in UTF-16 units: the name, the summary, then the labels. */
const indexedText = 16 * 1024;
/** Words longer than this are searched by their beginning. */
const longestWord = 100;
const indexedCharacters = 4;
/** Words with digits are mostly random (`7d9f8b6c5`): spread over more places, each would change a page of its own. */
const indexedCharactersWithDigits = 2;
/** Shorter ones match whole words only, because too many words begin so. */
export const shortestBeginning = 3;

/**
 * The words of an alert in lower case. A name in camel case counts from each of its humps on: `KubePodCrashLooping` is
 * found by `kubepod`, by `crashloop` and by `looping`.
 */
export function wordsOf(alert: Searched): ReadonlySet<string> {
  return new Set(textsOf(alert).flatMap(wordsOfText));
}

function textsOf({ name, summary, labels }: Searched): readonly string[] {
  return [name, summary ?? '', ...Object.values(labels)];
}

function wordsOfText(text: string): readonly string[] {
  const words: string[] = [];
  for (const [word] of text.normalize('NFKC').matchAll(wordPattern)) {
    const parts = word.slice(0, longestWord).split(humps);
    for (let first = 0; first < parts.length; first++) words.push(parts.slice(first).join('').toLowerCase());
  }
  return words;
}

/** The words that somebody searches for, each once. */
export function searchTerms(text: string): readonly string[] {
  const words = text.normalize('NFKC').toLowerCase().match(wordPattern) ?? [];
  return [...new Set(words.map((word) => word.slice(0, longestWord)))];
}

/** Whether each term is the beginning of a word, or the whole word where it is short. */
export function hasTerms(alert: Searched, terms: readonly string[]): boolean {
  const text = textsOf(alert).join('\n').normalize('NFKC').toLowerCase();
  // Most alerts are told apart by their text; only beginnings in the middle of a name need all its words.
  const places = terms.map((term) => placeOf(text, term));
  if (places.includes('nowhere')) return false;
  if (!places.includes('inside')) return true;
  const words = [...wordsOf(alert)];
  return terms.every((term) => words.some((word) => (isShort(term) ? word === term : word.startsWith(term))));
}

const wordCharacter = /[\p{L}\p{M}\p{N}]/u;

/** Where a term is in a text: as it is wanted, somewhere else, or not at all. */
function placeOf(text: string, term: string): 'matches' | 'inside' | 'nowhere' {
  let place: 'inside' | 'nowhere' = 'nowhere';
  for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + 1)) {
    const before = text.codePointAt(at - 2) ?? 0;
    const isStart = !isWordCharacter(before > 0xffff ? before : (text.codePointAt(at - 1) ?? 0));
    const isEnd = !isShort(term) || !isWordCharacter(text.codePointAt(at + term.length) ?? 0);
    if (isStart && isEnd) return 'matches';
    place = 'inside';
  }
  return place;
}

function isWordCharacter(codePoint: number): boolean {
  return codePoint !== 0 && wordCharacter.test(String.fromCodePoint(codePoint));
}

/** Entries of the index for an alert. Words of one character have none. */
export function indexedWords(alert: Searched): ReadonlySet<string> {
  const entries = new Set<string>();
  let left = indexedText;
  for (const text of textsOf(alert)) {
    for (const entry of knownEntries(text.slice(0, left))) entries.add(entry);
    left -= text.length;
    if (left <= 0) break;
  }
  return entries;
}

/** Entries of texts that came lately: names, summaries and most label values come again and again. */
const recentEntries = new Map<string, readonly string[]>();
const mostRecent = 2000;
const longestRecent = 200;

function knownEntries(text: string): readonly string[] {
  const known = recentEntries.get(text);
  if (known !== undefined) return known;
  const entries = wordsOfText(text).flatMap(entryOf);
  if (text.length > longestRecent) return entries;
  if (recentEntries.size >= mostRecent) recentEntries.clear();
  recentEntries.set(text, entries);
  return entries;
}

function entryOf(word: string): readonly string[] {
  const characters = Array.from(word.slice(0, 2 * indexedCharacters));
  return characters.length > 1 ? [beginning(characters, hasDigit.test(word))] : [];
}

function beginning(characters: readonly string[], withDigits: boolean): string {
  return characters.slice(0, withDigits ? indexedCharactersWithDigits : indexedCharacters).join('');
}

/** Where a term is in the index. */
export interface TermEntries {
  readonly entries: readonly string[];
  /** All entries that begin with this belong to it too. */
  readonly prefix: string | null;
}

/** The term's places; of one character there are none. */
export function entriesOf(term: string): TermEntries | null {
  const characters = Array.from(term.slice(0, 2 * indexedCharacters));
  if (characters.length < 2) return null;
  const withDigits = beginning(characters, true);
  if (hasDigit.test(term) || isShort(term)) return { entries: [withDigits], prefix: null };
  // The word that was meant may go on with a digit.
  if (characters.length >= indexedCharacters)
    return { entries: [beginning(characters, false), withDigits], prefix: null };
  return { entries: [withDigits], prefix: term };
}

function isShort(term: string): boolean {
  return Array.from(term.slice(0, 2 * shortestBeginning)).length < shortestBeginning;
}
