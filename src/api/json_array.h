// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Takes a JSON array apart into the texts of its elements, without reading them: only quotes and
// brackets are followed, each byte once. Elements of an array that is valid JSON are found exactly;
// one that is not valid by itself (json_parse tells) does no harm to the others as long as its
// quotes and brackets close. One that is deeper than JSON_DEPTH_MAX breaks the array: nobody means
// such a text.

#include "base/span.h"

struct json_elements {
    struct span rest; // of the text: a bracket or a comma first
};

enum json_step {
    JSON_ELEMENT,
    JSON_ARRAY_END,
    JSON_ARRAY_BROKEN, // nowhere to find its elements, too deep, or something follows it
};

// Stands before the first element. False: `text` does not begin as an array does. A byte order mark
// in front is skipped, as by json_parse.
bool json_elements_begin(struct span text, struct json_elements *out);

// element_out is set with JSON_ELEMENT: never empty, no white space around it. Nothing may be asked
// for after the other two.
enum json_step json_elements_next(struct json_elements *elements, struct span *element_out);
