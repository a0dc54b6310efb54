import { commandName, ruleOf } from './commands.ts';
import type { InterpreterRule, PrefixRule } from './commands.ts';
import type { CommandState, Word } from './state.ts';
import { isPowerful } from './variables.ts';

/** The state of a command from the word that names it. */
export function startCommand(word: Word): CommandState {
  // An unquoted pattern may name any program.
  const isPattern = !word.isQuoted && /[*?{}[]/.test(word.literal) && word.literal !== '[' && word.literal !== '[[';
  const isLiteral = isLiteralWord(word) && !isPattern;
  const name = isLiteral ? commandName(word.literal) : '';
  const rule = ruleOf(name);
  return {
    name,
    previous: isLiteral ? word.literal : '',
    pending: 0,
    pendingKind: 'data',
    operands: 0,
    isAfterDashes: false,
    isCode: rule?.kind === 'code',
    isData: false,
    hasProgram: false,
    hasValue: false,
    isAwaiting: false,
    subcommand: '',
    inner: undefined,
  };
}

export function isLiteralWord(word: Word): boolean {
  return !word.hasValue && !word.hasExpansion;
}

const execSubcommands = new Set(['exec', 'debug', 'run', 'rsh', 'attach']);
const execFlags = new Set(['-exec', '-execdir', '-ok', '-okdir', '-x', '-X', '--exec', '--exec-batch']);

/** Takes a finished argument into account. */
export function acceptWord(command: CommandState, word: Word): void {
  const literal = isLiteralWord(word) ? word.literal : undefined;
  if (command.inner !== undefined) {
    if (literal === ';' || literal === '+') command.inner = undefined;
    else acceptWord(command.inner, word);
    return;
  }
  const previous = command.previous;
  command.previous = literal ?? '';
  // A wrapper that is not in the table: `wrapper sh -c ...`.
  if (literal !== undefined && /^-[A-Za-z]*[ceE]$/.test(literal) && runsCode(previous)) command.isCode = true;
  if (command.pending > 0) {
    command.pending -= 1;
    return;
  }
  const rule = ruleOf(command.name);
  const isDashes = literal === '--' && !command.isAfterDashes;
  if (isDashes) command.isAfterDashes = true;
  switch (rule?.kind) {
    case 'names':
      // An option can make the value an expression (`local -i`).
      if (literal?.startsWith('-') === true && !isDashes) command.isCode = true;
      break;
    case 'prefix':
      if (!isDashes) acceptPrefixWord(command, rule, word, literal);
      break;
    case 'interpreter':
      if (!isDashes) acceptInterpreterWord(command, rule, word, literal);
      break;
    case 'kubectl':
      acceptKubectlWord(command, word, literal, isDashes);
      break;
    case 'container':
      acceptContainerWord(command, word, literal);
      break;
    case 'find':
      if (command.isAwaiting) command.inner = startCommand(word);
      command.isAwaiting = literal !== undefined && execFlags.has(literal);
      break;
    default:
  }
}

function runsCode(word: string): boolean {
  const rule = ruleOf(commandName(word));
  return rule?.kind === 'interpreter' && rule.firstOperand === 'script';
}

function becomeWrapped(command: CommandState, word: Word): void {
  const { hasValue } = command;
  Object.assign(command, startCommand(word), { hasValue });
}

function acceptPrefixWord(command: CommandState, rule: PrefixRule, word: Word, literal: string | undefined): void {
  if (word.literal.startsWith('-') && !command.isAfterDashes) {
    const [flag = ''] = (literal ?? word.literal).split('=', 1);
    if (rule.codeFlags.some((code) => flag === code || (code.length === 2 && flag.startsWith(code))))
      command.isCode = true;
    else if (literal !== undefined && rule.valued.includes(literal)) command.pending = 1;
    return;
  }
  if (rule.assignments && /^[A-Za-z_]\w*=/.test(word.literal)) return;
  if (command.operands < rule.operands) command.operands += 1;
  else becomeWrapped(command, word);
}

function acceptInterpreterWord(
  command: CommandState,
  rule: InterpreterRule,
  word: Word,
  literal: string | undefined,
): void {
  if (command.isData && rule.firstOperand === 'script') return;
  if (literal !== undefined && /^[-+]./.test(literal) && !command.isAfterDashes) {
    acceptInterpreterOption(command, rule, literal);
    return;
  }
  if (literal !== undefined && rule.subcommands.includes(literal) && command.operands === 0) return;
  command.operands += 1;
  if (rule.firstOperand === 'data') return;
  const isStandardInput = literal === '-' || literal === '/dev/stdin';
  if (rule.firstOperand === 'script' || rule.rest === 'data') command.isData = true;
  command.hasProgram = !isStandardInput && word.literal !== '';
}

function acceptInterpreterOption(command: CommandState, rule: InterpreterRule, option: string): void {
  const [flag = ''] = option.split('=', 1);
  const words = rule.dataFlags[flag];
  if (words !== undefined) {
    if (!option.includes('=')) command.pending = words;
    command.pendingKind = 'data';
    return;
  }
  if (rule.firstOperand === 'script' && /^-[A-Za-z]*s$/.test(option) && rule.codeLetters === 'c') {
    // A shell with -s reads its program from standard input; the operands are the program's data.
    command.isData = true;
    return;
  }
  if (!isCodeOption(rule, option)) return;
  command.hasProgram = true;
  if (rule.rest === 'refused') command.isCode = true;
  else if (!option.includes('=')) {
    command.pending = 1;
    command.pendingKind = 'code';
  }
  if (rule.firstOperand === 'code' && rule.rest === 'data') command.isData = true;
}

function isCodeOption(rule: InterpreterRule, option: string): boolean {
  const [flag = ''] = option.split('=', 1);
  if (rule.codeFlags.some((code) => flag === code || (code.length === 2 && option.startsWith(code)))) return true;
  // A longer word is an option with its value attached, `-uservice`.
  const isCluster = (rule.firstOperand === 'data' ? /^-[A-Za-z]{1,2}$/ : /^-[A-Za-z]{1,5}$/).test(option);
  return isCluster && Array.from(rule.codeLetters).some((letter) => option.includes(letter));
}

function acceptKubectlWord(command: CommandState, word: Word, literal: string | undefined, isDashes: boolean): void {
  if (command.isAwaiting) becomeWrapped(command, word);
  else if (isDashes && command.subcommand !== '') {
    command.isAwaiting = true;
    command.isAfterDashes = false;
  } else if (literal !== undefined && execSubcommands.has(literal)) command.subcommand = literal;
}

const containerOptions = new Set([
  '-e',
  '--env',
  '-u',
  '--user',
  '-w',
  '--workdir',
  '--env-file',
  '--detach-keys',
  '-n',
  '--namespace',
]);

function acceptContainerWord(command: CommandState, word: Word, literal: string | undefined): void {
  if (command.subcommand === '') {
    if (literal === 'run' || literal === 'create') command.isCode = true;
    else if (literal === 'exec') command.subcommand = literal;
  } else if (literal !== undefined && containerOptions.has(literal)) command.pending = 1;
  else if (!word.literal.startsWith('-')) {
    command.operands += 1;
    if (command.operands > 1) becomeWrapped(command, word);
  }
}

/** Why a value may not stand in the word in progress, or `undefined` where it may. */
export function refuseValue(command: CommandState, word: Word): string | undefined {
  if (command.inner !== undefined) return refuseValue(command.inner, word);
  if (command.name === '')
    return 'the name of the command is not literal, so nobody can tell what it does with the value';
  const rule = ruleOf(command.name);
  if (command.isCode || (command.pending > 0 && command.pendingKind === 'code')) {
    return `${command.name} would run the value as code`;
  }
  switch (rule?.kind) {
    case 'names':
      if (rule.assignments && word.assigns !== undefined) return undefined;
      return `${command.name} would take the value for the name of a variable`;
    case 'prefix':
      return refuseInPrefix(command, rule, word);
    case 'interpreter':
      return refuseInInterpreter(command, rule, word);
    case 'container':
      if (command.pending > 0 || (command.subcommand === '' ? true : command.operands < 1)) return undefined;
      return 'the value would be the name of a command';
    case 'kubectl':
    case 'find':
      return command.isAwaiting ? 'the value would be the name of a command' : undefined;
    default:
      return isVariableTest(command) ? 'the value would be taken for the name of a variable' : undefined;
  }
}

/** In bash, `test -v name` and `printf -v name` evaluate subscripts in the name. */
function isVariableTest(command: CommandState): boolean {
  if (command.name === 'test' || command.name === '[') return command.previous === '-v' || command.previous === '-R';
  return command.name === 'printf' && command.previous === '-v';
}

function refuseInPrefix(command: CommandState, rule: PrefixRule, word: Word): string | undefined {
  if (command.pending > 0) return undefined;
  const assigned = /^([A-Za-z_]\w*)=/.exec(word.literal)?.[1];
  if (rule.assignments && assigned !== undefined) {
    return isPowerful(assigned) ? `${assigned} decides what code programs run` : undefined;
  }
  if (word.literal.startsWith('-')) {
    const isValued = rule.valued.some((flag) => flag.startsWith('--') && word.literal.startsWith(`${flag}=`));
    return isValued ? undefined : `${command.name} would take the value for an option`;
  }
  if (command.operands < rule.operands && word.literal === '') return undefined;
  return 'the value would be the name of a command';
}

function refuseInInterpreter(command: CommandState, rule: InterpreterRule, word: Word): string | undefined {
  const isNamed = /^(?:-v|--assign=)?[A-Za-z_]\w*=/.test(word.literal);
  if (command.pending > 0) {
    return rule.namedData && !isNamed ? `${command.name} needs a literal name= in front of the value` : undefined;
  }
  if (command.isData && rule.firstOperand === 'script') return undefined;
  const code = `${command.name} would run the value as code`;
  const isOpen = command.isData || rule.firstOperand === 'data';
  if (!/^[-+]/.test(word.literal) || command.isAfterDashes) return isOpen ? undefined : code;
  if (rule.namedData) return isNamed && word.literal.startsWith('-') ? undefined : code;
  return isOpen && !isCodeOption(rule, word.literal) ? undefined : code;
}

/** Whether a command takes its program from standard input, into which an earlier stage of the pipeline writes a value. */
export function runsStandardInput(command: CommandState): boolean {
  const rule = ruleOf(command.name);
  if (rule?.kind === 'code') return rule.readsStdin;
  return rule?.kind === 'interpreter' && rule.readsStdin && !command.hasProgram;
}
