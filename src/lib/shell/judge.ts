import { refuseValue } from './arguments.ts';
import { currentWord, topFrame } from './state.ts';
import type { CommandFrame, CommandState, Frame, State, Word } from './state.ts';
import type { Report } from './steps.ts';
import { isPowerful } from './variables.ts';

/** A template value, or a shell variable that holds one, at the place the scanner has reached. */
export interface Item {
  /** `the value`, or `$name, which holds a template value,` */
  readonly what: string;
  readonly isVariable: boolean;
  /** Known only while rendering; lint assumes that it does not. */
  readonly startsWithDash: boolean;
}

const closedPlaces: Partial<Record<Frame['kind'], string>> = {
  comment: 'a comment',
  'here-document': 'a here-document',
  backtick: 'back-ticks (write $( ) instead)',
  parameter: '${ }',
  arithmetic: '$(( ))',
};

/** Reports why an item may not stand at the place reached, in any of the words and substitutions around it. */
export function judge(state: State, item: Item, report: Report): void {
  for (const frame of state.frames) {
    const place = frame.kind === 'command' ? (frame.isArithmetic ? '(( ))' : undefined) : closedPlaces[frame.kind];
    if (place !== undefined) {
      report(`${item.what} may not stand in ${place}`);
      return;
    }
  }
  currentWord(state);
  state.frames.forEach((frame, index) => {
    if (frame.kind !== 'command' || frame.word === undefined) return;
    const inner = state.frames.slice(index + 1);
    const child = inner.find((candidate) => candidate.kind === 'command');
    if (child === undefined) judgeWord(state, frame, frame.word, item, report);
    else judgeSubstitution(state, frame, frame.word, { child, isQuoted: inner[0]?.kind === 'double' }, report);
  });
}

/** Commands that give their arguments back as they are. */
const echoes = new Set(['echo', 'printf']);

interface Substitution {
  readonly child: CommandFrame;
  readonly isQuoted: boolean;
}

/** A word around a `$( )` in which the item stands: the substitution's output becomes part of the word. */
function judgeSubstitution(
  state: State,
  frame: CommandFrame,
  word: Word,
  { child, isQuoted }: Substitution,
  report: Report,
): void {
  frame.hasValue = true;
  const isEcho = echoes.has(child.command?.name ?? '');
  const item: Item = {
    what: 'the output of a $( ) with a value in it',
    isVariable: isEcho && !isQuoted,
    startsWithDash: false,
  };
  const isAssignment = frame.expects === 'command' && word.assigns !== undefined;
  if (isAssignment && !isEcho && !isPowerful(word.assigns ?? '')) return;
  judgePlace(state, frame, word, item, report);
}

function judgeWord(state: State, frame: CommandFrame, word: Word, item: Item, report: Report): void {
  frame.hasValue = true;
  const isUnquoted = topFrame(state).kind === 'command';
  judgePlace(state, frame, word, { ...item, isVariable: item.isVariable && isUnquoted }, report);
}

/** `isVariable` here: the shell will split the item into words. */
function judgePlace(state: State, frame: CommandFrame, word: Word, item: Item, report: Report): void {
  if (frame.redirect !== undefined) {
    report(`${item.what} may not name the file of a redirection or end a here-document`);
    return;
  }
  switch (frame.expects) {
    case 'command':
      if (word.assigns === undefined) report(`${item.what} may not be, or be part of, the name of a command`);
      else judgeAssignment(state, word, word.assigns, item, report);
      return;
    case 'arguments':
      if (frame.command !== undefined) judgeArgument(state, frame.command, word, item, report);
      return;
    case 'for-words':
      taint(state, frame.loopVariable, item.startsWithDash && word.isBlank);
      if (item.isVariable) report(`${item.what} would be split into words: write it in double quotes`);
      return;
    case 'case-subject':
    case 'case-pattern':
      return;
    default:
      report(`${item.what} may not stand here, where the shell expects a word of its grammar`);
  }
}

function judgeAssignment(state: State, word: Word, variable: string, item: Item, report: Report): void {
  if (isPowerful(variable))
    report(`${item.what} may not be assigned to ${variable}, which decides what code programs run`);
  const isStart = word.literal.length === word.literal.indexOf('=') + 1;
  taint(state, variable, item.startsWithDash && isStart);
}

function taint(state: State, variable: string, startsWithDash: boolean): void {
  state.tainted[variable] = startsWithDash || state.tainted[variable] === true;
}

const positional = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '@', '*'];

function judgeArgument(state: State, command: CommandState, word: Word, item: Item, report: Report): void {
  command.hasValue = true;
  const refusal = refuseValue(command, word);
  if (refusal !== undefined) {
    report(refusal.replace(/\bthe value\b/, item.what));
    return;
  }
  if (word.assigns !== undefined) judgeAssignment(state, word, word.assigns, item, report);
  if (command.name === 'set') for (const name of positional) taint(state, name, item.startsWithDash);
  const isAfterDashes = (command.inner ?? command).isAfterDashes;
  if (item.isVariable) report(`${item.what} would be split into words: write it in double quotes`);
  else if (/^--?$/.test(word.literal) && !word.hasValue && !isAfterDashes)
    report(`${item.what} may not be the name of an option`);
  else if (item.startsWithDash && word.isBlank && !isAfterDashes) {
    report(
      `${item.what} begins with - and would be taken for an option; write -- in front of it if the command allows`,
      'argument',
    );
  }
}

/** An expansion of a shell variable ends here. */
export function readVariable(state: State, name: string, report: Report): void {
  const startsWithDash = Object.hasOwn(state.tainted, name) ? state.tainted[name] : undefined;
  if (startsWithDash !== undefined) {
    judge(state, { what: `$${name}, which holds a template value,`, isVariable: true, startsWithDash }, report);
  }
  currentWord(state).hasExpansion = true;
}
