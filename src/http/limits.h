// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Ceilings of this folder that no setting moves, each with its reason. Those that a setting moves
// are in struct http_limits (conn.h).

// A usual request (head of 400 to 1,500 bytes, body of 300) fits the connection's own buffer.
#define HTTP_INPUT_INLINE_BYTES 4096U

// A usual answer (head of 200 bytes, two tokens of 400) fits; a longer one goes to the heap.
#define HTTP_OUTPUT_INLINE_BYTES 2048U

// What simdjson may read past the end of a body.
#define HTTP_BODY_SLACK_BYTES 64U

// Room beside a full head and body, so that the frame of the last chunk can always arrive.
#define HTTP_CHUNK_SLACK_BYTES 4096U

// Offsets into a head are 16 bits wide.
#define HTTP_HEAD_BYTES_CEILING 65535U

// Chunk extensions carry nothing that anybody needs, and have been a way to smuggle requests.
#define HTTP_CHUNK_EXT_BYTES_MAX 64U
#define HTTP_TRAILER_BYTES_MAX 1024U

// Requests above the inline buffer, a worker: at the defaults 76 KiB each, 80 MB together. Further
// ones get 503, those that fit inline are served on.
#define HTTP_BIG_BUFFERS_MAX 1024U
#define HTTP_BIG_BUFFERS_KEPT_MAX 64U

// The longest body of an answer.
#define HTTP_REPLY_BYTES_MAX (8U * 1024U * 1024U)

// An answer that no handler makes is a short JSON object.
#define HTTP_ERROR_BODY_BYTES_MAX 512U

#define HTTP_REQUEST_ID_BYTES_MAX 128U
#define HTTP_PEER_BYTES_MAX 64U

// Proxies between a client and us, one behind the other; two or three are many.
#define HTTP_FORWARDED_HOPS_MAX 32U

// A client that connects and says nothing.
#define HTTP_FIRST_BYTE_MS_MAX 10000

// After a last answer, input is read and thrown away so that a reset does not overtake the answer.
// Enough for somebody who posts a megabyte where 64 KiB are allowed.
#define HTTP_LINGER_MS 1000
#define HTTP_LINGER_BYTES_MAX (2U * 1024U * 1024U)
