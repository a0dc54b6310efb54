/**
 * The text of a pattern for the API server (Go, RE2), which must mean there what it means here. Throws, with `path`, for what
 * only one of them has or what they read differently: assertions and back references, `\s` and `\w` (JavaScript's know more
 * characters), a bare dot (line ends), and a class that excludes characters without the flag u (halves of characters).
 */
export function portablePattern(pattern: RegExp, path: string): string {
  const { source, flags } = pattern;
  const refuse = (what: string): never => {
    throw new Error(`${path}: ${what} in /${source}/ means something else in RE2`);
  };
  if (/[^iu]/.test(flags)) refuse(`flag ${flags}`);
  if (flags.includes('i') && !flags.includes('u')) refuse('flag i without u');
  let isInClass = false;
  for (let index = 0; index < source.length; index += 1) {
    const [character, next] = [source.charAt(index), source.charAt(index + 1)];
    if (character === '\\') {
      if (/[1-9sSwWDbBkcu]/.test(next)) refuse(`\\${next}`);
      index += 1;
    } else if (isInClass) isInClass = character !== ']';
    else if (character === '[') {
      isInClass = true;
      if (next === '^' && !flags.includes('u')) refuse('[^ without flag u');
    } else if (character === '.') refuse('a dot');
    else if (character === '(' && next === '?' && source.charAt(index + 2) !== ':') refuse('(?');
  }
  return flags.includes('i') ? `(?i)${source}` : source;
}
