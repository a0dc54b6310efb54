import type { JsonObject } from '../core/json.ts';
import type { Clock, Log } from '../core/ports.ts';
import { KubeFailure } from '../kube/connection/failure.ts';
import type { KubeWriter } from '../kube/connection/writer.ts';
import { createComplaints } from '../lib/complaints.ts';

/** CRDs may be upgraded meanwhile. */
const againMs = 5 * 60_000;
const complainAgainMs = 60 * 60_000;

/** Fields of a kind's status that are left out for now. */
interface LeftOut {
  readonly fields: readonly string[];
  readonly untilMs: number;
}

/**
 * Writes statuses also where the CRDs of the cluster are older than this program: without the fields that they lack, because the API
 * server refuses a status with one of them whole, conditions and all. Says so, and tries them again every while.
 */
export function createStatusPatch(
  writer: Pick<KubeWriter, 'patchStatus'>,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): KubeWriter['patchStatus'] {
  const complain = createComplaints(log, clock, complainAgainMs);
  const leftOut = new Map<string, LeftOut>();

  return async (kind, place, status, options) => {
    for (;;) {
      const known = leftOut.get(kind.kind);
      const fields = known !== undefined && clock.monotonic() < known.untilMs ? known.fields : [];
      try {
        return await writer.patchStatus(kind, place, without(status, fields), options);
      } catch (error) {
        const more = lackingOf(error).filter((field) => field in status && !fields.includes(field));
        if (more.length === 0) throw error;
        const all = [...fields, ...more];
        leftOut.set(kind.kind, { fields: all, untilMs: clock.monotonic() + againMs });
        complain(
          'warn',
          `${kind.kind} ${all.join()}`,
          { kind: kind.kind, fields: all, next: 'kubectl apply --server-side -f deploy/crds/phase1-crds.yaml' },
          'the CRDs of the cluster are older than this program; statuses are written without the fields that they lack',
        );
      }
    }
  };
}

/** The fields of a status that the schema lacks, or lacks a part of; a status without conditions would say nothing. */
function lackingOf(error: unknown): readonly string[] {
  if (!(error instanceof KubeFailure)) return [];
  return error.undeclared
    .map((path) => /^\.status\.([^.[]+)/.exec(path)?.[1] ?? '')
    .filter((field) => field !== '' && field !== 'conditions');
}

function without(status: JsonObject, fields: readonly string[]): JsonObject {
  if (fields.length === 0) return status;
  return Object.fromEntries(Object.entries(status).filter(([field]) => !fields.includes(field)));
}
