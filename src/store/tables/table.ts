import type { ColumnType } from 'kysely';
import { storableJson } from '../sql/text.ts';

// What a table is: the one place beside the migrations that names its columns. Rows have the columns' names, records the
// fields' names; statements, lists, the transfer and the types of rows and records follow.

/**
 * How a value is stored. `json` is JSON text as it was written, `members` JSON text with its members in any order:
 * PostgreSQL keeps the order of the first and not of the second. SQLite has no `flag`: 0 or 1.
 */
export type ColumnKind = 'text' | 'number' | 'flag' | 'time' | 'json' | 'members';

/** A flag is read as 0 or 1 from both databases. */
type Flag = ColumnType<number, number | boolean, number | boolean>;

/**
 * One column. `Value` is its value in a record, `Stored` in a row; `Field` its name in a record (undefined: that of the
 * column in camel case; null: it is in no record); `Group` the groups that it is in: `unlisted`, what no list reads
 * because it may be large or tells nothing there, and those of its table.
 */
export interface Column<
  Value = unknown,
  Stored = unknown,
  Field extends string | null | undefined = string | null | undefined,
  Group extends string = string,
> {
  readonly kind: ColumnKind;
  readonly field: Field;
  readonly isNullable: boolean;
  readonly groups: readonly Group[];
  /** For types alone. */
  readonly value?: Value;
  readonly stored?: Stored;
}

interface Declared<Value, Stored, Field extends string | null | undefined, Group extends string> extends Column<
  Value,
  Stored,
  Field,
  Group
> {
  nullable(): Declared<Value | null, Stored | null, Field, Group>;
  unlisted(): Declared<Value, Stored, Field, Group | 'unlisted'>;
  as<Other extends string | null>(field: Other): Declared<Value, Stored, Other, Group>;
  in<Other extends string>(...groups: readonly Other[]): Declared<Value, Stored, Field, Group | Other>;
}

function declare<Value, Stored, Field extends string | null | undefined, Group extends string>(
  column: Column<Value, Stored, Field, Group>,
): Declared<Value, Stored, Field, Group> {
  const { kind, field, isNullable, groups } = column;
  return {
    ...column,
    nullable: () => declare({ kind, field, isNullable: true, groups }),
    unlisted: () => declare({ kind, field, isNullable, groups: [...groups, 'unlisted'] }),
    as: (other) => declare({ kind, field: other, isNullable, groups }),
    in: (...others) => declare({ kind, field, isNullable, groups: [...groups, ...others] }),
  };
}

function column<Value, Stored>(kind: ColumnKind): Declared<Value, Stored, undefined, never> {
  return declare({ kind, field: undefined, isNullable: false, groups: [] });
}

/** Text; enumerations were written by this program, so they are taken as they are. */
export const text = <Value extends string = string>() => column<Value, string>('text');
export const number = () => column<number, number>('number');
export const flag = () => column<boolean, Flag>('flag');
export const time = () => column<string, string>('time');
export const json = <Value>() => column<Value, string>('json');
export const members = <Value>() => column<Value, string>('members');

type Columns = Readonly<Record<string, Column>>;

/** A column with its name and its field. */
export interface Place {
  readonly column: string;
  /** Null: it is in no record. */
  readonly field: string | null;
  readonly kind: ColumnKind;
  readonly isNullable: boolean;
}

export interface Table<Name extends string = string, C extends Columns = Columns> {
  readonly name: Name;
  /** Columns of the primary key. */
  readonly key: readonly string[];
  readonly columns: C;
  readonly places: readonly Place[];
}

/** Declares a table. */
export function table<Name extends string, C extends Columns>(
  name: Name,
  key: readonly (keyof C & string)[],
  columns: C,
): Table<Name, C> {
  const places = Object.entries(columns).map(([column, { kind, field, isNullable }]) => ({
    column,
    field: field === undefined ? camelCase(column) : field,
    kind,
    isNullable,
  }));
  return { name, key, columns, places };
}

type Camel<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Name;

