// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The files of the inbox page, byte for byte, in read-only memory.
#define ASSET(name, file)          \
    .global asset_##name##_begin;  \
    .global asset_##name##_end;    \
    .balign 16;                    \
    asset_##name##_begin:          \
    .incbin file;                  \
    asset_##name##_end:

    .section .rodata
ASSET(inbox_html, "inbox.html")
ASSET(inbox_js, "inbox.js")
ASSET(inbox_css, "inbox.css")

    .section .note.GNU-stack, "", %progbits
