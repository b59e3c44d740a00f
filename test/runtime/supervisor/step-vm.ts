/** One virtual machine of the random world, as its books say, and the words in which an action fails there. */

export type Vm = {
  on: boolean;
  paused: boolean;
  starts: number;
  /** libvirt is about to switch it on. */
  starting: boolean;
  /** By the operator, behind our back. */
  startedByHand: boolean;
  boot: number;
  greeted: boolean;
  silent: boolean;
  cpuMs: number;
  linkOpen: boolean;
  /** Resources whose main process runs; what was watched before and died shows as dead after a hello. */
  running: Set<string>;
  watched: Set<string>;
};

export function newVm(): Vm {
  return {
    on: false,
    paused: false,
    starts: 0,
    starting: false,
    startedByHand: false,
    boot: 0,
    greeted: false,
    silent: false,
    cpuMs: 0,
    linkOpen: false,
    running: new Set(),
    watched: new Set(),
  };
}

export function failed(retryable: boolean): { ok: false; message: string; hint: null; retryable: boolean } {
  return { ok: false, message: 'simulated failure', hint: null, retryable };
}
