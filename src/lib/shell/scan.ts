import { endCommand, endWord, flushOperator, scanCommand } from './grammar.ts';
import { readVariable } from './judge.ts';
import { commandFrame, currentWord, topFrame } from './state.ts';
import type { Frame, State } from './state.ts';
import { append, lose, openBacktick, startHereDocument } from './steps.ts';
import type { Report } from './steps.ts';

/** Follows the script over one literal character (a UTF-16 unit). */
export function scanCharacter(state: State, character: string, report: Report): void {
  if (state.isLost) return;
  const frame = topFrame(state);
  switch (frame.kind) {
    case 'single':
      if (character === "'") state.frames.pop();
      else append(state, character, report);
      return;
    case 'comment':
      if (character !== '\n') return;
      state.frames.pop();
      scanCharacter(state, character, report);
      return;
    case 'here-document':
      scanHereDocument(state, frame, character, report);
      return;
    case 'backtick':
      scanBacktick(state, frame, character, report);
      return;
    default:
  }
  if (state.isEscaped) {
    state.isEscaped = false;
    if (character !== '\n') escaped(state, frame, character, report);
    return;
  }
  if (scanExpansion(state, character, report)) return;
  const current = topFrame(state);
  if (current.kind === 'command') scanCommand(state, current, character, report);
  else scanQuoted(state, current, character, report);
}

/** Ends what the end of the script ends; reports what is still open. */
export function scanEnd(state: State, report: Report): void {
  if (state.isLost) return;
  const last = topFrame(state);
  if (last.kind === 'comment') state.frames.pop();
  if (last.kind === 'here-document' && closes(last)) endHereDocument(state, last, report);
  endExpansion(state, report);
  const frame = topFrame(state);
  if (frame.kind !== 'command' || frame.closing !== 'end') {
    report(`the command ends inside ${frameName(frame)}`);
    return;
  }
  flushOperator(state, frame, report);
  endWord(state, frame, report);
  endCommand(frame, '\n', report);
  if (state.hereDocuments.length > 0) report('the command ends before its here-document');
}

function frameName(frame: Frame): string {
  if (frame.kind === 'single') return 'single quotes';
  if (frame.kind === 'double') return 'double quotes';
  if (frame.kind === 'here-document') return 'a here-document';
  if (frame.kind === 'backtick') return 'back-ticks';
  return frame.kind === 'parameter' ? '${ }' : frame.kind === 'arithmetic' ? '$(( ))' : 'parentheses';
}

function escaped(state: State, frame: Frame, character: string, report: Report): void {
  if (frame.kind === 'command') {
    flushOperator(state, frame, report);
    frame.isJustOpened = false;
    currentWord(state).isQuoted = true;
  }
  if (frame.kind === 'parameter' || frame.kind === 'arithmetic') frame.text += character;
  else append(state, character, report);
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
    openSubstitution(state, character === '(');
    return character === '(';
  }
  if (state.dollar !== '$') return false;
  if (character === '(') {
    state.dollar = '$(';
    return true;
  }
  if (character === '\\') lose(state, 'a backslash behind $', report);
  const frame = topFrame(state);
  if (character === "'" && frame.kind === 'command')
    lose(state, "$'...' means different things in different shells", report);
  state.dollar = '';
  if (character === '{') {
    state.frames.push({ kind: 'parameter', text: '', isQuoted: frame.kind !== 'command' });
    return true;
  }
  if (/[A-Za-z_]/.test(character)) {
    state.variable = character;
    return true;
  }
  if (/[0-9@*#?$!-]/.test(character)) {
    readVariable(state, character, report);
    return true;
  }
  append(state, '$', report);
  return false;
}

/** Ends a `$name` in progress; a `$(` that was still open is a substitution. */
export function endExpansion(state: State, report: Report): void {
  if (state.variable !== undefined) {
    const name = state.variable;
    state.variable = undefined;
    readVariable(state, name, report);
  }
  if (state.dollar === '$(') openSubstitution(state, false);
  if (state.dollar === '$') append(state, '$', report);
  state.dollar = '';
}

