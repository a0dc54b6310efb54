/**
 * The values of a flag that may stand more than once among the arguments of a container: `--flag=value` in one of them, or the flag in one
 * and its value in the next.
 */
export function flagValues(args: readonly string[], flag: string): readonly string[] {
  return args.flatMap((arg, place) => {
    if (arg.startsWith(`${flag}=`)) return [arg.slice(flag.length + 1)];
    const next = args[place + 1];
    return arg === flag && next !== undefined ? [next] : [];
  });
}