function camelCase(name: string): string {
  return name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

type FieldName<Name, C> =
  C extends Column<unknown, unknown, infer Field>
    ? Field extends string
      ? Field
      : Field extends null
        ? never
        : Camel<Name & string>
    : never;

/** A row as Kysely sees it. */
export type RowOf<T extends Table> = {
  [Name in keyof T['columns']]: T['columns'][Name] extends Column<unknown, infer Stored> ? Stored : never;
};

/** What the rest of the program sees of a row. */
export type RecordOf<T extends Table> = {
  readonly [Name in keyof T['columns'] as FieldName<Name, T['columns'][Name]>]: T['columns'][Name] extends Column<
    infer Value
  >
    ? Value
    : never;
};

export type FieldOf<T extends Table> = keyof RecordOf<T> & string;

/** Fields of the columns in a group. */
type FieldIn<T extends Table, Group extends string> = {
  [Name in keyof T['columns']]: T['columns'][Name] extends Column<unknown, unknown, infer _Field, infer Groups>
    ? Group extends Groups
      ? FieldName<Name, T['columns'][Name]>
      : never
    : never;
}[keyof T['columns']];

type ListedField<T extends Table> = Exclude<FieldOf<T>, FieldIn<T, 'unlisted'>>;

/** A record as lists give it. */
export type ListedRecord<T extends Table> = Pick<RecordOf<T>, ListedField<T>>;

/** Fields that lists read. */
export function listedFields<T extends Table>(table: T): readonly ListedField<T>[] {
  return fieldsWhere(table, ({ groups }) => !groups.includes('unlisted')) as readonly ListedField<T>[];
}

/** Fields of a group, in the order of the declaration. */
export function fieldsIn<T extends Table, Group extends string>(
  table: T,
  group: Group,
): readonly (FieldIn<T, Group> & FieldOf<T>)[] {
  return fieldsWhere(table, ({ groups }) => groups.includes(group)) as readonly (FieldIn<T, Group> & FieldOf<T>)[];
}

function fieldsWhere(table: Table, test: (column: Column) => boolean): readonly string[] {
  const chosen = table.places.filter(({ column }) => test(table.columns[column] as Column));
  return [...new Set(chosen.flatMap(({ field }) => field ?? []))];
}

/** Some fields of a table: the columns to select for them, and their reading. */
export interface Selection<T extends Table, Field extends FieldOf<T>> {
  readonly columns: readonly (keyof T['columns'] & string)[];
  readonly read: (row: Readonly<Record<string, unknown>>) => Pick<RecordOf<T>, Field>;
}

/** Reads rows as records, with all fields or with those. Where two columns hold one field, the first is read. */
export function selection<T extends Table, Field extends FieldOf<T> = FieldOf<T>>(
  table: T,
  fields?: readonly Field[],
): Selection<T, Field> {
  const known = new Map<string, Place>();
  for (const place of table.places) {
    const { field } = place;
    if (field === null || known.has(field) || fields?.includes(field as Field) === false) continue;
    known.set(field, place);
  }
  const reads = Array.from(known, ([field, { column, kind }]) => ({ field, column, kind }));
  return {
    columns: reads.map(({ column }) => column),
    read(row) {
      const record: Record<string, unknown> = {};
      for (const { field, column, kind } of reads) record[field] = fromStored(kind, row[column]);
      return record as Pick<RecordOf<T>, Field>;
    },
  };
}

/** The columns that hold these fields, each with its field. */
export function placesOf<T extends Table>(table: T, fields: readonly FieldOf<T>[]): readonly Place[] {
  return table.places.filter(({ field }) => field !== null && (fields as readonly string[]).includes(field));
}

/** A part of a record as columns, for an UPDATE. */
export function changesOf<T extends Table>(table: T, record: Partial<RecordOf<T>>): Partial<Record<string, unknown>> {
  const changes: Record<string, unknown> = {};
  for (const { column, field, kind } of table.places)
    if (field !== null && Object.hasOwn(record, field))
      changes[column] = toStored(kind, (record as Readonly<Record<string, unknown>>)[field]);
  return changes;
}

/** A value of a record as it is bound. */
export function toStored(kind: ColumnKind, value: unknown): unknown {
  return (kind === 'json' || kind === 'members') && value !== null && value !== undefined ? storableJson(value) : value;
}

function fromStored(kind: ColumnKind, value: unknown): unknown {
  if (kind === 'flag') return value === 1;
  return (kind === 'json' || kind === 'members') && value !== null ? (JSON.parse(value as string) as unknown) : value;
}