function openSubstitution(state: State, isArithmetic: boolean): void {
  state.dollar = '';
  const word = currentWord(state);
  word.hasExpansion = true;
  if (isArithmetic) state.frames.push({ kind: 'arithmetic', text: '', depth: 2 });
  else state.frames.push(commandFrame('substitution'));
}

function scanBacktick(state: State, frame: Frame & { kind: 'backtick' }, character: string, report: Report): void {
  if (state.isEscaped) state.isEscaped = false;
  else if (character === '\\') state.isEscaped = true;
  else if (character === '`') {
    state.frames.pop();
    reportTainted(state, frame.text, 'back-ticks', report);
    return;
  }
  frame.text += character;
}

function scanHereDocument(
  state: State,
  frame: Frame & { kind: 'here-document' },
  character: string,
  report: Report,
): void {
  if (character !== '\n') {
    frame.line += character;
    return;
  }
  if (closes(frame)) {
    endHereDocument(state, frame, report);
    startHereDocument(state);
    return;
  }
  frame.text += `${frame.line}\n`;
  frame.line = '';
}

function closes(frame: Frame & { kind: 'here-document' }): boolean {
  const { delimiter, stripsTabs } = frame.document;
  return (stripsTabs ? frame.line.replace(/^\t+/, '') : frame.line) === delimiter;
}

function endHereDocument(state: State, frame: Frame & { kind: 'here-document' }, report: Report): void {
  state.frames.pop();
  reportTainted(state, frame.text, 'a here-document', report);
}

/** Variables that hold values, in text that is not scanned further. */
function reportTainted(state: State, text: string, where: string, report: Report): void {
  for (const name of text.match(/\w+/g) ?? []) {
    if (Object.hasOwn(state.tainted, name)) report(`$${name} holds a template value, which may not stand in ${where}`);
  }
}

/** Double quotes, `${ }` and `$(( ))`. */
function scanQuoted(state: State, frame: Frame, character: string, report: Report): void {
  const isDouble = frame.kind === 'double';
  if (character === '\\') {
    if (frame.kind === 'arithmetic') lose(state, 'a backslash in $(( ))', report);
    state.isEscaped = true;
  } else if (character === '$') state.dollar = '$';
  else if (character === '`') openBacktick(state);
  else if (character === '"' && isDouble) state.frames.pop();
  else if (isDouble) append(state, character, report);
  else if (frame.kind === 'parameter') scanParameter(state, frame, character, report);
  else if (frame.kind === 'arithmetic') scanArithmetic(state, frame, character, report);
}

function scanParameter(state: State, frame: Frame & { kind: 'parameter' }, character: string, report: Report): void {
  if (character === '}') {
    state.frames.pop();
    const name = /^[#!]?(\w+|[@*?$!#-])/.exec(frame.text)?.[1] ?? '';
    reportTainted(state, frame.text.slice(name.length + 1), '${ }', report);
    readVariable(state, name, report);
  } else if (frame.isQuoted && (character === '"' || character === "'")) {
    lose(state, 'quotes in a quoted ${ }', report);
  } else if (character === '"') state.frames.push({ kind: 'double' });
  else if (character === "'") state.frames.push({ kind: 'single' });
  else frame.text += character;
}

function scanArithmetic(state: State, frame: Frame & { kind: 'arithmetic' }, character: string, report: Report): void {
  if (character === '"' || character === "'") lose(state, 'quotes in $(( ))', report);
  if (character === '(') frame.depth += 1;
  if (character === ')') frame.depth -= 1;
  if (frame.depth > 0) frame.text += character;
  else {
    state.frames.pop();
    reportTainted(state, frame.text, '$(( ))', report);
  }
}
