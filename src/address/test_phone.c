// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"
#include "address/phone_table.h"
#include "base/strbuf.h"
#include "sim/seeded.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct row {
    const char *country;
    const char *spelling;
    const char *value; // empty: refused
};

static const struct row numbers[] = {
    {"IN", "9999999993", "919999999993"},
    {"IN", "09999999993", "919999999993"},
    {"IN", "0 99999 99993", "919999999993"},
    {"IN", "+91 99999 99993", "919999999993"},
    {"IN", "+91 (0) 99999 99993", "919999999993"},
    {"IN", "0091 99999 99993", "919999999993"},
    {"IN", "919999999993", "919999999993"},
    {"IN", "12025550147", "12025550147"},
    {"IN", "022 2345 6789", "912223456789"},
    {"US", "(202) 555-0147", "12025550147"},
    {"US", "1 (202) 555-0147", "12025550147"},
    {"US", "+1 202 555 0147", "12025550147"},
    {"US", "416 555 0123", "14165550123"},
    {"US", "442079460958", "442079460958"},
    {"US", "0044 20 7946 0958", "442079460958"},
    {"CA", "604-555-0199", "16045550199"},
    {"BS", "242 359 1234", "12423591234"},
    {"BS", "359 1234", "12423591234"},
    {"JM", "(876) 210-1234", "18762101234"},
    {"DO", "809 234 5678", "18092345678"},
    {"GB", "020 7946 0958", "442079460958"},
    {"GB", "07400 123456", "447400123456"},
    {"GB", "+44 (0)20 7946 0958", "442079460958"},
    {"GB", "7400 123456", "447400123456"},
    {"GB", "07781 123456", "447781123456"},
    {"GG", "07781 123456", "447781123456"},
    {"GG", "254321", "441481254321"},
    {"JE", "07797 712345", "447797712345"},
    {"IM", "01624 756789", "441624756789"},
    {"FR", "06 12 34 56 78", "33612345678"},
    {"FR", "+33 (0)6 12 34 56 78", "33612345678"},
    {"FR", "612345678", "33612345678"},
    {"DE", "0151 23456789", "4915123456789"},
    {"DE", "030 123456", "4930123456"},
    {"DE", "+49 (0)1512 3456789", "4915123456789"},
    {"AT", "0664 123456", "43664123456"},
    {"CH", "078 123 45 67", "41781234567"},
    {"IT", "312 345 6789", "393123456789"},
    {"IT", "06 1234 5678", "390612345678"},
    {"IT", "+39 06 1234 5678", "390612345678"},
    {"VA", "06 698 12345", "390669812345"},
    {"SM", "0549 886377", "3780549886377"},
    {"SM", "886377", "3780549886377"},
    {"SM", "66 66 12 12", "37866661212"},
    {"ES", "612 34 56 78", "34612345678"},
    {"PT", "912 345 678", "351912345678"},
    {"NL", "06 12345678", "31612345678"},
    {"BE", "0470 12 34 56", "32470123456"},
    {"LU", "628 123 456", "352628123456"},
    {"DK", "32 12 34 56", "4532123456"},
    {"NO", "406 12 345", "4740612345"},
    {"SE", "070 123 45 67", "46701234567"},
    {"FI", "041 2345678", "358412345678"},
    {"AX", "0412 345678", "358412345678"},
    {"EE", "5123 4567", "37251234567"},
    {"LV", "21 234 567", "37121234567"},
    {"LT", "(8-612) 34567", "37061234567"},
    {"LT", "0612 34567", "37061234567"},
    {"PL", "512 345 678", "48512345678"},
    {"CZ", "601 123 456", "420601123456"},
    {"SK", "0912 123 456", "421912123456"},
    {"HU", "06 20 123 4567", "36201234567"},
    {"HU", "20 123 4567", "36201234567"},
    {"RO", "0712 034 567", "40712034567"},
    {"BG", "043 012 345", "35943012345"},
    {"GR", "691 234 5678", "306912345678"},
    {"TR", "0501 234 56 78", "905012345678"},
    {"RU", "8 (912) 345-67-89", "79123456789"},
    {"RU", "+7 912 345-67-89", "79123456789"},
    {"RU", "8 701 234 5678", "77012345678"},
    {"KZ", "8 (771) 000 9998", "77710009998"},
    {"BY", "8 029 491 19 11", "375294911911"},
    {"UA", "050 123 4567", "380501234567"},
    {"UZ", "91 234 56 78", "998912345678"},
    {"IL", "050-234-5678", "972502345678"},
    {"AE", "050 123 4567", "971501234567"},
    {"SA", "051 234 5678", "966512345678"},
    {"EG", "0100 123 4567", "201001234567"},
    {"MA", "0650-123456", "212650123456"},
    {"NG", "0802 123 4567", "2348021234567"},
    {"KE", "0712 123456", "254712123456"},
    {"ZA", "071 123 4567", "27711234567"},
    {"GA", "06 03 12 34", "24106031234"},
    {"GA", "+241 06 03 12 34", "24106031234"},
    {"MG", "032 12 345 67", "261321234567"},
    {"PK", "0301 2345678", "923012345678"},
    {"BD", "01812-345678", "8801812345678"},
    {"LK", "071 234 5678", "94712345678"},
    {"NP", "984-1234567", "9779841234567"},
    {"TH", "081 234 5678", "66812345678"},
    {"VN", "0912 345 678", "84912345678"},
    {"ID", "0812-345-678", "62812345678"},
    {"MY", "012-345 6789", "60123456789"},
    {"SG", "8123 4567", "6581234567"},
    {"PH", "0905 123 4567", "639051234567"},
    {"CN", "131 2345 6789", "8613123456789"},
    {"CN", "17909 131 2345 6789", "8613123456789"},
    {"HK", "5123 4567", "85251234567"},
    {"TW", "0912 345 678", "886912345678"},
    {"JP", "090-1234-5678", "819012345678"},
    {"KR", "010-2000-0000", "821020000000"},
    {"AU", "0412 345 678", "61412345678"},
    {"CX", "0412 345 678", "61412345678"},
    {"NZ", "021 123 4567", "64211234567"},
    {"MX", "222 123 4567", "522221234567"},
    {"BR", "(11) 96123-4567", "5511961234567"},
    {"BR", "0 15 11 96123-4567", "5511961234567"},
    {"BR", "011 96123-4567", "5511961234567"},
    {"AR", "011 15 2345-6789", "5491123456789"},
    {"AR", "11 15 2345 6789", "5491123456789"},
    {"AR", "+54 9 11 2345 6789", "5491123456789"},
    {"AR", "+54 11 15 2345 6789", "5491123456789"},
    {"AR", "0 3715 15 65 4320", "5493715654320"},
    {"AR", "011 2345 6789", "541123456789"},
    {"AR", "0810 123 4567", "548101234567"},
    {"CL", "(2) 2123 4567", "56221234567"},
    {"CL", "9 6123 4567", "56961234567"},
    {"CO", "0 3 321 1234567", "573211234567"},
    {"CO", "321 1234567", "573211234567"},
    {"PE", "912 345 678", "51912345678"},
    {"VE", "0412-1234567", "584121234567"},
    {"CR", "8312 3456", "50683123456"},
    {"CR", "1900 8312 3456", "50683123456"},
    {"UY", "094 231 234", "59894231234"},
    {"PY", "0961 456789", "595961456789"},
    {"BO", "0 71234567", "59171234567"},
    {"EC", "099 123 4567", "593991234567"},
    {"CU", "05 1234567", "5351234567"},
    {"NF", "3 81234", "672381234"},
    {"NF", "22123", "672322123"},
    {"CC", "91621234", "61891621234"},
    {"", "+800 1234 5678", "80012345678"},
    {"", "+808 1234 5678", "80812345678"},
    {"", "+870 301 234 567", "870301234567"},
    {"", "+878 10 123 456 7890", "878101234567890"},
    {"", "+881 612 345 678", "881612345678"},
    {"", "+882 342 1234", "8823421234"},
    {"", "+883 5100 1234 5678", "883510012345678"},
    {"", "+888 123 456 789 01", "88812345678901"},
    {"", "+979 123 456 789", "979123456789"},
    {"", "+247 40123", "24740123"},
    {"", "+290 51234", "29051234"},
    {"", "+683 4002", "6834002"},
    {"AR", "011 1523 4567", "541115234567"},
    {"BY", "+375 800 287 087", "375800287087"}, // 80 may be a trunk prefix there
    {"BY", "800 287 087", "375800287087"},
    {"BR", "011 2345-6789", "551123456789"},
    {"DE", "+49 (0)(0)151 23456789", "4915123456789"},
    {"IN", "+91 5999999999", "915999999999"},
    {"IN", "915999999999", "915999999999"},
    {"CO", "03 321 1234567", "573211234567"},
    {"CO", "+57 (0)321 1234567", "573211234567"},
};

