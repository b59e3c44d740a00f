/** The argument lists of ssh, the pinned host key, and what of a guest's words is taken. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { keyTypeFor, parseHostKey, sshAlgorithmsSchema, sshUserSchema } from '../../../model/ssh.ts';
import {
  knownHostsText,
  learntHostKey,
  masterArguments,
  sessionArguments,
} from '../../../runtime/adapters/ssh-arguments.ts';
import type { SshTarget } from '../../../runtime/adapters/ssh-arguments.ts';
import { createMarkCutter, lastWords } from '../../../runtime/adapters/ssh-process.ts';
import { createWatchReader } from '../../../runtime/adapters/ssh-session.ts';
import { createTurnstile } from '../../../runtime/adapters/ssh-turnstile.ts';
import { algorithmsOfAge } from './sshd.ts';

const rsa = `ssh-rsa ${'A'.repeat(200)}`;
const ed25519 = `ssh-ed25519 ${'B'.repeat(68)}`;
const target: SshTarget = {
  assembly: 'assy1',
  host: '127.0.0.1',
  port: 20022,
  user: 'root',
  identityFile: '/state dir/50%/key',
  hostKey: ed25519,
  trustFirst: false,
  algorithms: {},
  elevate: false,
  runDirectory: '/run',
};
const files = { knownHosts: '/run/p c/x.hosts', controlPath: '/run/p c/x' };

function settings(args: readonly string[]): Readonly<Record<string, string>> {
  const pairs = args.flatMap((arg, index) =>
    args[index - 1] === '-o' ? [arg.split(/=(.*)/s).slice(0, 2)] : [],
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}

test('nothing of the user takes part, nothing is asked, and only the pinned key is trusted', () => {
  const args = masterArguments(target, files, 'true');
  const set = settings(args);
  assert.deepEqual(args.slice(0, 7), ['-F', 'none', '-T', '-i', '/state dir/50%%/key', '-p', '20022']);
  assert.deepEqual(args.slice(-5), ['-l', 'root', '--', '127.0.0.1', 'true']);
  assert.equal(set['BatchMode'], 'yes');
  assert.equal(set['IdentityAgent'], 'none');
  assert.equal(set['StrictHostKeyChecking'], 'yes');
  assert.equal(set['UserKnownHostsFile'], '"/run/p c/x.hosts"');
  assert.equal(set['GlobalKnownHostsFile'], '/dev/null');
  assert.equal(set['HostKeyAlgorithms'], 'ssh-ed25519');
  assert.equal(set['KexAlgorithms'], undefined);
  assert.equal(knownHostsText(target), `pcloud-assy1 ${ed25519}\n`);
});

test('an operation goes over the master or nowhere', () => {
  const set = settings(sessionArguments(target, files, 'true'));
  assert.equal(set['ControlMaster'], 'no');
  assert.equal(set['ControlPath'], '"/run/p c/x"');
  assert.equal(set['ProxyCommand'], 'false');
});

test('a release of RHEL 6’s age is asked for what its sshd knows', () => {
  const old = { ...target, hostKey: rsa, algorithms: algorithmsOfAge.rhel6 };
  const set = settings(masterArguments(old, files, 'true'));
  assert.equal(set['HostKeyAlgorithms'], 'ssh-rsa');
  assert.equal(set['PubkeyAcceptedAlgorithms'], 'ssh-rsa');
  assert.equal(set['KexAlgorithms'], 'diffie-hellman-group14-sha1');
  assert.equal(keyTypeFor(algorithmsOfAge.rhel6), 'rsa');
  assert.equal(keyTypeFor({}), 'ed25519');
  // An RSA key of a newer sshd signs with SHA-2 alone.
  const newer = settings(masterArguments({ ...target, hostKey: rsa }, files, 'true'));
  assert.equal(newer['HostKeyAlgorithms'], 'rsa-sha2-512,rsa-sha2-256');
});

test('without a pinned key there is no connection, unless the operator said to trust the first', () => {
  assert.throws(() => knownHostsText({ ...target, hostKey: null }), { code: 'no-host-key' });
  assert.throws(() => knownHostsText({ ...target, hostKey: `${ed25519}\nother ${rsa}` }), {
    code: 'bad-host-key',
  });
  const trusting = { ...target, hostKey: null, trustFirst: true };
  assert.equal(knownHostsText(trusting), '');
  assert.equal(settings(masterArguments(trusting, files, 'true'))['StrictHostKeyChecking'], 'accept-new');
  assert.equal(learntHostKey(trusting, `pcloud-assy1 ${ed25519}\n`), ed25519);
  assert.equal(learntHostKey(trusting, `other ${ed25519}\n`), undefined);
});

test('host keys, users and algorithms are what they must be, and no options', () => {
  assert.equal(parseHostKey(`${ed25519} root@host\n`)?.line, ed25519);
  for (const wrong of [
    '',
    'ssh-dss AAAA',
    `* ${ed25519}`,
    `@cert-authority * ${ed25519}`,
    `${ed25519}\n${rsa}`,
  ])
    assert.equal(parseHostKey(wrong), undefined, wrong);
  for (const wrong of ['', '-oProxyCommand=x', 'a b', 'Root', 'x'.repeat(33), 'a\nb'])
    assert.equal(sshUserSchema.safeParse(wrong).success, false, wrong);
  for (const wrong of ['+ssh-rsa', 'a,b', '', '-x', 'a b'])
    assert.equal(sshAlgorithmsSchema.safeParse({ ciphers: [wrong] }).success, false, wrong);
});

const hello = '@pcloud hello 01234567-89ab-cdef-0123-456789abcdef sysv 12.34\n';

test('a login shell may talk before the hello, and nobody after it but the watch', () => {
  const read = createWatchReader();
  assert.deepEqual(read(Buffer.from('Welcome!\nmotd\n'), 0), []);
  assert.deepEqual(read(Buffer.from(hello.slice(0, 20)), 0), []);
  assert.equal(read(Buffer.from(hello.slice(20)), 0)[0]?.kind, 'hello');
  assert.deepEqual(read(Buffer.from('@pcloud poll 7 13.00 41 42\n'), 1), [
    { kind: 'answer', answer: { sequence: 7, uptimeMs: 13_000, gone: [41, 42] } },
  ]);
  assert.equal(read(Buffer.from('Welcome!\n'), 2)[0]?.kind, 'refuse');
});

test('a guest that talks without end, in lines too long, or too much is refused', () => {
  const refused = (chunks: readonly string[]): boolean => {
    const read = createWatchReader();
    return chunks.some((chunk) => read(Buffer.from(chunk), 0).some(({ kind }) => kind === 'refuse'));
  };
  assert.ok(refused(['x\n'.repeat(201)]));
  assert.ok(refused(['x'.repeat(5000)]));
  assert.ok(refused(Array.from({ length: 600 }, () => ' '.repeat(1023))));
});

test('no bytes of a guest make the reader throw, or grow', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 }), (chunks) => {
      const read = createWatchReader();
      read(Buffer.from(hello), 0);
      for (const chunk of chunks) read(chunk, 0);
    }),
  );
});

test('our mark is cut out of what a program says, however it is cut in pieces', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('\n', '@', 'p', 'x') }),
      fc.array(fc.nat(20)),
      (said, cuts) => {
        const cut = createMarkCutter(Buffer.from('\n@px '));
        const whole = Buffer.from(`${said}\n@px end 0 0\n`);
        let out = '';
        let at = 0;
        for (const size of [...cuts, whole.length]) {
          out += cut(whole.subarray(at, at + size)).toString();
          at += size;
        }
        assert.equal(out, said);
      },
    ),
  );
});

test('last words are the end of stderr, in 512 bytes', () => {
  assert.equal(lastWords('no\u0007 way\n', 'out'), 'no way');
  assert.equal(lastWords(' \n', 'out\n'), 'out');
  assert.ok(Buffer.byteLength(lastWords('é'.repeat(600), '')) <= 512);
});

test('a turnstile lets in so many at once, the others in their order', async () => {
  const turnstile = createTurnstile(2);
  const order: number[] = [];
  let inside = 0;
  let most = 0;
  await Promise.all(
    [1, 2, 3, 4, 5].map((n) =>
      turnstile(async () => {
        inside += 1;
        most = Math.max(most, inside);
        order.push(n);
        await Promise.resolve();
        inside -= 1;
        if (n === 3) throw new Error('its own trouble');
      }).catch(() => undefined),
    ),
  );
  assert.equal(most, 2);
  assert.deepEqual(order, [1, 2, 3, 4, 5]);
});
