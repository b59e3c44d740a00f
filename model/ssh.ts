/**
 * How a guest is reached, as data: by our agent, by ssh, or not at all; and which algorithms the sshd of a
 * release of some age knows. Pure. Who dials with it is `runtime/adapters/ssh-*.ts`.
 */
import { z } from 'zod';

/** An algorithm's name as OpenSSH writes it: no list, no prefix, nothing that an option could be made of. */
const algorithmSchema = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9@.-]*$/);
const algorithmListSchema = z.array(algorithmSchema).min(1).max(10);

/**
 * What a release's sshd needs that today's client does not offer by itself. What is left out is the client's
 * own choice. OpenSSH 5.3 (RHEL 6): RSA with SHA-1, group 14 with SHA-1, AES in counter mode.
 */
export const sshAlgorithmsSchema = z.strictObject({
  hostKeyAlgorithms: algorithmListSchema.optional(),
  publicKeyAlgorithms: algorithmListSchema.optional(),
  kexAlgorithms: algorithmListSchema.optional(),
  ciphers: algorithmListSchema.optional(),
  macs: algorithmListSchema.optional(),
});
export type SshAlgorithms = z.infer<typeof sshAlgorithmsSchema>;

/** A login name that useradd(8) makes; it becomes an argument of ssh. */
export const sshUserSchema = z
  .string()
  .max(32)
  .regex(/^[a-z_][a-z0-9_-]*$/);

/** How the service speaks to the guest of an assembly. */
export const transportSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('agent') }),
  z.strictObject({
    kind: z.literal('ssh'),
    user: sshUserSchema,
    /** Where sshd listens in the guest. */
    port: z.int().min(1).max(65535),
    /** `own`: a pair made for this assembly; `given`: the private key that the operator gave. */
    keyFile: z.enum(['own', 'given']),
    /** The operator's word to take the host key of the first connection; false once there is one. */
    trustFirst: z.boolean(),
  }),
  /** Nobody speaks to it: its virtual machine alone is watched. */
  z.strictObject({ kind: z.literal('none') }),
]);
export type Transport = z.infer<typeof transportSchema>;

/** What a pair for a login into guests of a release is made of. */
export type SshKeyType = 'ed25519' | 'rsa';

/** RSA where the release names what its sshd takes and Ed25519 is not among it (OpenSSH before 6.5). */
export function keyTypeFor(algorithms: SshAlgorithms | undefined): SshKeyType {
  const known = algorithms?.publicKeyAlgorithms;
  return known === undefined || known.includes('ssh-ed25519') ? 'ed25519' : 'rsa';
}

/** A public key as OpenSSH writes it: type, base64, and a comment that we drop (sshd(8), SSH_KNOWN_HOSTS). */
const hostKeyPattern =
  /^(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]{16,8192}={0,2})(?:[ \t][^\r\n]*)?$/;

/** Type and base64 of a host key on one line, or undefined when the text is none. */
export function parseHostKey(text: string): { readonly type: string; readonly line: string } | undefined {
  const match = hostKeyPattern.exec(text.trim());
  const [, type, data] = match ?? [];
  return type === undefined || data === undefined ? undefined : { type, line: `${type} ${data}` };
}
