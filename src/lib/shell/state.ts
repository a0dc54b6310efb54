/** Stands in the text of a word for a template's value. No script can hold it. */
export const valueMark = '\0';
/** The same for what the shell puts in: `$name`, `${name}`, `$( )`. */
export const expansionMark = '\u0001';

/** What the scanner knows of a POSIX shell script so far. Plain data: lint copies and compares it. */
export interface State {
  /** What the next character stands in, outermost first; the first is the script's own command frame. */
  readonly frames: [CommandFrame, ...Frame[]];
  /** The last character was a backslash that escapes the next. */
  isEscaped: boolean;
  /** An expansion that is not decided yet: `$` or `$(`. */
  dollar: '' | '$' | '$(';
  /** The name of a `$name` in progress. */
  variable: string | undefined;
  /** The script uses syntax that is not followed; nothing behind it can be judged. */
  isLost: boolean;
}

export type Frame =
  | CommandFrame
  | { readonly kind: 'single' | 'double' | 'comment' }
  | { readonly kind: 'parameter'; text: string };

/** What the grammar expects next in a list of commands. */
export type Expectation =
  | 'command'
  | 'arguments'
  | 'closed'
  | 'case-subject'
  | 'case-in'
  | 'case-pattern'
  | 'for-name'
  | 'for-in'
  | 'for-words';

/** Commands up to the end of the script or the closing parenthesis. */
export interface CommandFrame {
  readonly kind: 'command';
  readonly closing: 'end' | 'substitution' | 'subshell';
  expects: Expectation;
  word: Word | undefined;
  /** The operator of a redirection whose word comes next. */
  redirect: string;
  /** The beginning of an operator that the next character may extend. */
  operator: string;
  command: Command | undefined;
  /** Open `case` blocks. */
  cases: number;
  /** The pattern in progress has begun, so that `esac` does not end the block. */
  isInPattern: boolean;
  /** The variable of the `for` in progress. */
  loop: string;
  /** Nothing stands behind its opening parenthesis yet. */
  isJustOpened: boolean;
  /** An assignment or a redirection stands in front, so that no reserved word may follow. */
  isPrefixed: boolean;
  /** A variable in front was assigned what is not literal. */
  hasAssignment: boolean;
}

export interface Word {
  /** Literal characters without their quotes, and marks for what is not literal. */
  text: string;
  isQuoted: boolean;
  /** An expansion stands outside quotes, so that the shell splits it into words. */
  isSplit: boolean;
  /** A brace stands outside quotes. */
  hasBrace: boolean;
  /** The variable that the word assigns. */
  assigns: string | undefined;
  /** Where its first value or expansion stands, else where it begins. */
  place: number;
  /** In the order of their marks; known only while rendering. */
  readonly values: string[];
  /** The variables of its expansions, in their order; empty for `$( )`. */
  readonly variables: string[];
}

/** One simple command and what its words so far say about the next. */
export interface Command {
  readonly name: string;
  /** Kinds of the words that still belong to an option. */
  pending: readonly Kind[];
  /** Words of a subcommand so far, `rollout status`; undefined where the command has none or it is complete. */
  lead: string | undefined;
  /** Operands behind the subcommand that must be literal. */
  literals: number;
  operands: number;
  isAfterDashes: boolean;
  /** For `test`: one letter for each word. */
  shape: string;
}

/**
 * What a word of a command is. `constant`: literal. `data`: any value. `text`: any value, unchecked, because nothing but
 * its reader can take it for something else. `line`: data in one line. `named`: data behind a literal `name=`. `header`: a
 * line behind a literal `name:`. `body`: data that must not begin with an unchecked `@`. `subject`: begins literally, `pod/...`. `path`: of a file, begins literally. `url`: with a
 * literal scheme and host. `file`: is written. The others are small languages of their own.
 */
export type Kind =
  | 'constant'
  | 'data'
  | 'text'
  | 'line'
  | 'named'
  | 'header'
  | 'body'
  | 'subject'
  | 'path'
  | 'url'
  | 'file'
  | 'format'
  | 'variable'
  | 'setting'
  | 'awk'
  | 'jq'
  | 'sed'
  | 'test';

export function initialState(): State {
  return { frames: [commandFrame('end')], isEscaped: false, dollar: '', variable: undefined, isLost: false };
}

export function commandFrame(closing: CommandFrame['closing']): CommandFrame {
  return {
    kind: 'command',
    closing,
    expects: 'command',
    word: undefined,
    redirect: '',
    operator: '',
    command: undefined,
    cases: 0,
    isInPattern: false,
    loop: '',
    isJustOpened: closing !== 'end',
    isPrefixed: false,
    hasAssignment: false,
  };
}

export function topFrame(state: State): Frame {
  return state.frames.at(-1) ?? state.frames[0];
}

/** The command frame whose word the next character belongs to. */
export function owner(state: State): CommandFrame {
  return state.frames.findLast((frame) => frame.kind === 'command') ?? state.frames[0];
}

/** The word in progress of the innermost command frame; starts one. */
export function currentWord(state: State, place: number): Word {
  const frame = owner(state);
  frame.word ??= {
    text: '',
    isQuoted: false,
    isSplit: false,
    hasBrace: false,
    assigns: undefined,
    place,
    values: [],
    variables: [],
  };
  return frame.word;
}

/** Whether a text has anything in it that is known only when the command runs. */
export function isDynamic(text: string): boolean {
  return text.includes(valueMark) || text.includes(expansionMark);
}
