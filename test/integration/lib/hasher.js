// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Hashes of payload encryption: by Node, and by the clients that docs/payload-encryption.md shows,
// which are taken from there and run.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const { ROOT } = require('./data');

const OAEP_HEADER = { 'X-CAP-USE-NEW-ENCRYPTION': 'true' };
const RUN_MS = 60000;

const JAVA_MAIN = `
public final class Main {
    public static void main(String[] arguments) throws Exception {
        for (int i = 1; i + 1 < arguments.length; i += 2)
            System.out.println(PayloadHash.of(arguments[0], arguments[i], arguments[i + 1]));
    }
}
`;

const PYTHON_MAIN = `
import sys
for line in sys.stdin:
    call = json.loads(line)
    print(payload_hash(call["publicKey"], call["members"], call["isOaep"]))
`;

/** The first block of that language in the page. */
function snippet(language) {
  const page = fs.readFileSync(path.join(ROOT, 'docs/payload-encryption.md'), 'utf8');
  return page.split(`\`\`\`${language}\n`)[1].split('```')[0];
}

/** What a command cannot be run for, or false. */
function lacks(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: RUN_MS });
    return false;
  } catch {
    return `${command} ${args.join(' ')} does not run here`;
  }
}

function publicKeyOf(der) {
  return crypto.createPublicKey({ key: Buffer.from(der, 'base64'), format: 'der', type: 'spki' });
}

/** Any bytes or text, encrypted. `mgf1` is Node's own, the digest of OAEP. */
function encrypt(der, plain, { isOaep = false } = {}) {
  const key = publicKeyOf(der);
  const options = isOaep
    ? { key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
    : { key, padding: crypto.constants.RSA_PKCS1_PADDING };
  return crypto.publicEncrypt(options, Buffer.from(plain)).toString('base64');
}

function byNode(der, members, options) {
  return encrypt(der, JSON.stringify({ timeStamp: Date.now(), ...members }), options);
}

/** As a browser does it. */
async function byWebCrypto(der, members) {
  const make = new Function(`${snippet('javascript')}; return payloadHash;`);
  return make()(der, members);
}

/** All of `calls`, {publicKey, members, isOaep}, in one run. */
function byPython(calls) {
  const input = calls.map((call) => JSON.stringify(call)).join('\n');
  const program = snippet('python') + PYTHON_MAIN;
  const out = execFileSync('python3', ['-c', program], { input, timeout: RUN_MS });
  return out.toString().trim().split('\n');
}

/** The same for {transformation, members}, with one key. */
function byJava(folder, publicKey, calls) {
  folder.write('PayloadHash.java', snippet('java'));
  const main = folder.write('Main.java', JAVA_MAIN);
  execFileSync('javac', ['-sourcepath', folder.path, '-d', folder.path, main], { timeout: RUN_MS });
  const words = calls.flatMap(({ transformation, members }) =>
    [transformation, JSON.stringify({ ...members, timeStamp: Date.now() })]);
  const args = ['-Xshare:auto', '-cp', folder.path, 'Main', publicKey, ...words];
  return execFileSync('java', args, { timeout: RUN_MS }).toString().trim().split('\n');
}

module.exports = { OAEP_HEADER, byJava, byNode, byPython, byWebCrypto, encrypt, lacks };
