import { withInstallWorld } from '../app/install/connect.ts';
import type { ContextFlags } from '../app/install/connect.ts';
import { install as installAll } from '../app/install/install.ts';
import type { Done } from '../app/install/install.ts';
import { installed, manifestsText, readManifests } from '../app/install/manifests.ts';
import { planUninstall, uninstall as uninstallAll } from '../app/install/uninstall.ts';
import { AppError } from '../core/errors.ts';
import { plain } from '../lib/printable.ts';
import { tell } from './output.ts';
import type { Terminal } from './output.ts';

interface InstallFlags extends ContextFlags {
  readonly namespace: string;
  readonly image?: string;
  readonly dryRun?: boolean;
  readonly forceConflicts?: boolean;
}

/** `fist install`: makes an installation in a cluster, or finds that all of it is there. `--dry-run` prints it, with no cluster. */
export function install(terminal: Terminal, flags: InstallFlags): Promise<number> {
  return installOrUpgrade(terminal, flags, false);
}

/** `fist upgrade`: brings an installation up to this version. */
export function upgrade(terminal: Terminal, flags: InstallFlags): Promise<number> {
  return installOrUpgrade(terminal, flags, true);
}

async function installOrUpgrade(terminal: Terminal, flags: InstallFlags, isUpgrade: boolean): Promise<number> {
  const { namespace, image = null, dryRun = false, forceConflicts: force = false } = flags;
  const manifests = await readManifests({ namespace, image });
  if (dryRun) {
    terminal.out(await manifestsText(manifests));
    return 0;
  }
  return withInstallWorld(flags, async (world, { description }) => {
    tell(terminal, `${description}, namespace ${namespace}`);
    for await (const done of installAll(world, manifests, { namespace, image, isUpgrade, force }))
      terminal.out(line(done));
    const { kubectl } = world;
    tell(terminal, `next: ${kubectl} rollout status statefulset/${installed.workload} -n ${namespace}`);
    return 0;
  });
}

interface UninstallFlags extends ContextFlags {
  readonly namespace: string;
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** `fist uninstall`: deletes what `fist install` made; what lasts only with `--all --yes`. */
export async function uninstall(terminal: Terminal, flags: UninstallFlags): Promise<number> {
  const { namespace, all = false, yes = false, dryRun = false } = flags;
  const manifests = await readManifests({ namespace, image: null });
  return withInstallWorld(flags, async (world, { description }) => {
    tell(terminal, `${description}, namespace ${namespace}`);
    const plan = await planUninstall(world, manifests, all);
    const isAsked = all && !yes;
    if (dryRun || isAsked) {
      for (const { title } of plan.removals) terminal.out(`would be deleted: ${plain(title)}\n`);
      for (const { resource, count } of plan.lost)
        terminal.out(`would be lost: ${count} ${resource} of all namespaces\n`);
    } else for await (const done of uninstallAll(world, plan)) terminal.out(line(done));
    for (const text of plan.kept) tell(terminal, `kept: ${plain(text)}`);
    if (plan.removals.length === 0) tell(terminal, `there is nothing to delete in namespace ${namespace}`);
    if (isAsked && !dryRun)
      throw new AppError('InvalidInput', 'nothing was deleted: --all deletes what cannot be brought back', {
        field: '--yes',
        next: `fist uninstall --namespace ${namespace} --all --yes`,
      });
    return 0;
  });
}

function line({ title, outcome }: Done): string {
  return `${plain(title)} ${outcome}\n`;
}
