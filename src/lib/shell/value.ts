import { flushOperator } from './grammar.ts';
import { judge } from './judge.ts';
import { endExpansion } from './scan.ts';
import { currentWord, topFrame } from './state.ts';
import type { State } from './state.ts';
import { lose } from './steps.ts';
import type { Report } from './steps.ts';

/**
 * Puts a template's value at the place the scanner has reached and gives the shell text that stands for the variable there.
 * Without a value (lint) only the place is judged.
 */
export function placeValue(state: State, value: string | undefined, variable: string, report: Report): string {
  if (state.isLost) return '';
  if (state.isEscaped) {
    lose(state, 'a backslash directly in front of the value', report);
    return '';
  }
  if (state.dollar === '$') {
    lose(state, 'a $ directly in front of the value (write \\$ for a dollar sign)', report);
    return '';
  }
  endExpansion(state, report);
  const frame = topFrame(state);
  if (frame.kind === 'command') {
    flushOperator(state, frame, report);
    frame.isJustOpened = false;
  }
  judge(state, { what: 'the value', isVariable: false, startsWithDash: value?.startsWith('-') ?? false }, report);
  const word = currentWord(state);
  word.hasValue = true;
  if (value === '') word.hasEmptyValue = true;
  else if (value !== undefined) word.isBlank = false;
  // Braces keep the name apart from literal text behind it; quotes keep the shell from splitting and globbing.
  if (frame.kind === 'double') return `\${${variable}}`;
  return frame.kind === 'single' ? `'"\${${variable}}"'` : `"\${${variable}}"`;
}
