import { recordModel, replayModel } from '../../agent/models/replay.ts';
import type { Recording } from '../../agent/models/replay.ts';
import type { AskedModel } from '../asked-model.ts';
import type { KeepRecording, Recordings } from './recordings.ts';

/** Where the answers of a model come from: it is asked now and may be kept, or was recorded before. */
export type ModelSource =
  | { readonly kind: 'live'; readonly asked: AskedModel; readonly keep: KeepRecording | null }
  | { readonly kind: 'replay'; readonly recordings: Recordings; readonly when: AskedModel['when'] };

/** The model of one investigation. */
export interface OpenSource {
  readonly asked: AskedModel;
  /** What was answered until now. */
  readonly recording: () => Recording;
  /** Requests of a replay that are not those of then. */
  readonly differing: () => number;
  /** Writes what was answered, where it is to be kept. */
  readonly keep: () => void;
}

/** A replay is asked as long as it takes to read; its answers have the bounds of then. */
const replayed = { requestTimeoutMs: 60_000, secrets: [] } as const;

/**
 * Opens the model for one run of the investigation of this name. `notice` stands in front of the report of a replay that has none of
 * its own. Throws InvalidInput where there is no recording of it.
 */
export function openSource(
  source: ModelSource,
  { name, run, notice = null }: { readonly name: string; readonly run: number; readonly notice?: string | null },
): OpenSource {
  if (source.kind === 'live') {
    const { asked, keep } = source;
    const { model, recording } = recordModel(asked.model, asked.maxOutputTokens, () => performance.now());
    return {
      asked: { ...asked, model },
      recording,
      differing: () => 0,
      keep: () => keep?.(name, run, recording()),
    };
  }
  const recording = source.recordings.read(name, run);
  const { model, differing } = replayModel({ ...recording, notice: recording.notice ?? notice });
  const { max_output_tokens: maxOutputTokens } = recording;
  return {
    asked: { ...replayed, model, maxOutputTokens, when: source.when },
    recording: () => recording,
    differing,
    keep: () => undefined,
  };
}
