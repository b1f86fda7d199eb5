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

/** A whole block, to be encrypted as it is: lower than the modulus. */
function encryptBlock(der, block) {
  const options = { key: publicKeyOf(der), padding: crypto.constants.RSA_NO_PADDING };
  return crypto.publicEncrypt(options, block).toString('base64');
}

function mgf1(seed, length) {
  const parts = [];
  for (let i = 0; i * 32 < length; i++) {
    const counter = Buffer.from([0, 0, 0, i]);
    parts.push(crypto.createHash('sha256').update(seed).update(counter).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

const xor = (a, b) => Buffer.from(a.map((byte, i) => byte ^ b[i]));

/** A block of OAEP in which something may be wrong. */
function oaepBlock(size, { first = 0, label = '', filling = 0, mark = 1, text = '{}' } = {}) {
  const head = crypto.createHash('sha256').update(label).digest();
  const end = Buffer.concat([Buffer.from([mark]), Buffer.from(text)]);
  const middle = Buffer.alloc(size - 1 - 2 * head.length - end.length, filling);
  const data = Buffer.concat([head, middle, end]);
  const seed = crypto.randomBytes(head.length);
  const masked = xor(data, mgf1(seed, data.length));
  return Buffer.concat([Buffer.from([first]), xor(seed, mgf1(masked, seed.length)), masked]);
}

/** `head`, filling, `tail`. */
function pkcs1Block(size, head, tail, filling = 0x5a) {
  const room = size - head.length - tail.length;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(room, filling), Buffer.from(tail)]);
}

const NUL = '\0';

/** Whatever can be wrong with what a key is asked to open: [name, hash, isOaep]. */
function malformed(der) {
  const size = publicKeyOf(der).asymmetricKeyDetails.modulusLength / 8;
  const long = (length) => 'm'.repeat(length);
  const noise = () => Buffer.concat([Buffer.alloc(1), crypto.randomBytes(size - 1)]);
  const zeros = Buffer.concat([Buffer.alloc(size / 2), crypto.randomBytes(size / 2)]);
  const blocks = [
    ['right padding, no JSON', pkcs1Block(size, [0, 2], `${NUL}hello`)],
    ['first byte 1', pkcs1Block(size, [1, 2], `${NUL}{}`)],
    ['second byte 1', pkcs1Block(size, [0, 1], `${NUL}{}`)],
    ['second byte 0', pkcs1Block(size, [0, 0], `${NUL}{}`)],
    ['no separator', pkcs1Block(size, [0, 2], '')],
    ['filling too short', pkcs1Block(size, [0, 2], NUL + long(size - 10))],
    ['no filling', pkcs1Block(size, [0, 2], NUL + long(size - 3))],
    ['empty message', pkcs1Block(size, [0, 2], NUL)],
    ['longest message', pkcs1Block(size, [0, 2], NUL + long(size - 11))],
    ["a signature's padding", pkcs1Block(size, [0, 1], `${NUL}{}`, 255)],
    ['OAEP: first byte 1', oaepBlock(size, { first: 1 }), true],
    ['OAEP: another label', oaepBlock(size, { label: 'x' }), true],
    ['OAEP: filling that is not zero', oaepBlock(size, { filling: 7 }), true],
    ['OAEP: no 01', oaepBlock(size, { mark: 0, text: '' }), true],
    ['OAEP: no JSON', oaepBlock(size, { text: 'hello' }), true],
  ];
  const ciphers = [
    ['random', noise()], ['half zeros', zeros], ['all zeros', Buffer.alloc(size)],
    ['above the modulus', Buffer.alloc(size, 255)], ['a byte too long', Buffer.alloc(size + 1, 1)],
    ['a byte too short', Buffer.alloc(size - 1, 1)], ['one byte', Buffer.alloc(1)],
    ['OAEP: random', noise(), true], ['OAEP: half zeros', zeros, true],
  ];
  return [
    ...blocks.map(([name, block, isOaep]) => [name, encryptBlock(der, block), isOaep]),
    ...ciphers.map(([name, cipher, isOaep]) => [name, cipher.toString('base64'), isOaep]),
    ['no base64', '%%%'], ['empty', ''], ['none', undefined],
  ];
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

module.exports = {
  OAEP_HEADER, byJava, byNode, byPython, byWebCrypto, encrypt, lacks, malformed,
};
