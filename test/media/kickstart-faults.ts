/**
 * Kickstarts that an installer cannot carry out, made of one that it can: what each does at a release's installer is
 * in its doc comment. Pure.
 */

export type KickstartFault =
  /** A command that no version knows: a dialogue of the parser, before the disk is touched. */
  | 'unknown-command'
  /** An option of a later version (`autopart --type`): the same. */
  | 'unknown-option'
  /** A section without its %end: the same. */
  | 'missing-end'
  /** No time zone: the installer asks for one, and waits. */
  | 'question'
  /** A package that the media do not have, and no --ignoremissing: the installer asks, and waits. */
  | 'missing-package'
  /** No `zerombr`: on a blank disk the installer asks whether it may initialise it, and waits. */
  | 'blank-disk-question'
  /** No `part biosboot`: an installer that labels with GPT refuses, and waits. */
  | 'no-biosboot'
  /** A root larger than any disk: refused by the partitioner, which waits. */
  | 'partition-too-large'
  /** A root too small for the packages: the transaction fails on a full disk, and waits. */
  | 'disk-full-in-guest'
  /** A %post that fails at its beginning: without --erroronfail the installer goes on and powers off as if all were well. */
  | 'post-fails'
  /** No `poweroff` or `reboot`: the installer congratulates, and waits for a key. */
  | 'no-ending';

/** @throws Error where the kickstart has not what the fault is about, so that no test passes for another reason */
export function brokenKickstart(kickstart: string, fault: KickstartFault): string {
  const broken = breakIt(kickstart, fault);
  if (broken === kickstart) throw new Error(`this kickstart cannot be given the fault ${fault}`);
  return broken;
}

function breakIt(text: string, fault: KickstartFault): string {
  switch (fault) {
    case 'unknown-command':
      return `frobnicate --all\n${text}`;
    case 'unknown-option':
      return text.replace(/^zerombr$/m, 'zerombr\nautopart --type=plain');
    case 'missing-end':
      return text.replace(/^%end\n(?![\s\S]*^%end)/m, '');
    case 'question':
      return text.replace(/^timezone .*\n/m, '');
    case 'missing-package':
      return text.replace(/^(%packages.*?) --ignoremissing(.*)$/m, '$1$2\nno-such-package');
    case 'blank-disk-question':
      return text.replace(/^zerombr\n/m, '');
    case 'no-biosboot':
      return text.replace(/^part biosboot .*\n/m, '');
    case 'partition-too-large':
      return text.replace(/^(part \/ .*?)--size=\d+/m, '$1--size=9000000');
    case 'disk-full-in-guest':
      return text.replace(/^(part \/ .*?)--size=\d+(.*?) --grow/m, '$1--size=12$2');
    case 'post-fails':
      return text.replace(
        /^(%post.*)$/m,
        '$1\necho "SYNTHETIC fault: this script ends with code 3" >&2\nexit 3',
      );
    case 'no-ending':
      return text.replace(/^(?:poweroff|reboot|halt|shutdown)\n/m, '');
  }
}
