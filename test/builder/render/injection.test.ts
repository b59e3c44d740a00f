/** Every value that somebody outside gives, and what could make more of it than a value: all of it refused by name. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { renderKickstart } from '../../../builder/render/kickstart.ts';
import type { KickstartValues } from '../../../builder/render/kickstart-values.ts';
import { loadKickstartTemplates } from '../../../builder/render/load-templates.ts';
import { PcloudError } from '../../../model/errors.ts';
import { httpd, kickstartsDirectory, releaseNamed, sampleHash, sampleKey, sampleValues } from './samples.ts';

const release = releaseNamed('F14');
const templates = await loadKickstartTemplates(kickstartsDirectory, release);
const good = sampleValues(release, { assembly: httpd });

const hostile: Readonly<Record<string, string>> = {
  'a line feed': '\nrootpw x',
  'a carriage return': '\r',
  'a section': '\n%pre\nreboot\n%end',
  'a form feed': '\f',
  'a NUL': '\0',
  'a double quote': '"',
  'a single quote': "'",
  'a dollar': '$(reboot)',
  'a backtick': '`reboot`',
  'a backslash': '\\',
  'a semicolon': ';reboot',
  'an ampersand': '&reboot',
  'a redirection': '>/etc/passwd',
  'a comment': ' #',
  'a word more': ' --erroronfail',
  'a next line (U+0085)': '\u0085',
  'a line separator (U+2028)': '\u2028',
  'a paragraph separator (U+2029)': '\u2029',
  'half a surrogate pair': '\ud800',
  'a mustache': '{{nonce}}',
};

/** One value of the kickstart with `text` behind what is good in it. */
const fields: Readonly<Record<string, (text: string) => Partial<KickstartValues>>> = {
  nonce: (text) => ({ nonce: good.nonce + text }),
  'agent.programGzipBase64': (text) => ({
    agent: { ...good.agent, programGzipBase64: `${good.agent.programGzipBase64}${text}` },
  }),
  'rootAccess.authorizedKey': (text) => ({ rootAccess: { kind: 'key', authorizedKey: sampleKey + text } }),
  'rootAccess.cryptHash': (text) => ({ rootAccess: { kind: 'hash', cryptHash: sampleHash + text } }),
  'source.url': (text) => ({ source: { kind: 'url', url: `http://archive.example/tree${text}/` } }),
  'assembly.templates.0': (text) => ({ assembly: { ...assembly, templates: [`httpd${text}`] } }),
  'assembly.packages.0': (text) => ({ assembly: { ...assembly, packages: [`httpd${text}`] } }),
  'assembly.services.0': (text) => ({ assembly: { ...assembly, services: [`httpd${text}`] } }),
  'repositories.0.id': (text) => ({ repositories: [{ ...repository, id: `a${text}` }] }),
  'repositories.0.name': (text) => ({ repositories: [{ ...repository, name: `a${text}` }] }),
  'repositories.0.baseUrl': (text) => ({ repositories: [{ ...repository, baseUrl: `http://a/${text}/` }] }),
  'repositories.0.gpgKey': (text) => ({
    repositories: [{ ...repository, gpgKey: repository.gpgKey + text }],
  }),
  timezone: (text) => ({ timezone: `Etc/UTC${text}` }),
  language: (text) => ({ language: `en_US.UTF-8${text}` }),
  keyboard: (text) => ({ keyboard: `us${text}` }),
};
const assembly = { templates: ['httpd'], packages: ['httpd'], services: ['httpd'], ports: [80] };
const repository = {
  id: 'a',
  name: 'A',
  baseUrl: 'http://a/',
  gpgKey: '/etc/pki/rpm-gpg/KEY',
  useAtInstall: false,
};

/** Where such a text is nothing but a text. */
const harmless: Readonly<Record<string, readonly string[]>> = {
  'agent.programGzipBase64': [],
  'repositories.0.name': ['a word more'],
};

function refusesBy(field: string, values: Partial<KickstartValues>): void {
  assert.throws(
    () => renderKickstart(templates, { ...good, ...values }),
    (error) => {
      assert.ok(error instanceof PcloudError, String(error));
      assert.equal(error.code, 'bad-kickstart-value');
      assert.equal(error.facts['field'], field);
      assert.ok(error.message.includes(field));
      return true;
    },
  );
}

for (const [field, change] of Object.entries(fields)) {
  test(`${field} is written as it is when it is good`, () => {
    const text = renderKickstart(templates, { ...good, ...change('') });
    assert.ok(text.length > 0);
  });
  for (const [what, text] of Object.entries(hostile)) {
    if (harmless[field]?.includes(what) === true) continue;
    test(`${field} with ${what} is refused by name`, () => {
      refusesBy(field, change(text));
    });
  }
}

test("the agent's script stands as text between two lines, and may not end or open anything", () => {
  for (const init of ['a\n%end\n', '%pre\n', 'a\nPCLOUD_AGENT_INIT\n', 'a\0', 'a\rb', 'a\u2028b', 'ä', ''])
    refusesBy('agent.init', { agent: { ...good.agent, init } });
  const quoting = '#!/bin/sh\necho "$1" `date` \'x\' \\\n';
  assert.ok(
    renderKickstart(templates, { ...good, agent: { ...good.agent, init: quoting } }).includes(
      `\n${quoting}PCLOUD_AGENT_INIT\n`,
    ),
  );
});

test('ports are whole numbers that there are', () => {
  for (const port of [0, -1, 65_536, 1.5, Number.NaN])
    refusesBy('assembly.ports.0', { assembly: { ...assembly, ports: [port] } });
});

test('an address has neither user nor password, query nor fragment, and is http or https', () => {
  for (const url of [
    'http://user:secret@a/',
    'http://a/?x',
    'http://a/#x',
    'ftp://a/',
    'file:///etc/',
    'a',
    '//a/',
    'http://',
  ])
    refusesBy('source.url', { source: { kind: 'url', url } });
});

test('a hash is of the kinds that every release understands', () => {
  for (const cryptHash of [
    'password',
    '',
    '*',
    '$1$salt$aaaaaaaaaaaaaaaaaaaaaa',
    '$y$j9T$a$b',
    `$6$${'h'.repeat(86)}`,
  ])
    refusesBy('rootAccess.cryptHash', { rootAccess: { kind: 'hash', cryptHash } });
});

test('whatever text a package is, the kickstart has as many lines as ever, or there is none', () => {
  const lines = renderKickstart(templates, { ...good, assembly }).split('\n').length;
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (name) => {
      try {
        const text = renderKickstart(templates, { ...good, assembly: { ...assembly, packages: [name] } });
        assert.equal(text.split(/\r\n|[\n\r\u0085\u2028\u2029]/).length, lines);
      } catch (error) {
        assert.ok(error instanceof PcloudError && error.code === 'bad-kickstart-value', String(error));
      }
    }),
  );
});
