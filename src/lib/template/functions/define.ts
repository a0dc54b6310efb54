import type { Runtime } from '../runtime.ts';
import type { GoList, GoMap, GoTime } from '../values.ts';

/**
 * What a function's parameters accept, checked before the call. `string`: text; missing and null are "". `format`: the same,
 * but null is refused. `int`: a whole number. `time`: a time, an RFC 3339 text or Unix seconds. `map` and `list`: missing
 * and null are `undefined`.
 */
export interface ParameterTypes {
  any: unknown;
  string: string;
  format: string;
  bool: boolean;
  int: number;
  list: GoList | undefined;
  map: GoMap | undefined;
  time: GoTime;
}

export type ParameterType = keyof ParameterTypes;

type Arguments<Parameters extends readonly ParameterType[]> = {
  [Index in keyof Parameters]: ParameterTypes[Parameters[Index]];
};

/** A function that templates can call; throws FunctionError. */
export interface TemplateFunction {
  readonly parameters: readonly ParameterType[];
  /** The type of any number of further arguments. */
  readonly rest: ParameterType | undefined;
  readonly call: (values: readonly unknown[], runtime: Runtime) => unknown;
}

export type FunctionTable = Readonly<Record<string, TemplateFunction>>;

/** A function with a fixed number of parameters. */
export function fixed<const Parameters extends readonly ParameterType[]>(
  parameters: Parameters,
  body: (...values: [...Arguments<Parameters>, Runtime]) => unknown,
): TemplateFunction {
  return {
    parameters,
    rest: undefined,
    call: (values, runtime) => body(...([...values, runtime] as unknown as [...Arguments<Parameters>, Runtime])),
  };
}

/** A function whose last parameter takes any number of arguments. */
export function variadic<const Parameters extends readonly ParameterType[], Rest extends ParameterType>(
  parameters: Parameters,
  rest: Rest,
  body: (...values: [...Arguments<Parameters>, readonly ParameterTypes[Rest][], Runtime]) => unknown,
): TemplateFunction {
  const count = parameters.length;
  return {
    parameters,
    rest,
    call: (values, runtime) =>
      body(
        ...([...values.slice(0, count), values.slice(count), runtime] as unknown as [
          ...Arguments<Parameters>,
          readonly ParameterTypes[Rest][],
          Runtime,
        ]),
      ),
  };
}

/**
 * The functions also with `must` in front, as Sprig has them: there these fail where the others panic, which is the same
 * here.
 */
export function withMust(table: FunctionTable): FunctionTable {
  const musts = Object.entries(table).map(
    ([name, definition]) => [`must${name.charAt(0).toUpperCase()}${name.slice(1)}`, definition] as const,
  );
  return { ...table, ...Object.fromEntries(musts) };
}
