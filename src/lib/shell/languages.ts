import { isDynamic } from './state.ts';

/** A format of printf whose conversions print their argument; `%n` would set a variable that the argument names. */
export function isSoundFormat(text: string): boolean {
  return (
    !isDynamic(text) &&
    !text.startsWith('-') &&
    /^(?:[^%]|%[-+ 0#]*[0-9]*(?:\.[0-9]+)?[sbcdiouxXeEfgGq%])*$/s.test(text)
  );
}

/**
 * An awk program that neither runs commands, nor reads or writes files, nor loads code, nor changes which files it reads (ARGV,
 * ARGC, SYMTAB). Comparisons stand before `print`.
 */
export function isSoundAwk(text: string): boolean {
  const rest = text.replaceAll('||', '');
  return !isDynamic(text) && !/system|getline|\||@|\\\r?\n|print.*>|ARG[CV]|SYMTAB/s.test(rest);
}

/** A jq program that runs no other: what it includes may be a file that was made of a value. */
export function isSoundJq(text: string): boolean {
  return !isDynamic(text) && !/(?<![.\w$"])(?:include|import)\b/.test(text);
}

const address = String.raw`(?:\d+|\$|\/(?:[^/\\\n]|\\[^\n])+\/)`;
const command = String.raw`(?:[pdq=]|s([/|,#:])(?:(?!\1)[^\\\n]|\\[^\n])*\1(?:(?!\1)[^\\\n]|\\[^\n])*\1[gpiI0-9]*|y\/[^/\\\n]*\/[^/\\\n]*\/)`;
const oneSed = new RegExp(String.raw`^\s*(?:${address}(?:,${address})?\s*!?\s*)?${command}\s*(?:[;\n]|$)`);

/** A sed script of substitutions, printing and deleting: the commands e, r, w and the flags e, w are not among them. */
export function isSoundSed(text: string): boolean {
  let rest = text;
  while (rest !== '') {
    const match = oneSed.exec(rest);
    if (isDynamic(text) || match === null) return false;
    rest = rest.slice(match[0].length);
  }
  return text !== '';
}
