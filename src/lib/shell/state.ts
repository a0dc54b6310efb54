/**
 * What the scanner knows of a POSIX shell script so far. Plain data: lint copies and compares it.
 */
export interface State {
  /** What the next character stands in, outermost first; the first is the script's own command frame. */
  readonly frames: [CommandFrame, ...Frame[]];
  /** The last character was a backslash that escapes the next. */
  isEscaped: boolean;
  /** An expansion that is not decided yet: `$` or `$(`. */
  dollar: '' | '$' | '$(';
  /** The name of a `$name` in progress. */
  variable: string | undefined;
  /** Here-documents whose bodies start after the next newline. */
  hereDocuments: HereDocument[];
  /** Shell variables that hold template values, and whether one of those begins with `-`. */
  tainted: Record<string, boolean>;
  /** The script uses syntax that this scanner does not follow; nothing behind it can be judged. */
  isLost: boolean;
}

export interface HereDocument {
  readonly delimiter: string;
  readonly stripsTabs: boolean;
}

export type Frame =
  | CommandFrame
  | { readonly kind: 'single' | 'double' | 'comment' }
  | { readonly kind: 'backtick'; text: string }
  | { readonly kind: 'parameter'; text: string; readonly isQuoted: boolean }
  | { readonly kind: 'arithmetic'; text: string; depth: number }
  | { readonly kind: 'here-document'; readonly document: HereDocument; line: string; text: string };

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
  | 'for-words'
  | 'function-name'
  | 'function-parentheses';

/** Commands up to the end of the script or the closing parenthesis. */
export interface CommandFrame {
  readonly kind: 'command';
  readonly closing: 'end' | 'substitution' | 'subshell';
  expects: Expectation;
  word: Word | undefined;
  redirect: 'file' | 'here-document' | 'here-document-tabs' | undefined;
  /** The beginning of an operator that the next character may extend. */
  operator: string;
  command: CommandState | undefined;
  /** Open `case` blocks. */
  cases: number;
  loopVariable: string;
  /** An earlier stage of this pipeline has a value in its arguments. */
  hasValueUpstream: boolean;
  /** For each open block, whether values flow into it through a pipeline. */
  blocks: boolean[];
  /** A value stands anywhere in this frame. */
  hasValue: boolean;
  /** `((`: arithmetic in some shells. */
  isArithmetic: boolean;
  isJustOpened: boolean;
}

export interface Word {
  /** Literal characters without their quotes. */
  literal: string;
  isQuoted: boolean;
  hasExpansion: boolean;
  hasValue: boolean;
  /** No character for certain so far. */
  isBlank: boolean;
  /** A value so far was empty. */
  hasEmptyValue: boolean;
  /** The variable that the word assigns. */
  assigns: string | undefined;
}

/** One simple command and what its words so far say about the next. */
export interface CommandState {
  /** As in the table of commands; '' where it is not literal. */
  name: string;
  /** The previous word, where literal. */
  previous: string;
  /** Words that still belong to an option, and what they are. */
  pending: number;
  pendingKind: 'data' | 'code';
  operands: number;
  /** `--` was seen, so that no further word is an option. */
  isAfterDashes: boolean;
  /** Everything from here on is code. */
  isCode: boolean;
  /** Everything from here on is data. */
  isData: boolean;
  /** Its program is in its arguments, so it does not come from standard input. */
  hasProgram: boolean;
  hasValue: boolean;
  /** The next word is the name of a command that this one runs. */
  isAwaiting: boolean;
  subcommand: string;
  /** The command behind `find -exec`. */
  inner: CommandState | undefined;
}

export function initialState(): State {
  return {
    frames: [commandFrame('end')],
    isEscaped: false,
    dollar: '',
    variable: undefined,
    hereDocuments: [],
    tainted: {},
    isLost: false,
  };
}

export function commandFrame(closing: CommandFrame['closing']): CommandFrame {
  return {
    kind: 'command',
    closing,
    expects: 'command',
    word: undefined,
    redirect: undefined,
    operator: '',
    command: undefined,
    cases: 0,
    loopVariable: '',
    hasValueUpstream: false,
    blocks: [],
    hasValue: false,
    isArithmetic: false,
    isJustOpened: true,
  };
}

export function newWord(): Word {
  return {
    literal: '',
    isQuoted: false,
    hasExpansion: false,
    hasValue: false,
    isBlank: true,
    hasEmptyValue: false,
    assigns: undefined,
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
export function currentWord(state: State): Word {
  const frame = owner(state);
  frame.word ??= newWord();
  return frame.word;
}
