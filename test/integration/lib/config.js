// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
'use strict';

/** One line a setting; JSON values are YAML too. */
function settingLines(settings, indent) {
  const line = ([name, value]) => `${indent}${name}: ${JSON.stringify(value)}`;
  return Object.entries(settings).map(line);
}

function brandLines(name, settings) {
  return [`  - name: ${JSON.stringify(name)}`, ...settingLines(settings, '    ')];
}

/** Text of a configuration file: the server's options, and brands as {name: settings}. */
function configText(brands, options = {}) {
  const entries = Object.entries(brands).flatMap(([name, settings]) => brandLines(name, settings));
  return [...settingLines(options, ''), 'brands:', ...entries, ''].join('\n');
}

module.exports = { configText };
