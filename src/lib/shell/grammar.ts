import { acceptWord, isLiteralWord, runsStandardInput, startCommand } from './arguments.ts';
import { ruleOf } from './commands.ts';
import { commandFrame, currentWord, owner } from './state.ts';
import type { CommandFrame, State, Word } from './state.ts';
import { append, lose, openBacktick, startHereDocument } from './steps.ts';
import type { Report } from './steps.ts';

const operators = new Set([
  '&',
  '|',
  ';',
  '<',
  '>',
  '&&',
  '||',
  ';;',
  '<<',
  '<<-',
  '<<<',
  '>>',
  '<&',
  '>&',
  '<>',
  '>|',
]);
const foreignOperators = new Set(['&>', '|&', ';&', ';;&', '<(', '>(']);

/** One character of a list of commands, outside all quotes. */
export function scanCommand(state: State, frame: CommandFrame, character: string, report: Report): void {
  if (character === '\\') {
    state.isEscaped = true;
    return;
  }
  if (frame.operator !== '') {
    const longer = frame.operator + character;
    if (foreignOperators.has(longer)) lose(state, `${longer} is not understood by every shell`, report);
    if (operators.has(longer)) {
      frame.operator = longer;
      return;
    }
    flushOperator(state, frame, report);
  }
  const isJustOpened = frame.isJustOpened;
  frame.isJustOpened = false;
  switch (character) {
    case "'":
    case '"':
      currentWord(state).isQuoted = true;
      state.frames.push({ kind: character === "'" ? 'single' : 'double' });
      return;
    case '`':
      openBacktick(state);
      return;
    case '$':
      currentWord(state);
      state.dollar = '$';
      return;
    case '#':
      if (frame.word === undefined) state.frames.push({ kind: 'comment' });
      else append(state, character, report);
      return;
    case '(':
      openParenthesis(state, frame, isJustOpened, report);
      return;
    case ')':
      closeParenthesis(state, frame, report);
      return;
    default:
      scanPlain(state, frame, character, report);
  }
}

function scanPlain(state: State, frame: CommandFrame, character: string, report: Report): void {
  if (character === ' ' || character === '\t') endWord(state, frame, report);
  else if (character === '\n') {
    endWord(state, frame, report);
    endCommand(frame, '\n', report);
    startHereDocument(state);
  } else if (operators.has(character)) {
    const isDescriptor = (character === '<' || character === '>') && isFileDescriptor(frame.word);
    if (isDescriptor) frame.word = undefined;
    else endWord(state, frame, report);
    frame.operator = character;
  } else {
    if (character === '=') noteAssignment(frame);
    append(state, character, report);
  }
}

function isFileDescriptor(word: Word | undefined): boolean {
  return word !== undefined && isLiteralWord(word) && !word.isQuoted && /^[0-9]+$/.test(word.literal);
}

/** `name=` at the beginning of an unquoted word assigns where a command may start, and behind `export`. */
function noteAssignment(frame: CommandFrame): void {
  const { word, expects, command } = frame;
  if (word === undefined || word.assigns !== undefined || word.isQuoted || !isLiteralWord(word)) return;
  const isPlace = expects === 'command' || (expects === 'arguments' && ruleOf(command?.name ?? '')?.kind === 'names');
  const name = /^([A-Za-z_]\w*)\+?$/.exec(word.literal)?.[1];
  if (isPlace && name !== undefined && frame.redirect === undefined) word.assigns = name;
}

/** Acts on the operator in progress. */
export function flushOperator(state: State, frame: CommandFrame, report: Report): void {
  const { operator } = frame;
  if (operator === '') return;
  frame.operator = '';
  if (operator === '<<' || operator === '<<-') {
    frame.redirect = operator === '<<' ? 'here-document' : 'here-document-tabs';
  } else if (/[<>]/.test(operator)) frame.redirect = 'file';
  else endCommand(frame, operator, report);
  if (frame.redirect !== undefined && state.isLost) frame.redirect = undefined;
}

function openParenthesis(state: State, frame: CommandFrame, isJustOpened: boolean, report: Report): void {
  const { word, command, expects } = frame;
  const isFunction =
    (expects === 'command' && word !== undefined && isLiteralWord(word) && !word.isQuoted) ||
    (expects === 'arguments' && word === undefined && command?.operands === 0 && command.previous !== '') ||
    (expects === 'function-name' && word !== undefined);
  if (isFunction) {
    frame.word = undefined;
    frame.command = undefined;
    frame.expects = 'function-parentheses';
  } else if (expects === 'case-pattern' && word === undefined) {
    // The optional parenthesis in front of a pattern.
  } else if (expects === 'command' && word === undefined) {
    const inner = commandFrame('subshell');
    inner.hasValueUpstream = frame.hasValueUpstream;
    if (inner.hasValueUpstream) inner.blocks.push(true);
    // `((` is arithmetic in some shells and two subshells in others.
    if (isJustOpened && frame.closing === 'subshell') frame.isArithmetic = true;
    state.frames.push(inner);
  } else lose(state, 'an unexpected (', report);
}