static const struct row no_numbers[] = {
    {"MX", "+52 1 222 123 4567", ""},
    {"MX", "044 222 123 4567", ""},
    {"", "+800 1234 567", ""},
    {"", "+1 202 555 014", ""},
    {"", "+1 202 555 01477", ""},
    {"", "+999 1234 5678", ""},
    {"", "+0 1234567", ""},
    {"", "+210 123 4567", ""},
    {"", "0612345678", ""},
    {"", "+33 6 12 34 56 7", ""},
    {"US", "911", ""},
    {"US", "555 0147", ""},
    {"US", "1 202 555 014", ""},
    {"GB", "999", ""},
    {"GB", "0 999", ""},
    {"ZZ", "9999999993", ""},
    {"in", "9999999993", ""},
    {"IN", "5555", ""},
    {"FR", "0 800 12", ""},
    {"US", "011 44 20 7946 0958", ""},
    {"MX", "+52 044 222 123 4567", ""},
    {"PL", "+48 (0)512 345 678", ""},
    {"US", "+1 102 555 0147", ""},
    {"IN", "0919999999993", ""},
    {"DE", "+49 12", ""},
    {"DE", "+49 1512345678901234", ""},
    {"", "+98 9601", ""},
};

static bool parse(struct span spelling, struct span country, struct address *out)
{
    return address_parse(ADDRESS_MOBILE, spelling, country, out);
}

