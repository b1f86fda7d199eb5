// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Our numbers against libphonenumber's, over its example numbers of every region and type, changed
// at random, each in international and in national spelling. Debian's metadata is of 2022, ours is
// newer: whatever differs must fall into one of the classes below, and a class must not be empty,
// or it explains nothing.
#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "address/address.h"
#include "sim/seeded.h"
}

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace
{

const int VARIATIONS = 12; // of each example
const std::size_t CHANGED_DIGITS_MAX = 6;
const std::size_t E164_DIGITS_MIN = 7;
const int FAILURES_SHOWN = 20;

struct spelling {
    std::string text;
    std::string country; // empty: none
};

struct answers {
    std::string ours;           // empty: refused
    std::string theirs;         // empty: cannot be read
    bool is_valid, is_possible; // by theirs
    int code;
};

std::string ours_of(const std::string &text, const std::string &country)
{
    struct address address;
    if (!address_parse(ADDRESS_MOBILE, span_make(text.data(), text.size()),
                       span_make(country.data(), country.size()), &address))
        return "";
    struct span value = address_value(&address);
    return std::string(reinterpret_cast<const char *>(value.data), value.len);
}

// With no country to go by, theirs does not know 00.
std::string for_theirs(const spelling &spelling)
{
    return spelling.text.compare(0, 2, "00") == 0 ? "+" + spelling.text.substr(2) : spelling.text;
}

answers ask(const PhoneNumberUtil &util, const spelling &spelling)
{
    answers answers = {ours_of(spelling.text, spelling.country), "", false, false, 0};
    const std::string region = spelling.country.empty() ? "ZZ" : spelling.country;
    PhoneNumber number;
    if (util.Parse(for_theirs(spelling), region, &number) != PhoneNumberUtil::NO_PARSING_ERROR)
        return answers;
    util.Format(number, PhoneNumberUtil::E164, &answers.theirs);
    answers.theirs.erase(0, 1);
    answers.is_valid = util.IsValidNumber(number);
    answers.is_possible = util.IsPossibleNumber(number);
    answers.code = number.country_code();
    return answers;
}

// --- classes of differences --------------------------------------------------------------------

bool is_same(const spelling &, const answers &answers)
{
    return answers.ours == (answers.is_valid ? answers.theirs : "");
}

// A range that is younger than theirs, or than both: as long as its plan's numbers are.
bool is_possible_to_both(const spelling &, const answers &answers)
{
    return !answers.is_valid && answers.is_possible && answers.ours == answers.theirs;
}

// The contract: what is no valid number of the default country begins with a calling code. Theirs
// takes it for a number of that country, and a wrong one.
bool is_international_after_all(const spelling &spelling, const answers &answers)
{
    bool has_country = !spelling.country.empty() && spelling.text[0] != '+';
    return has_country && !answers.is_valid && answers.ours == ours_of("+" + spelling.text, "");
}

// Emergency and service numbers of four digits.
bool is_short(const spelling &, const answers &answers)
{
    return answers.ours.empty() && answers.theirs.size() < E164_DIGITS_MIN;
}

// Plans that have changed since 2022, so that what theirs holds for valid is no number any more.
struct change {
    int code;
    const char *what;
};

const change changes[] = {
    {55, "Brazil: no 300 numbers of nine digits"},
    {229, "Benin: ten digits, 01 in front"},
    {234, "Nigeria: fixed lines have ten digits, 20 in front"},
    {263, "Zimbabwe: no area code 13"},
    {385, "Croatia: no 60 and 61 numbers of six digits"},
    {966, "Saudi Arabia: no 811 numbers"},
    {974, "Qatar: no pagers with 22 in front"},
    {998, "Uzbekistan: no trunk 8"},
};

bool is_of_changed_plan(const spelling &, const answers &answers)
{
    for (const change &change : changes) {
        if (answers.is_valid && answers.code == change.code)
            return true;
    }
    return false;
}

struct difference {
    const char *what;
    bool (*has)(const spelling &spelling, const answers &answers);
    int count;
};

// The first that has it counts.
std::vector<difference> differences()
{
    return {
        {"the same answer", is_same, 0},
        {"valid for neither, possible for both", is_possible_to_both, 0},
        {"not valid in the default country: international", is_international_after_all, 0},
        {"shorter than seven digits", is_short, 0},
        {"the plan has changed since 2022", is_of_changed_plan, 0},
    };
}

// --- spellings ---------------------------------------------------------------------------------

struct example {
    PhoneNumber number;
    std::string region; // empty: of no region
};

std::vector<example> examples(const PhoneNumberUtil &util)
{
    std::vector<example> all;
    std::set<std::string> regions;
    util.GetSupportedRegions(&regions);
    for (const std::string &region : regions) {
        std::set<PhoneNumberUtil::PhoneNumberType> types;
        util.GetSupportedTypesForRegion(region, &types);
        for (PhoneNumberUtil::PhoneNumberType type : types) {
            example each = {PhoneNumber(), region};
            if (util.GetExampleNumberForType(region, type, &each.number))
                all.push_back(each);
        }
    }
    std::set<int> codes;
    util.GetSupportedGlobalNetworkCallingCodes(&codes);
    for (int code : codes) {
        example each = {PhoneNumber(), ""};
        if (util.GetExampleNumberForNonGeoEntity(code, &each.number))
            all.push_back(each);
    }
    return all;
}

// The number with some of its last digits changed, if theirs can read it.
bool vary(const PhoneNumberUtil &util, const PhoneNumber &number, struct seeded *seeded,
          PhoneNumber *varied_out)
{
    std::string digits;
    util.GetNationalSignificantNumber(number, &digits);
    std::size_t changed = 1 + seeded_below(seeded, std::min(digits.size(), CHANGED_DIGITS_MAX));
    for (std::size_t at = digits.size() - changed; at < digits.size(); at++)
        digits[at] = static_cast<char>('0' + seeded_below(seeded, 10));
    const std::string text = "+" + std::to_string(number.country_code()) + digits;
    return util.Parse(text, "ZZ", varied_out) == PhoneNumberUtil::NO_PARSING_ERROR;
}

std::vector<spelling> spellings(const PhoneNumberUtil &util, const PhoneNumber &number,
                                const std::string &region)
{
    std::string e164, international, national, digits;
    util.Format(number, PhoneNumberUtil::E164, &e164);
    util.Format(number, PhoneNumberUtil::INTERNATIONAL, &international);
    util.Format(number, PhoneNumberUtil::NATIONAL, &national);
    util.GetNationalSignificantNumber(number, &digits);
    std::vector<spelling> all = {{e164, ""}, {international, region}, {"00" + e164.substr(1), ""}};
    if (region.empty())
        return all;
    all.push_back({national, region});
    all.push_back({digits, region});
    all.push_back({"+" + std::to_string(number.country_code()) + " (0)" + digits, ""});
    return all;
}

// --- the test ----------------------------------------------------------------------------------

class comparison
{
  public:
    void add(const PhoneNumberUtil &util, const spelling &spelling)
    {
        const answers answers = ask(util, spelling);
        for (difference &each : classes) {
            if (!each.has(spelling, answers))
                continue;
            each.count++;
            return;
        }
        if (unexplained++ < FAILURES_SHOWN)
            std::printf("# %s \"%s\": %s, theirs %s (%s)\n", spelling.country.c_str(),
                        spelling.text.c_str(), answers.ours.c_str(), answers.theirs.c_str(),
                        answers.is_valid ? "valid" : "not valid");
    }

    bool report() const
    {
        bool is_good = unexplained == 0;
        int number = 0;
        for (const difference &each : classes) {
            const char *verdict = each.count > 0 ? "ok" : "not ok";
            std::printf("%s %d - %s: %d\n", verdict, ++number, each.what, each.count);
            is_good = is_good && each.count > 0;
        }
        const char *verdict = unexplained == 0 ? "ok" : "not ok";
        std::printf("%s %d - unexplained: %d\n1..%d\n", verdict, number + 1, unexplained,
                    number + 1);
        return is_good;
    }

  private:
    std::vector<difference> classes = differences();
    int unexplained = 0;
};

} // namespace

int main()
{
    const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
    struct seeded seeded;
    seeded_init(&seeded, 1);
    comparison comparison;
    for (const example &example : examples(util)) {
        PhoneNumber number = example.number;
        for (int n = 0; n < VARIATIONS; n++) {
            for (const spelling &spelling : spellings(util, number, example.region))
                comparison.add(util, spelling);
            while (!vary(util, example.number, &seeded, &number)) {
            }
        }
    }
    return comparison.report() ? 0 : 1;
}
