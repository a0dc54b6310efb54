import { acceptWord, finishCommand, startCommand } from './command.ts';
import { judgeAssignment, judgeName, judgePlain, judgeTarget } from './judge.ts';
import { lose } from './report.ts';
import type { Report } from './report.ts';
import { commandFrame, currentWord, isDynamic } from './state.ts';
import type { CommandFrame, Expectation, State, Word } from './state.ts';

const operators = new Set(['&', '|', ';', '<', '>', '&&', '||', ';;', '>>', '<&', '>&', '>|']);
const foreignOperators: Readonly<Record<string, string>> = {
  '<<': 'here-documents',
  '<>': '<>',
  '&>': '&>',
  '|&': '|&',
  ';&': ';&',
  '<(': '<( )',
  '>(': '>( )',
};

/** One character of a list of commands, outside all quotes. */
export function scanCommand(state: State, frame: CommandFrame, character: string, report: Report): void {
  if (character === '\\') {
    state.isEscaped = true;
    return;
  }
  if (frame.operator !== '') {
    const longer = frame.operator + character;
    const foreign = foreignOperators[longer];
    if (foreign !== undefined) {
      lose(state, foreign, report);
      return;
    }
    if (operators.has(longer)) {
      frame.operator = longer;
      return;
    }
    flushOperator(state, frame, report);
  }
  const { isJustOpened } = frame;
  frame.isJustOpened = false;
  switch (character) {
    case "'":
    case '"':
      currentWord(state, report.place).isQuoted = true;
      state.frames.push({ kind: character === "'" ? 'single' : 'double' });
      return;
    case '`':
      lose(state, 'back-ticks (write $( ) instead)', report);
      return;
    case '$':
      currentWord(state, report.place);
      state.dollar = '$';
      return;
    case '(':
      if (isJustOpened) lose(state, 'arithmetic in (( ))', report);
      else openParenthesis(state, frame, report);
      return;
    case ')':
      closeParenthesis(state, frame, report);
      return;
    default:
      if (character === '#' && frame.word === undefined) state.frames.push({ kind: 'comment' });
      else scanPlain(state, frame, character, report);
  }
}

function scanPlain(state: State, frame: CommandFrame, character: string, report: Report): void {
  if (character === ' ' || character === '\t') closeWord(state, frame, report);
  else if (character === '\n') {
    closeWord(state, frame, report);
    endCommand(frame, '\n', report);
  } else if (operators.has(character)) {
    if (/[<>]/.test(character) && frame.word?.hasBrace === true) lose(state, '{name} in front of < or >', report);
    if (/[<>]/.test(character) && isFileDescriptor(frame.word)) frame.word = undefined;
    else closeWord(state, frame, report);
    frame.operator = character;
  } else {
    const word = currentWord(state, report.place);
    if (character === '{' || character === '}') word.hasBrace = true;
    if (character === '=') noteAssignment(frame, word);
    word.text += character;
  }
}

function isFileDescriptor(word: Word | undefined): boolean {
  return word !== undefined && !word.isQuoted && /^[0-9]+$/.test(word.text);
}

/** `name=` at the beginning of an unquoted word assigns where a command may start. */
function noteAssignment(frame: CommandFrame, word: Word): void {
  if (word.assigns !== undefined || word.isQuoted || frame.expects !== 'command' || frame.redirect !== '') return;
  // `name+=` and `name[0]=` assign in some shells; they are no names that are allowed.
  if (/^[A-Za-z_][^/]*$/.test(word.text)) word.assigns = word.text;
}

/** Acts on the operator in progress. */
export function flushOperator(state: State, frame: CommandFrame, report: Report): void {
  const { operator } = frame;
  if (operator === '') return;
  frame.operator = '';
  if (/[<>]/.test(operator)) frame.redirect = operator;
  else endCommand(frame, operator, report);
}

function openParenthesis(state: State, frame: CommandFrame, report: Report): void {
  if (frame.expects === 'case-pattern' && frame.word === undefined) {
    frame.isInPattern = true;
    return;
  }
  if (frame.expects === 'command' && frame.word === undefined && !frame.isPrefixed) {
    state.frames.push(commandFrame('subshell'));
  } else lose(state, 'functions, nor other parentheses behind a word', report);
}

