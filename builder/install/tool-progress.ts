/**
 * How far an install is, out of what oz, virt-install and the installer in the machine say. Pure: a line in, and
 * out what it tells. oz's lines: `oz/ozutil.py` (copy_and_modify, timed_loop); anaconda's: its own steps, as it
 * logs them on the channel that oz reads (F14 to F16) or shows on the console.
 */

export type LineProgress = { readonly fraction: number; readonly title: string };

/** Less than this is no news: a machine that talks without end must not become a flood of reports. */
const leastStep = 0.001;

/** Passes on what is further than all before: console and log tell the same in another order. */
export function onlyForward(
  report: (fraction: number, title: string) => void,
): (fraction: number, title: string) => void {
  let reached = -1;
  return (fraction, title) => {
    if (fraction - reached < leastStep) return;
    reached = fraction;
    report(fraction, title);
  };
}

/** Where each phase lies within the install step, from 0 to 1. */
const phases = {
  media: [0, 0.15],
  machine: [0.15, 0.2],
  packages: [0.3, 0.85],
} as const;

/** anaconda's steps in their order (pyanaconda/dispatch.py of Fedora 14), with how far each begins. */
const anacondaSteps: ReadonlyMap<string, number> = new Map(
  Object.entries({
    setuptime: 0.2,
    cleardiskssel: 0.21,
    autopartitionexecute: 0.22,
    storagedone: 0.23,
    enablefilesystems: 0.24,
    reposetup: 0.26,
    basepkgsel: 0.27,
    postselection: 0.28,
    preinstallconfig: 0.29,
    installpackages: 0.3,
    postinstallconfig: 0.85,
    writeconfig: 0.86,
    instbootloader: 0.9,
    copylogs: 0.92,
    methodcomplete: 0.925,
    postscripts: 0.93,
    dopostaction: 0.98,
    complete: 0.99,
  }),
);

/** Newer anaconda and the text screens of all: words on the console, with how far each begins. */
const consoleWords: readonly (readonly [RegExp, number, string])[] = [
  [/Starting installer|Running anaconda|anaconda installer init/i, 0.2, 'The installer starts'],
  [/Creating (?:ext4|disklabel|biosboot|xfs|swap)|Formatting/i, 0.24, 'Making file systems'],
  [
    /Starting (?:package installation|installation process)|Preparing transaction|Preparing to install/i,
    0.3,
    'Installing packages',
  ],
  [/Installing boot ?loader|Installing bootloader/i, 0.9, 'Installing the boot loader'],
  [
    /Performing post-?install|Running post-?install|Running in chroot|post-installation/i,
    0.93,
    'Running the scripts of the kickstart',
  ],
  [/Rebooting|reboot: |Power down/i, 0.99, 'The machine ends'],
];

const within = ([from, to]: readonly [number, number], share: number): number =>
  from + (to - from) * Math.min(1, Math.max(0, share));

/** What a line of the tool's own output tells, or undefined. */
export function toolLineProgress(line: string): LineProgress | undefined {
  const copied = /(\d{1,12})kB of (\d{1,12})kB/.exec(line);
  if (copied !== null && Number(copied[2]) > 0)
    return {
      fraction: within(phases.media, Number(copied[1]) / Number(copied[2])),
      title: 'Fetching the install medium',
    };
  const made = /(\d{1,3}(?:\.\d{1,9})?)% done/.exec(line);
  if (made !== null)
    return { fraction: within(phases.media, Number(made[1]) / 100), title: 'Making the install medium' };
  if (/Copying ISO contents|Generating new ISO|Setting up .* guestfs/i.test(line))
    return { fraction: 0.05, title: 'Making the install medium' };
  if (/Running install for|Starting install\.\.\.|Creating domain/i.test(line))
    return { fraction: phases.machine[0], title: 'The machine starts' };
  return installerLineProgress(line);
}

/** What a line of the installer tells, on the console or on oz's channel. */
export function installerLineProgress(line: string): LineProgress | undefined {
  const step = /moving \(-?\d+\) to step (\w+)/.exec(line)?.[1];
  const known = step === undefined ? undefined : anacondaSteps.get(step);
  if (known !== undefined) return { fraction: known, title: `The installer: ${step}` };
  const counted =
    /Installing \S+ \((\d{1,6})(?:\/| of )(\d{1,6})\)/.exec(line) ??
    /Packages completed: *(\d{1,6}) of (\d{1,6})/.exec(line);
  if (counted !== null && Number(counted[2]) > 0)
    return {
      fraction: within(phases.packages, Number(counted[1]) / Number(counted[2])),
      title: `Installing packages (${counted[1]} of ${counted[2]})`,
    };
  const word = consoleWords.find(([pattern]) => pattern.test(line));
  return word === undefined ? undefined : { fraction: word[1], title: word[2] };
}