static void assert_value(struct span spelling, struct span country, struct span value)
{
    struct address address;
    if (!parse(spelling, country, &address))
        fail_msg("refused: %.*s in %.*s", (int)spelling.len, (const char *)spelling.data,
                 (int)country.len, (const char *)country.data);
    struct span got = address_value(&address);
    if (!span_eq(got, value))
        fail_msg("%.*s in %.*s became %.*s", (int)spelling.len, (const char *)spelling.data,
                 (int)country.len, (const char *)country.data, (int)got.len,
                 (const char *)got.data);
}

static void as_the_world_writes_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_value(span_of_text(numbers[i].spelling), span_of_text(numbers[i].country),
                     span_of_text(numbers[i].value));
}

static void what_nobody_can_have_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_numbers); i++) {
        struct address address;
        struct span spelling = span_of_text(no_numbers[i].spelling);
        if (parse(spelling, span_of_text(no_numbers[i].country), &address))
            fail_msg("accepted: %s in %s", no_numbers[i].spelling, no_numbers[i].country);
    }
}

static struct span country_at(size_t index, uint8_t letters[2])
{
    letters[0] = (uint8_t)('A' + index / 26);
    letters[1] = (uint8_t)('A' + index % 26);
    return span_make(letters, 2);
}

static struct span with_plus(struct span digits, uint8_t storage[16])
{
    struct strbuf spelling = strbuf_over(storage, 16);
    strbuf_put_byte(&spelling, '+');
    strbuf_put(&spelling, digits);
    assert_false(spelling.is_overflowed);
    return strbuf_span(&spelling);
}

static void with_a_plus_no_country_matters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        uint8_t storage[16], letters[2];
        struct span value = span_of_text(numbers[i].value);
        struct span spelling = with_plus(value, storage);
        assert_value(spelling, SPAN(""), value);
        assert_value(value, SPAN(""), value);
        for (size_t n = 0; n < COUNT_OF(phone_region_of); n++)
            assert_value(spelling, country_at(n, letters), value);
    }
}

