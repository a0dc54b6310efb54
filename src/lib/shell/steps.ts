import { currentWord } from './state.ts';
import type { State } from './state.ts';

/**
 * Receives what is wrong at the character being scanned: a position that can never be made safe, or an `argument` that is
 * unsafe with this value only.
 */
export type Report = (reason: string, kind?: 'argument') => void;

/** Gives up: shells disagree about what follows, or this scanner does not know it. */
export function lose(state: State, reason: string, report: Report): void {
  state.isLost = true;
  report(`${reason}; a command with template values cannot be checked here`);
}

/** Adds a literal character to the word in progress. */
export function append(state: State, character: string, report: Report): void {
  const word = currentWord(state);
  if (character === '-' && word.isBlank && word.hasEmptyValue) {
    report('a value is empty here, so that the word would begin with - and be taken for an option', 'argument');
  }
  word.literal += character;
  word.isBlank = false;
}

export function openBacktick(state: State): void {
  currentWord(state).hasExpansion = true;
  state.frames.push({ kind: 'backtick', text: '' });
}

/** Begins the body of the next here-document, behind a newline. */
export function startHereDocument(state: State): void {
  const document = state.hereDocuments.shift();
  if (document !== undefined) state.frames.push({ kind: 'here-document', document, line: '', text: '' });
}
