import { isSoundAwk, isSoundFormat, isSoundJq, isSoundSed } from './languages.ts';
import type { Report } from './report.ts';
import { expansionMark, isDynamic, valueMark } from './state.ts';
import type { Kind, Word } from './state.ts';
import { isChecked, kindRefusal, unknownReason } from './uses.ts';
import { isPowerful } from './variables.ts';

const plainFile = /^(?:[A-Za-z0-9_][\w.-]*|\/dev\/(?:null|stdout|stderr))$/;

/** The word behind the operator of a redirection. */
export function judgeTarget(word: Word, operator: string, report: Report): void {
  const { text } = word;
  if (isDynamic(text)) report.refuse(`${whatStands(text)} may not name the file of a redirection`, word.place);
  else if (operator.endsWith('&') && /^(?:[0-9]+|-)$/.test(text)) return;
  else if (operator !== '<' && !plainFile.test(text)) {
    report.refuse(
      'a command with template values writes only to files of its own folder, by their plain names',
      word.place,
    );
  }
}

/** Locale, time zone and separators are harmless as long as they are literal. */
const literalVariables = /^(?:IFS|TZ|LANG|LC_[A-Z]+)$/;

/** A word that assigns to a variable. */
export function judgeAssignment(word: Word, name: string, report: Report): void {
  const value = word.text.slice(name.length + 1);
  if (!(literalVariables.test(name) && !isDynamic(value))) judgeVariable(name, word, report);
  if (isDynamic(value)) report.uses.assign(name);
  checkValues(word, 'data', report);
}

/** The word that names the variable of a loop. */
export function judgeName(word: Word, report: Report): void {
  judgeVariable(word.text, word, report);
}

function judgeVariable(name: string, word: Word, report: Report): void {
  if (isDynamic(name)) report.refuse(`${whatStands(name)} may not be the name of a variable`, word.place);
  else if (!/^[A-Za-z_]\w*$/.test(name)) report.refuse('such a name of a variable is not allowed', word.place);
  else if (isPowerful(name)) {
    report.refuse(
      `a command with template values may not set ${name}, which means something to shells or programs`,
      word.place,
    );
  }
}

/** The word of a list that a loop with this variable goes through: it may be split. */
export function judgePlain(word: Word, variable: string, report: Report): void {
  if (isDynamic(word.text)) report.uses.assign(variable);
  checkValues(word, 'data', report);
}

/** What of a word is not literal, as the beginning of a refusal. */
export function whatStands(text: string): string {
  return text.includes(valueMark) ? 'a template value' : 'what a variable or a $( ) holds';
}

/** Refuses a word, or what is attached to an option in it, that may not be what it is. `text` ends the word. */
export function judge(name: string, kind: Kind, word: Word, text: string, report: Report): void {
  const reason = kind === 'variable' ? undefined : refusal(name, kind, text);
  if (kind === 'variable') {
    judgeVariable(text, word, report);
    report.uses.assign(text);
  } else if (reason !== undefined) report.refuse(reason, word.place);
  else if (word.isSplit) {
    report.refuse('the shell would split this into words: write it in double quotes', word.place);
  } else {
    checkValues(word, kind, report);
    if (isChecked(kind)) checkVariables(word, kind, report);
  }
}

/** Those that the command itself sets are not followed; others are the step's own and checked while rendering. */
function checkVariables(word: Word, kind: Kind, report: Report): void {
  for (const name of word.variables) {
    if (name === '') report.refuse(unknownReason('what a $( ) prints', kind), word.place);
    else report.uses.use(name, kind, word.place);
  }
}

function refusal(name: string, kind: Kind, text: string): string | undefined {
  const marks = [text.indexOf(valueMark), text.indexOf(expansionMark)].filter((index) => index >= 0);
  const first = Math.min(text.length, ...marks);
  const before = text.slice(0, first);
  const what = whatStands(text);
  switch (kind) {
    case 'format':
      return isSoundFormat(text) ? undefined : `the format of ${name} must be literal, with plain conversions`;
    case 'awk':
      return isSoundAwk(text)
        ? undefined
        : `the program of ${name} must be literal and run, read and write nothing (system, getline, |, print >, @, ARGV)`;
    case 'jq':
      return isSoundJq(text) ? undefined : `the program of ${name} must be literal and load nothing (include, import)`;
    case 'sed':
      return isSoundSed(text)
        ? undefined
        : `the script of ${name} must be literal, with nothing but s///gp, p, d, q and addresses`;
    case 'file':
      return plainFile.test(text) || text === '-'
        ? undefined
        : `${name} may write only to plain names in its own folder`;
    case 'setting':
      return /^(?:pipefail|errexit|nounset|xtrace|noglob|\+[euxf]+)$/.test(text)
        ? undefined
        : `set ${isDynamic(text) ? '' : text} is not allowed in a command with template values`;
    default:
  }
  if (first === text.length) return undefined;
  switch (kind) {
    case 'constant':
      return `${what} may not stand here: ${name} takes values behind -- and in options that are known to be harmless`;
    case 'named':
      return /^[\w-]+=/.test(before) ? undefined : `${what} needs a literal name= in front of it here`;
    case 'header':
      return /^[\w-]+:/.test(before) ? undefined : `${what} needs a literal name: in front of it here`;
    case 'body':
      return first === 0 && text[0] === expansionMark
        ? 'a variable may begin with @ here, which names a file: use --data-raw'
        : undefined;
    case 'subject':
      return /^\w/.test(before) ? undefined : `${what} may stand here only behind --, or behind literal text (pod/...)`;
    case 'path':
      if (text.includes(expansionMark)) return 'a variable may not be part of the name of a file';
      // The root, or a folder above the step's own, is no beginning: the value would name any file.
      return /^\.\/|[^/.]/.test(before) ? undefined : `${what} may not be the whole name of a file`;
    case 'url':
      if (!/^https?:\/\/[\w.:-]+[/?]/.test(before))
        return `${what} may stand in a URL only behind a literal http://host/`;
      return text.slice(0, text.indexOf(expansionMark)).includes('?') || !text.includes(expansionMark)
        ? undefined
        : 'a variable may stand in a URL only behind a literal ?';
    default:
      return undefined;
  }
}

/** What the values themselves must not be; known only while rendering. */
function checkValues(word: Word, kind: Kind, report: Report): void {
  if (kind === 'text') return;
  const isJoined = kind === 'path' || word.text.includes('/');
  for (const value of word.values) {
    const reason = valueRefusal(value, isJoined) ?? kindRefusal(value, kind);
    if (reason !== undefined) report.refuseValue(reason, word.place);
  }
  // Values side by side make one text.
  if (word.values.length > 1 && leavesPath(word.values.join('')))
    report.refuseValue('the values together have . or .. as a part of a path', word.place);
}

function leavesPath(text: string): boolean {
  return /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\?#;]|$)/i.test(text);
}

function valueRefusal(value: string, isJoined: boolean): string | undefined {
  if (value === '') return 'the value is empty';
  if (/^[-@]/.test(value))
    return `the value begins with ${value.charAt(0)}, which programs take for an option or a file`;
  if (leavesPath(value)) return 'the value has . or .. as a part of a path';
  if (isJoined && /^[/\\]/.test(value)) return 'the value begins with / and is joined to a path';
  return undefined;
}
