import type { Kind } from './state.ts';

/** A variable that stands where some of its values would mean something. */
interface Use {
  readonly name: string;
  readonly kind: Kind;
  readonly place: number;
}

/** What a command does with its variables, all of its branches together. */
export interface Uses {
  /** The command gives the variable what is not literal. */
  assign(name: string): void;
  /** Its value becomes part of a word of this kind. */
  use(name: string, kind: Kind, place: number): void;
  /** What is wrong once the command is complete. `values`: of the variables that the step brings, where they are known. */
  problems(values: Readonly<Record<string, string>>): readonly Problem[];
}

interface Problem {
  readonly place: number;
  readonly reason: string;
  /** The value is wrong, not the command. */
  readonly isOfValue: boolean;
}

/** Starts to follow the variables of one command. */
export function createUses(): Uses {
  const assigned = new Set<string>();
  const used = new Map<string, Use>();
  return {
    assign: (name) => assigned.add(name),
    use: (name, kind, place) => used.set(`${name} ${kind} ${place}`, { name, kind, place }),
    problems: (values) =>
      [...used.values()].flatMap(({ name, kind, place }): Problem[] => {
        if (assigned.has(name)) return [{ place, isOfValue: false, reason: unknownReason(`$${name}`, kind) }];
        const value = Object.hasOwn(values, name) ? values[name] : undefined;
        const reason = value === undefined ? undefined : kindRefusal(value, kind);
        return reason === undefined ? [] : [{ place, isOfValue: true, reason: `$${name}: ${reason}` }];
      }),
  };
}

/** Whether some values of a word of this kind would mean something, whatever stands in front. */
export function isChecked(kind: Kind): boolean {
  return kind === 'url' || kind === 'line' || kind === 'header';
}

/** Why what is known only when the command runs may not stand in such a word. */
export function unknownReason(what: string, kind: Kind): string {
  return kind === 'url'
    ? `${what} is not known before the command runs, and curl expands brackets and braces in a URL: use -G --data-urlencode "name=..."`
    : `${what} is not known before the command runs, and a line break in it would begin another header: write the template value itself here`;
}

/** Why a value may not be part of a word of this kind; undefined where it may. */
export function kindRefusal(value: string, kind: Kind): string | undefined {
  // curl makes many addresses of [1-9] and {a,b}, and a path with .. of {..}.
  if (kind === 'url' && /[[\]{}]/.test(value)) return 'the value has a bracket or brace, which curl expands in a URL';
  if ((kind === 'line' || kind === 'header') && /[\r\n]/.test(value))
    return 'the value has a line break, behind which another header would begin';
  return undefined;
}
