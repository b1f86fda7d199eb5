// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The only C++ of the server. simdjson's DOM interface validates all of a document in one pass;
// its On-Demand interface would let garbage through in members that are not asked for.
//
// No exception leaves: simdjson's are compiled out, memory is asked for without throwing, and what
// is left is noexcept.
#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include "api/json.h"
#include "base/assert.h"

#include <new>

static_assert(JSON_PADDING_BYTES >= simdjson::SIMDJSON_PADDING, "simdjson reads ahead");

struct json_parser {
    simdjson::dom::parser dom{JSON_BYTES_MAX}; // a longer text is refused, not grown for
    simdjson::dom::object::iterator next;
    simdjson::dom::object::iterator end;
};

static struct span span_of(std::string_view text) noexcept
{
    return span_make(text.data(), text.size());
}

static json_value natural_value(std::uint64_t number) noexcept
{
    return json_value{JSON_NATURAL, span_make(nullptr, 0), number};
}

static json_value plain_value(json_kind kind) noexcept
{
    return json_value{kind, span_make(nullptr, 0), 0};
}

static json_value integer_value(const simdjson::dom::element &element) noexcept
{
    const std::int64_t number = element.get_int64().value_unsafe();
    return number < 0 ? plain_value(JSON_OTHER_NUMBER)
                      : natural_value(static_cast<std::uint64_t>(number));
}

static json_value value_of(const simdjson::dom::element &element) noexcept
{
    switch (element.type()) {
    case simdjson::dom::element_type::STRING:
        return json_value{JSON_STRING, span_of(element.get_string().value_unsafe()), 0};
    case simdjson::dom::element_type::INT64:
        return integer_value(element);
    case simdjson::dom::element_type::UINT64:
        return natural_value(element.get_uint64().value_unsafe());
    case simdjson::dom::element_type::DOUBLE:
        return plain_value(JSON_OTHER_NUMBER);
    case simdjson::dom::element_type::BOOL:
        return plain_value(JSON_BOOL);
    case simdjson::dom::element_type::NULL_VALUE:
        return plain_value(JSON_NULL);
    case simdjson::dom::element_type::ARRAY:
        return plain_value(JSON_ARRAY);
    case simdjson::dom::element_type::OBJECT:
        return plain_value(JSON_OBJECT);
    }
    UNREACHABLE();
}

static span without_byte_order_mark(span text) noexcept
{
    const span mark = span_make("\xEF\xBB\xBF", 3);
    return span_eq(span_first(text, mark.len), mark) ? span_from(text, mark.len) : text;
}

extern "C" {

json_parser *json_parser_create(void)
{
    json_parser *parser = new (std::nothrow) json_parser;
    if (parser != nullptr &&
        parser->dom.allocate(JSON_BYTES_MAX, JSON_DEPTH_MAX) != simdjson::SUCCESS)
        json_parser_destroy(&parser);
    return parser;
}

void json_parser_destroy(json_parser **parser)
{
    delete *parser;
    *parser = nullptr;
}

json_outcome json_parse(json_parser *parser, span text)
{
    const span body = without_byte_order_mark(text);
    simdjson::dom::element root;
    if (parser->dom.parse(body.data, body.len, false).get(root) != simdjson::SUCCESS)
        return JSON_MALFORMED;
    simdjson::dom::object object;
    if (root.get_object().get(object) != simdjson::SUCCESS)
        return JSON_NOT_OBJECT;
    parser->next = object.begin();
    parser->end = object.end();
    return JSON_PARSED;
}

bool json_next(json_parser *parser, json_member *member_out)
{
    if (parser->next == parser->end)
        return false;
    member_out->name = span_of(parser->next.key());
    member_out->value = value_of(parser->next.value());
    ++parser->next;
    return true;
}

} // extern "C"