function closeParenthesis(state: State, frame: CommandFrame, report: Report): void {
  closeWord(state, frame, report);
  if (frame.expects === 'case-pattern') {
    frame.expects = 'command';
    frame.isInPattern = false;
    return;
  }
  endCommand(frame, '\n', report);
  if (frame.closing === 'end') {
    lose(state, 'an unbalanced )', report);
    return;
  }
  state.frames.pop();
  const outer = state.frames.findLast((candidate) => candidate.kind === 'command');
  if (frame.closing === 'subshell' && outer !== undefined) outer.expects = 'closed';
}

/** Reserved words behind which a command starts, and behind which only redirections and operators follow. */
const openers = new Set(['if', 'then', 'elif', 'else', 'do', 'while', 'until', '!', '{']);
const closers = new Set(['fi', 'done', '}']);

/** Takes the finished word into account. */
export function closeWord(state: State, frame: CommandFrame, report: Report): void {
  const { word, redirect } = frame;
  if (word === undefined) return;
  frame.word = undefined;
  frame.redirect = '';
  if (word.hasBrace && /\{.*(?:,|\.\.)/s.test(word.text))
    lose(state, 'braces that some shells expand to many words', report);
  if (state.isLost) return;
  const reserved = word.isQuoted || isDynamic(word.text) ? '' : word.text;
  if (redirect !== '') {
    judgeTarget(word, redirect, report);
    frame.isPrefixed = true;
  } else if (frame.expects === 'command') endFirstWord(frame, word, reserved, report);
  else if (frame.expects === 'arguments' && frame.command !== undefined) acceptWord(frame.command, word, report);
  else endGrammarWord(state, frame, word, reserved, report);
}

function endFirstWord(frame: CommandFrame, word: Word, reserved: string, report: Report): void {
  if (word.assigns !== undefined) {
    judgeAssignment(word, word.assigns, report);
    frame.isPrefixed = true;
    frame.hasAssignment ||= isDynamic(word.text);
    return;
  }
  if (!frame.isPrefixed) {
    if (openers.has(reserved)) return;
    const next = grammarWords.get(reserved);
    if (next !== undefined) {
      frame.expects = next;
      return;
    }
    if (reserved === 'esac') {
      closeCase(frame);
      return;
    }
  }
  if (frame.hasAssignment)
    report.refuse('an assignment that is not literal may not stand in front of a command', word.place);
  frame.command = startCommand(word, report);
  frame.expects = 'arguments';
}

const grammarWords: ReadonlyMap<string, Expectation> = new Map([
  ['case', 'case-subject'],
  ['for', 'for-name'],
  ['fi', 'closed'],
  ['done', 'closed'],
  ['}', 'closed'],
]);

function closeCase(frame: CommandFrame): void {
  frame.cases = Math.max(frame.cases - 1, 0);
  frame.expects = 'closed';
}

function endGrammarWord(state: State, frame: CommandFrame, word: Word, reserved: string, report: Report): void {
  switch (frame.expects) {
    case 'case-subject':
      frame.expects = 'case-in';
      return;
    case 'case-in':
      if (reserved !== 'in') lose(state, 'a case without in', report);
      frame.cases += 1;
      frame.expects = 'case-pattern';
      return;
    case 'case-pattern':
      if (reserved === 'esac' && frame.isInPattern) lose(state, 'esac as a pattern, unless it is quoted', report);
      else if (reserved === 'esac') closeCase(frame);
      else frame.isInPattern = true;
      return;
    case 'closed':
      if (openers.has(reserved)) frame.expects = 'command';
      else if (reserved === 'esac') closeCase(frame);
      else if (!closers.has(reserved)) lose(state, 'a word behind a closed block', report);
      return;
    case 'for-name':
      judgeName(word, report);
      frame.loop = word.text;
      frame.expects = 'for-in';
      return;
    case 'for-in':
      if (reserved !== 'in' && reserved !== 'do') lose(state, 'a for without in', report);
      frame.expects = reserved === 'in' ? 'for-words' : 'command';
      return;
    default:
      judgePlain(word, frame.loop, report);
  }
}

/** Ends a simple command at an operator or newline. */
export function endCommand(frame: CommandFrame, operator: string, report: Report): void {
  const { command, expects } = frame;
  if (command !== undefined) finishCommand(command, report);
  frame.command = undefined;
  frame.redirect = '';
  frame.isPrefixed = false;
  frame.hasAssignment = false;
  if (operator === ';;' && frame.cases > 0) frame.expects = 'case-pattern';
  else if (expects === 'for-words' || (expects === 'for-in' && operator !== '\n')) frame.expects = 'command';
  else if (expects === 'arguments' || expects === 'closed') frame.expects = 'command';
}
