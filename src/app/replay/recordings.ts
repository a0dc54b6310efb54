import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordingSchema } from '../../agent/models/replay.ts';
import type { Recording } from '../../agent/models/replay.ts';
import { AppError } from '../../core/errors.ts';
import { fileProblem } from '../../lib/file-problem.ts';

/** The name of the one investigation in a folder of `fist investigate --record`. */
export const onlyInvestigation = 'investigation';

/** What a model answered: one file for each investigation and run. */
export interface Recordings {
  /** Throws InvalidInput where there is none, or the file is no recording. */
  read(name: string, run: number): Recording;
}

/** Writes what a model answered in one run of one investigation. */
export type KeepRecording = (name: string, run: number, recording: Recording) => void;

const fileOf = (directory: string, name: string, run: number): string => join(directory, `${name}.${run}.json`);

/** Makes the folder. Throws InvalidInput where it cannot be written or holds recordings already. */
export function openRecordings(directory: string): KeepRecording {
  try {
    mkdirSync(directory, { recursive: true });
    if (readdirSync(directory).length > 0)
      throw new AppError('InvalidInput', `${directory} is not empty`, {
        field: '--record',
        next: '--record with the name of a new folder',
      });
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('InvalidInput', `${directory} cannot be written (${fileProblem(error)})`, {
      cause: error,
      field: '--record',
    });
  }
  return (name, run, recording) => writeFileSync(fileOf(directory, name, run), `${JSON.stringify(recording)}\n`);
}

/** Recordings of a folder that {@link openRecordings} made. */
export function readRecordings(directory: string): Recordings {
  return {
    read(name, run) {
      const path = fileOf(directory, name, run);
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        throw new AppError('InvalidInput', `${path} cannot be read (${fileProblem(error)})`, {
          cause: error,
          field: '--model',
          next: '--record DIR of fist eval, or of fist investigate, writes recordings; --case and --runs choose from them',
        });
      }
      const parsed = recordingSchema.safeParse(jsonOf(text));
      if (parsed.success) return parsed.data;
      throw new AppError('InvalidInput', `${path} is no recording of this version`, { field: '--model' });
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