// Digits at random, in every country and in none: what comes out stands when it is read again.
static void canonical_is_a_fixed_point(void **state)
{
    (void)state;
    struct seeded seeded;
    seeded_init(&seeded, 1);
    unsigned accepted = 0;
    for (int i = 0; i < 400000; i++) {
        uint8_t digits[20], storage[16], letters[2];
        struct span spelling = span_make(digits, 5 + seeded_below(&seeded, 12));
        for (size_t n = 0; n < spelling.len; n++)
            digits[n] = (uint8_t)('0' + seeded_below(&seeded, 10));
        struct span country = country_at(seeded_below(&seeded, 26 * 26), letters);
        struct address address;
        if (!parse(spelling, country, &address))
            continue;
        struct span value = address_value(&address);
        assert_value(with_plus(value, storage), country, value);
        assert_value(value, SPAN(""), value);
        accepted++;
    }
    assert_in_range(accepted, 50000, 400000);
}

// A trunk zero behind a calling code: it is no part of the number, or the number is none. (Where a
// carrier may be dialled too, as in Korea, the zero of a wrong number may be the carrier's.)
static void a_trunk_zero_makes_no_second_key(void **state)
{
    (void)state;
    const char *const codes[] = {"44", "49", "33", "91", "81", "886", "61", "353", "972", "971"};
    struct seeded seeded;
    seeded_init(&seeded, 2);
    unsigned folded = 0;
    for (int i = 0; i < 200000; i++) {
        uint8_t plain_storage[32], trunk_storage[32];
        struct strbuf plain = strbuf_over(plain_storage, sizeof plain_storage);
        struct strbuf trunk = strbuf_over(trunk_storage, sizeof trunk_storage);
        const char *code = codes[seeded_below(&seeded, COUNT_OF(codes))];
        strbuf_put_text(&plain, code);
        strbuf_put_text(&trunk, code);
        strbuf_put_byte(&trunk, '0');
        for (uint64_t n = 6 + seeded_below(&seeded, 6); n > 0; n--) {
            uint8_t digit = (uint8_t)('1' + seeded_below(&seeded, 9));
            strbuf_put_byte(&plain, digit);
            strbuf_put_byte(&trunk, digit);
        }
        struct address with_trunk, without;
        if (!parse(strbuf_span(&trunk), SPAN(""), &with_trunk) ||
            !parse(strbuf_span(&plain), SPAN(""), &without))
            continue;
        if (!span_eq(address_value(&without), address_value(&with_trunk)))
            fail_msg("%.*s has two keys", (int)plain.len, (const char *)plain.data);
        folded++;
    }
    assert_in_range(folded, 20000, 200000);
}

// Every path through the automata ends, within the digits that a number may have.
static void the_table_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(phone_plan_of); i++) {
        const struct phone_plan *plan = &phone_plans[phone_plan_of[i]];
        if (phone_plan_of[i] == 0)
            continue;
        assert_in_range(strlen(plan->code), 1, PHONE_CODE_DIGITS_MAX);
        assert_true(plan->start > phone_accepting_last);
        assert_true(plan->lengths != 0 && plan->lengths >> (PHONE_NATIONAL_MAX + 1) == 0);
    }
    for (size_t i = 0; i < COUNT_OF(phone_region_of); i++) {
        const struct phone_region *region = &phone_regions[phone_region_of[i]];
        assert_true((phone_region_of[i] == 0) == (region->plan == 0));
    }
}

static void countries_have_numbers(void **state)
{
    (void)state;
    const struct span countries[] = {SPAN("IN"), SPAN("US"), SPAN("VA"), SPAN("TA"), SPAN("XK")};
    const struct span others[] = {SPAN("XX"), SPAN("ZZ"),  SPAN("in"),
                                  SPAN("I"),  SPAN("IND"), SPAN("")};
    for (size_t i = 0; i < COUNT_OF(countries); i++)
        assert_true(address_has_country(countries[i]));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(address_has_country(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_world_writes_numbers),
        cmocka_unit_test(what_nobody_can_have_is_refused),
        cmocka_unit_test(with_a_plus_no_country_matters),
        cmocka_unit_test(canonical_is_a_fixed_point),
        cmocka_unit_test(a_trunk_zero_makes_no_second_key),
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(countries_have_numbers),
    };
    return cmocka_run_group_tests_name("phone", tests, NULL, NULL);
}
