import { judge, whatStands } from './judge.ts';
import { findProgram } from './programs.ts';
import type { Program } from './programs.ts';
import type { Report } from './report.ts';
import { isDynamic } from './state.ts';
import type { Command, Word } from './state.ts';

/** A simple command from the word that names it. */
export function startCommand(word: Word, report: Report): Command {
  const { text } = word;
  if (isDynamic(text)) {
    report.refuse(`${whatStands(text)} may not be, or be part of, the name of a command`, word.place);
  } else if (findProgram(text) === undefined) {
    report.refuse(`${text} is not one of the programs that a command with template values may run`, word.place);
  }
  const leads = findProgram(text)?.leads;
  return {
    name: text,
    pending: [],
    lead: leads === undefined ? undefined : '',
    literals: 0,
    operands: 0,
    isAfterDashes: false,
    shape: '',
  };
}

/** One more word of a command. */
export function acceptWord(command: Command, word: Word, report: Report): void {
  const program = findProgram(command.name);
  if (program === undefined) return;
  const [kind, ...rest] = command.pending;
  if (kind !== undefined) {
    command.pending = rest;
    judge(command.name, kind, word, word.text, report);
  } else if (program.options === undefined || command.isAfterDashes || !/^-./s.test(word.text)) {
    acceptOperand(command, program, word, report);
  } else if (word.text === '--') command.isAfterDashes = true;
  else acceptOption(command, program.options, word, report);
}

function acceptOption(command: Command, options: NonNullable<Program['options']>, word: Word, report: Report): void {
  const { text } = word;
  const unknown = (name: string): void => {
    const shown = isDynamic(name) ? 'a template value or a variable may not be the name of an option' : undefined;
    report.refuse(
      shown ?? `${command.name} ${name} is not one of the options that a command with template values may use`,
      word.place,
    );
  };
  if (/^-[0-9]+$/.test(text) && options.has('-NUMBER')) return;
  const [name = ''] = text.split('=', 1);
  if (text.startsWith('--')) {
    const option = options.get(name);
    if (option === undefined) unknown(name);
    else if (text !== name)
      judge(command.name, option.kinds[0] ?? 'constant', word, text.slice(name.length + 1), report);
    else if (!option.isAttached) command.pending = option.kinds;
    shift(command, name);
    return;
  }
  for (let index = 1; index < text.length; index += 1) {
    const letter = `-${text.charAt(index)}`;
    const option = options.get(letter);
    shift(command, letter);
    if (option === undefined) {
      unknown(letter);
      return;
    }
    const [kind, ...others] = option.kinds;
    if (kind === undefined) continue;
    const attached = text.slice(index + 1);
    if (attached === '') command.pending = option.kinds;
    else {
      judge(command.name, kind, word, attached, report);
      command.pending = others;
    }
    return;
  }
}

/** An option that stands for the first operand. */
function shift(command: Command, name: string): void {
  if (findProgram(command.name)?.shifts.has(name) === true) command.operands = Math.max(command.operands, 1);
}

function acceptOperand(command: Command, program: Program, word: Word, report: Report): void {
  if (command.lead !== undefined && program.leads !== undefined) {
    acceptLead(command, program.leads, word, report);
    return;
  }
  const kinds = command.isAfterDashes ? program.dashed : program.operands;
  const kind = kinds[Math.min(command.operands, kinds.length - 1)];
  if (kind === 'format' && word.text === '--' && !command.isAfterDashes) {
    command.isAfterDashes = true;
    return;
  }
  const isLead = command.operands < command.literals;
  command.operands = Math.min(command.operands + 1, 3);
  if (kind === undefined)
    report.refuse(`${command.name} may not have operands in a command with template values`, word.place);
  else if (kind === 'test') command.shape = `${command.shape}${shapeOf(word)}`.slice(0, 7);
  else if (isLead && isDynamic(word.text) && !/^[\w.-]+\//.test(word.text)) {
    report.refuse(`${whatStands(word.text)} may not say what kind of object ${command.name} takes`, word.place);
  } else judge(command.name, kind, word, word.text, report);
}

function acceptLead(command: Command, leads: ReadonlyMap<string, number>, word: Word, report: Report): void {
  const lead = command.lead === '' ? word.text : `${command.lead} ${word.text}`;
  const literals = leads.get(lead);
  if (literals !== undefined) {
    command.lead = undefined;
    command.literals = literals;
  } else if ([...leads.keys()].some((known) => known.startsWith(`${lead} `))) command.lead = lead;
  else {
    command.lead = undefined;
    const shown = isDynamic(lead) ? `${command.name} with a subcommand that is not literal` : `${command.name} ${lead}`;
    report.refuse(`${shown} is not one of the programs that a command with template values may run`, word.place);
  }
}

const unaryTests = new Set(['-n', '-z', '-e', '-f', '-d', '-s', '-r', '-w', '-x', '-h', '-L']);

const binaryTests = new Set(['=', '!=', '-eq', '-ne', '-gt', '-ge', '-lt', '-le']);

/** One letter that says what a word of `test` can be. */
function shapeOf({ text, isSplit }: Word): string {
  if (isSplit) return 's';
  if (isDynamic(text)) return 'v';
  if (unaryTests.has(text)) return 'u';
  if (binaryTests.has(text)) return 'b';
  return text === '!' || text === ']' ? text : /^[-()]/.test(text) ? 'o' : 'w';
}

/**
 * What is known when a command is complete. `test` with words that may be operators is read in different ways, and bash
 * evaluates the name behind -v: only the plain forms of one comparison are allowed.
 */
export function finishCommand({ name, shape, operands }: Command, report: Report): void {
  if (operands === 0 || !(name === 'test' || name === '[')) return;
  if (!/^!?(?:[vw]|u[vw]|[vwo]b[vwo])$/.test(name === '[' ? shape.replace(/\]$/, '') : shape)) {
    report.refuse(
      `${name} may have one comparison in a command with template values: [ -n "$a" ], [ "$a" = "$b" ] (join them with && and ||)`,
    );
  }
}
