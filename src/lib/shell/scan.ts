import { closeWord, endCommand, flushOperator, scanCommand } from './grammar.ts';
import { lose } from './report.ts';
import type { Report } from './report.ts';
import { commandFrame, currentWord, expansionMark, isDynamic, topFrame, valueMark } from './state.ts';
import type { Frame, State } from './state.ts';

/** Follows the script over one literal character (a UTF-16 unit). */
export function scanCharacter(state: State, character: string, report: Report): void {
  if (state.isLost) return;
  if (isDynamic(character)) lose(state, 'control characters', report);
  const frame = topFrame(state);
  if (frame.kind === 'single') {
    if (character === "'") state.frames.pop();
    else append(state, character, report);
  } else if (frame.kind === 'comment') {
    if (character !== '\n') return;
    state.frames.pop();
    scanCharacter(state, character, report);
  } else if (state.isEscaped) {
    state.isEscaped = false;
    if (character !== '\n') scanEscaped(state, frame, character, report);
  } else if (!scanExpansion(state, character, report)) {
    const current = topFrame(state);
    if (current.kind === 'command') scanCommand(state, current, character, report);
    else if (current.kind === 'parameter') scanParameter(state, current, character, report);
    else scanDouble(state, character, report);
  }
}

/** Ends what the end of the script ends; reports what is still open. */
export function scanEnd(state: State, report: Report): void {
  if (state.isLost) return;
  if (topFrame(state).kind === 'comment') state.frames.pop();
  endExpansion(state, report);
  const frame = topFrame(state);
  if (frame.kind !== 'command' || frame.closing !== 'end') {
    report.refuse(`the command ends inside ${frameNames[frame.kind]}`);
    return;
  }
  flushOperator(state, frame, report);
  closeWord(state, frame, report);
  endCommand(frame, '\n', report);
}

const frameNames: Readonly<Record<Frame['kind'], string>> = {
  command: 'parentheses',
  single: 'single quotes',
  double: 'double quotes',
  comment: 'a comment',
  parameter: '${ }',
};

/**
 * Puts a template's value at the place the scanner has reached and gives the shell text that stands for the variable there.
 * The value is undefined for lint.
 */
export function placeValue(state: State, value: string | undefined, variable: string, report: Report): string {
  if (state.isLost) return '';
  if (state.isEscaped) lose(state, 'a backslash directly in front of a value', report);
  if (state.dollar === '$') lose(state, 'a $ directly in front of a value (write \\$ for a dollar sign)', report);
  endExpansion(state, report);
  const frame = topFrame(state);
  if (frame.kind === 'comment' || frame.kind === 'parameter')
    lose(state, `a value in ${frameNames[frame.kind]}`, report);
  if (frame.kind === 'command') flushOperator(state, frame, report);
  if (state.isLost) return '';
  append(state, valueMark, report);
  if (value !== undefined) currentWord(state, report.place).values.push(value);
  // Braces keep the name apart from literal text behind it; quotes keep the shell from splitting and globbing.
  if (frame.kind === 'double') return `\${${variable}}`;
  return frame.kind === 'single' ? `'"\${${variable}}"'` : `"\${${variable}}"`;
}

function append(state: State, character: string, report: Report): void {
  const word = currentWord(state, report.place);
  if (isDynamic(character) && !isDynamic(word.text)) word.place = report.place;
  word.text += character;
}

function scanEscaped(state: State, frame: Frame, character: string, report: Report): void {
  if (frame.kind === 'command') {
    flushOperator(state, frame, report);
    currentWord(state, report.place).isQuoted = true;
  } else if (!'$`"\\'.includes(character)) append(state, '\\', report);
  append(state, character, report);
}

/** Characters that may belong to an expansion begun with `$`; true where the character is used up. */
function scanExpansion(state: State, character: string, report: Report): boolean {
  if (state.variable !== undefined) {
    if (/\w/.test(character)) {
      state.variable += character;
      return true;
    }
    endExpansion(state, report);
    return false;
  }
  if (state.dollar === '$(') {
    if (character === '(') lose(state, 'arithmetic in $(( ))', report);
    else openSubstitution(state, report);
    return character === '(';
  }
  if (state.dollar !== '$') return false;
  if (character === '(') {
    state.dollar = '$(';
    return true;
  }
  const isPlain = topFrame(state).kind === 'command';
  if (character === '\\') lose(state, 'a backslash behind $', report);
  if (isPlain && /['"]/.test(character)) lose(state, `$${character}, which shells read in different ways`, report);
  if (character === '[') lose(state, 'arithmetic in $[ ]', report);
  state.dollar = '';
  if (character === '{') {
    state.frames.push({ kind: 'parameter', text: '' });
    return true;
  }
  if (/[A-Za-z_]/.test(character)) {
    state.variable = character;
    return true;
  }
  if (/[0-9@*#?$!-]/.test(character)) {
    expand(state, character, report);
    return true;
  }
  append(state, '$', report);
  return false;
}

/** Ends a `$name` in progress; a `$(` that was still open is a substitution. */
function endExpansion(state: State, report: Report): void {
  if (state.variable !== undefined) expand(state, state.variable, report);
  state.variable = undefined;
  if (state.dollar === '$(') openSubstitution(state, report);
  if (state.dollar === '$') append(state, '$', report);
  state.dollar = '';
}

function openSubstitution(state: State, report: Report): void {
  state.dollar = '';
  expand(state, '', report);
  state.frames.push(commandFrame('substitution'));
}

/** `$?`, `$#`, `$$` and `$!` are numbers; whatever else the shell puts in is not known. */
function expand(state: State, name: string, report: Report): void {
  // The words of "$@" are as many as there are, in quotes too.
  if (/^[@*]$/.test(name)) lose(state, `$${name}`, report);
  const isNumber = /^[?#$!]$/.test(name);
  append(state, isNumber ? '0' : expansionMark, report);
  if (isNumber) return;
  const word = currentWord(state, report.place);
  word.variables.push(/\w+/.exec(name)?.[0] ?? '');
  if (topFrame(state).kind === 'command') word.isSplit = true;
}

function scanDouble(state: State, character: string, report: Report): void {
  if (character === '\\') state.isEscaped = true;
  else if (character === '$') state.dollar = '$';
  else if (character === '`') lose(state, 'back-ticks (write $( ) instead)', report);
  else if (character === '"') state.frames.pop();
  else append(state, character, report);
}

/** A name, its length, or a name with a plain word: a default (`-`, `+`, `?`) or a pattern to take off (`%`, `#`). */
const plainParameter = /^(?:#?\w+|\w+(?::?[-+?]|%%?|##?)[^{}]*|[@*?#$!-])$/;

function scanParameter(state: State, frame: Frame & { kind: 'parameter' }, character: string, report: Report): void {
  if (/[$`"'\\{\n]/.test(character)) lose(state, '${ } with more than plain words in it', report);
  else if (character !== '}') frame.text += character;
  else {
    state.frames.pop();
    if (plainParameter.test(frame.text)) expand(state, frame.text, report);
    else lose(state, `\${${frame.text}}, which is more than a plain variable`, report);
  }
}