function closeParenthesis(state: State, frame: CommandFrame, report: Report): void {
  endWord(state, frame, report);
  if (frame.expects === 'case-pattern' || frame.expects === 'function-parentheses') {
    frame.expects = 'command';
    return;
  }
  endCommand(frame, '\n', report);
  if (frame.closing === 'end') {
    lose(state, 'an unbalanced )', report);
    return;
  }
  state.frames.pop();
  const outer = owner(state);
  outer.hasValue ||= frame.hasValue;
  if (frame.closing === 'subshell') outer.expects = 'closed';
}

/** Reserved words behind which a command starts, and behind which only redirections and operators follow. */
const openers = new Set(['if', 'then', 'elif', 'else', 'do', 'while', 'until', '!', '{']);
const closers = new Set(['fi', 'done', '}']);
const blockOpeners = new Set(['if', 'while', 'until', '{', 'case', 'for', 'select']);

/** Takes the finished word into account. */
export function endWord(state: State, frame: CommandFrame, report: Report): void {
  const { word, redirect } = frame;
  if (word === undefined) return;
  frame.word = undefined;
  frame.redirect = undefined;
  if (redirect === 'file') return;
  if (redirect !== undefined) {
    if (!isLiteralWord(word) || word.literal.includes('\n'))
      lose(state, 'a here-document with such a delimiter', report);
    state.hereDocuments.push({ delimiter: word.literal, stripsTabs: redirect === 'here-document-tabs' });
    return;
  }
  if (frame.expects === 'command') endFirstWord(frame, word);
  else if (frame.expects === 'arguments') endArgument(state, frame, word);
  else endGrammarWord(frame, isLiteralWord(word) && !word.isQuoted ? word.literal : '', word);
}

function endFirstWord(frame: CommandFrame, word: Word): void {
  const reserved = isLiteralWord(word) && !word.isQuoted ? word.literal : '';
  if (blockOpeners.has(reserved)) frame.blocks.push(frame.hasValueUpstream);
  if (openers.has(reserved)) return;
  if (closers.has(reserved)) closeBlock(frame);
  else if (reserved === 'case') frame.expects = 'case-subject';
  else if (reserved === 'for' || reserved === 'select') frame.expects = 'for-name';
  else if (reserved === 'function') frame.expects = 'function-name';
  else if (reserved === 'esac') closeCase(frame);
  else if (word.assigns === undefined) {
    frame.command = startCommand(word);
    frame.expects = 'arguments';
  }
}

/** A closed block reads and writes as one stage of its pipeline. */
function closeBlock(frame: CommandFrame): void {
  frame.hasValueUpstream = frame.blocks.pop() ?? false;
  frame.expects = 'closed';
}

function closeCase(frame: CommandFrame): void {
  frame.cases = Math.max(frame.cases - 1, 0);
  closeBlock(frame);
}

function endArgument(state: State, frame: CommandFrame, word: Word): void {
  const { command } = frame;
  if (command === undefined) return;
  // What `read` takes from a pipeline with values in it is a value too.
  if (command.name === 'read' && frame.hasValueUpstream && /^[A-Za-z_]\w*$/.test(word.literal)) {
    state.tainted[word.literal] = true;
  }
  acceptWord(command, word);
}

function endGrammarWord(frame: CommandFrame, reserved: string, word: Word): void {
  switch (frame.expects) {
    case 'case-subject':
      frame.expects = 'case-in';
      return;
    case 'case-in':
      frame.cases += 1;
      frame.expects = 'case-pattern';
      return;
    case 'case-pattern':
      if (reserved === 'esac') closeCase(frame);
      return;
    case 'closed':
      if (openers.has(reserved)) frame.expects = 'command';
      else if (closers.has(reserved)) closeBlock(frame);
      else if (reserved === 'esac') closeCase(frame);
      return;
    case 'for-name':
      frame.loopVariable = word.literal;
      frame.expects = 'for-in';
      return;
    case 'for-in':
      frame.expects = reserved === 'in' ? 'for-words' : 'command';
      return;
    case 'function-name':
      frame.expects = 'command';
      return;
    default:
  }
}

/** Ends a simple command at an operator or newline. */
export function endCommand(frame: CommandFrame, operator: string, report: Report): void {
  const { command, expects } = frame;
  if (command !== undefined && frame.hasValueUpstream && runsStandardInput(command)) {
    report(`${command.name} would run what it reads from the pipeline, which has a template value in it`);
  }
  const hasValue = expects === 'closed' ? frame.hasValue : command?.hasValue === true;
  const isPiped = operator === '|' && (frame.hasValueUpstream || hasValue);
  frame.hasValueUpstream = isPiped || frame.blocks.includes(true);
  frame.command = undefined;
  if (operator === ';;' && frame.cases > 0) frame.expects = 'case-pattern';
  else if (expects === 'for-words' || (expects === 'for-in' && operator !== '\n')) frame.expects = 'command';
  else if (expects === 'arguments' || expects === 'closed') frame.expects = 'command';
}
