// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/hash_report.h"

#include "api/hash_plain.h"
#include "service/brand.h"

#include <stdlib.h>

struct hash_report {
    struct json_parser *of_request;
    struct json_parser *of_plain;
    struct api_fields fields;
    struct hash_claims claims;
    bool is_web;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    size_t cipher_len;
    uint8_t body[HASH_REQUEST_BYTES_MAX + JSON_PADDING_BYTES];
};

struct hash_report *hash_report_create(void)
{
    struct hash_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return NULL;
    report->of_request = json_parser_create();
    report->of_plain = json_parser_create();
    if (report->of_request == NULL || report->of_plain == NULL)
        hash_report_destroy(&report);
    return report;
}

void hash_report_destroy(struct hash_report **report)
{
    if (*report == NULL)
        return;
    json_parser_destroy(&(*report)->of_request);
    json_parser_destroy(&(*report)->of_plain);
    explicit_bzero(*report, sizeof **report);
    free(*report);
    *report = NULL;
}

enum err hash_report_read(struct hash_report *report, struct span body, bool is_web,
                          struct err_info *info)
{
    struct api_fault fault = {0};
    ASSERT(body.len <= HASH_REQUEST_BYTES_MAX);
    if (body.len > 0)
        memcpy(report->body, body.data, body.len);
    report->is_web = is_web;
    enum api_status status = api_fields_read(report->of_request, span_make(report->body, body.len),
                                             API_OTP_GENERATE, is_web, &report->fields, &fault);
    if (status == API_SUCCESS)
        return ERR_OK;
    bool has_member = fault.member != NULL;
    err_info_set(info, "%s%s%s", has_member ? fault.member : "the body", has_member ? " " : ": ",
                 fault.what);
    return ERR_INVALID;
}

struct span hash_report_outside(struct hash_report *report)
{
    struct span text = report->fields.hash.text;
    if (span_is_empty(text))
        return hash_reason_text(HASH_MISSING);
    if (!hash_read_base64(text, report->cipher, &report->cipher_len))
        return hash_reason_text(HASH_NOT_BASE64);
    if (!hash_claims_init(&report->claims, &report->fields, report->is_web))
        return hash_reason_text(HASH_BAD_TIME);
    return SPAN("");
}

struct span hash_report_cipher(const struct hash_report *report)
{
    return span_make(report->cipher, report->cipher_len);
}

struct hash_finding hash_report_judge(struct hash_report *report,
                                      const struct rsa_message *messages, size_t count,
                                      int64_t now_ms, int64_t valid_ms)
{
    const struct hash_window window = {now_ms, valid_ms};
    enum hash_reason told = count > 0 ? HASH_UNREADABLE : HASH_WRONG_LENGTH;
    struct hash_finding finding = {.text = hash_reason_text(told)};
    for (size_t i = 0; i < count; i++) {
        int64_t made_at_ms = 0;
        struct span plain = span_make(messages[i].bytes, messages[i].len);
        enum hash_reason reason =
            hash_judge(report->of_plain, plain, &report->claims, &window, &made_at_ms);
        if (reason <= told)
            continue;
        told = reason;
        finding = (struct hash_finding){reason == HASH_RIGHT, true, i, hash_reason_text(reason)};
    }
    return finding;
}
